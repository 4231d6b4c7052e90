/** Commands for all nodes of a site, on a real store. */
import { describe, expect, it } from "vitest";
import { fleetOf, person, project, site, workload } from "../../scheduler/tests/fleet";
import { testClock } from "../../testing/clock";
import { testDatabase } from "../../testing/database";

const db = testDatabase();
const clock = testClock();
const reason = "the hall is rebuilt";
const states = async () => (await db.asOwner<{ line: string }>("select name || ' ' || desired_state as line from nodes order by name")).map((r) => r.line);
const audited = async () => (await db.asOwner<{ line: string }>("select action || ' ' || object || ' ' || outcome as line from audit_entries where action like 'site.%' or action like 'node.%' order by seq")).map((r) => r.line);

describe("a site", () => {
  // Guarantee: a command for a site concerns all its nodes and no other, leaves an entry for the site and one for each node, and is refused whole when there is nothing to do.
  it("is cordoned, drained and opened with all its nodes", async () => {
    const f = fleetOf(db, clock);
    const { cordonSite, drainSite, uncordonSite } = f.fleet.commands;
    await f.apply(`${site("kiel")}---\n${site("lyon")}`);
    for (const n of ["kiel-1", "kiel-2"]) await f.node(n, "kiel");
    await f.node("lyon-1", "lyon");
    await f.apply(workload("web", { replicas: 1 }));
    await expect(cordonSite(f.ada, project, { name: "nowhere", reason })).rejects.toThrow('There is no site "nowhere"');
    expect((await cordonSite(f.ada, project, { name: "kiel", reason })).message).toBe("2 nodes at kiel take no new units.");
    await expect(cordonSite(f.ada, project, { name: "kiel", reason })).rejects.toThrow("Every node at kiel is cordoned or draining already.");
    expect(await states()).toEqual(["kiel-1 cordoned", "kiel-2 cordoned", "lyon-1 active"]);
    expect((await drainSite(person("grace"), project, { name: "kiel", reason })).message).toBe("Units move away from 2 nodes at kiel, each when its replacement serves.");
    expect((await uncordonSite(f.ada, project, { name: "kiel", reason })).message).toBe("2 nodes at kiel take units again.");
    expect(await states()).toEqual(["kiel-1 active", "kiel-2 active", "lyon-1 active"]);
    const entries = await audited();
    expect(entries.filter((e) => e.startsWith("site."))).toEqual(["site.cordon nowhere refused", "site.cordon kiel done", "site.cordon kiel refused", "site.drain kiel done", "site.uncordon kiel done"]);
    expect(entries.filter((e) => e.startsWith("node."))).toEqual(["cordon", "drain", "uncordon"].flatMap((verb) => ["kiel-1", "kiel-2"].map((n) => `node.${verb} ${n} done`)));
  });
});
