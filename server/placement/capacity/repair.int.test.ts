/** Capacity and repair on a real store, held to what the scheduler then does. */
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { isRefused } from "../../core/base/refusal";
import { fleetOf, project, site, workload } from "../../scheduler/tests/fleet";
import { testClock } from "../../testing/clock";
import { testDatabase } from "../../testing/database";

const db = testDatabase();
const clock = testClock();
let w: ReturnType<typeof fleetOf>;
beforeEach(() => empty());

async function empty(): Promise<void> {
  await db.asOwner("truncate assignments, observations, decisions, reservations, repairs, reconcile_keys, nodes, sites, links, object_revisions, objects, rollouts, node_identities, history cascade");
  w = fleetOf(db, clock);
  from = (await db.asOwner<{ seq: number }>("select coalesce(max(seq), 0)::int as seq from audit_entries"))[0]?.seq ?? 0;
}
const policy = (spec: string) => `apiVersion: holdfast.dev/v1\nkind: PlacementPolicy\nmetadata: {name: p}\nspec: {${spec}}\n`;
const reason = "make room for llm";
const plan = () => w.placement.queries.repairPlan(project, { workload: "llm" }, w.ada);
const run = (digest: string, actor = w.ada) => w.placement.commands.repairRun(actor, project, { workload: "llm", digest, reason });
const serving = async (name: string) => (await db.asOwner<{ n: number }>("select count(*)::int as n from assignments a join observations o on o.assignment_id = a.id join objects w on w.id = a.workload_id where w.name = $1 and a.ended_at is null and o.phase = 'running' and o.health = 'healthy'", [name]))[0]?.n ?? 0;
/** Entries of this test: the log can't be emptied. */
let from = 0;
const audit = (action: string) => db.asOwner<{ outcome: string; actor: string; reason: string; after: unknown; refusal: { code: string } | null }>("select outcome, actor, reason, after, refusal from audit_entries where action = $1 and seq > $2 order by seq", [action, from]);
/** Nodes written by hand leave no change pointer: a picture of the fleet is old after five seconds at most. */
const later = async () => {
  clock.advance(6_000);
  await w.obey();
};
const codeOf = (p: Promise<unknown>) => p.then(() => "done", (e: unknown) => (isRefused(e) ? e.holdfastRefusal.code : String(e)));

/** One look of everybody, then the agents do what they are asked. Checks each time that nothing is over-committed and nobody is out of service. */
async function turn(scheduler: ReturnType<typeof w.scheduler>, o: Parameters<typeof w.obey>[0] = {}): Promise<void> {
  clock.advance(1_000);
  await scheduler.loop.resync();
  await scheduler.loop.drain();
  expect(await w.overcommitted()).toEqual([]);
  await w.obey(o);
}
async function until(what: () => Promise<boolean>, o: { each?: () => Promise<void>; obey?: Parameters<typeof w.obey>[0]; scheduler?: ReturnType<typeof w.scheduler> } = {}): Promise<void> {
  const scheduler = o.scheduler ?? w.scheduler({ concurrency: 1 });
  for (let i = 0; i < 60; i++) {
    await turn(scheduler, o.obey);
    await o.each?.();
    if (await what()) return;
  }
  throw new Error(`it does not come about: ${JSON.stringify(await w.placement.queries.repairs(project))}`);
}
/** Three nodes with a unit of web on each, so that llm, which needs most of one, fits nowhere. */
async function fragmented(o: { web?: string; extra?: string; template?: string } = {}): Promise<void> {
  await w.apply(site("kiel"));
  for (const n of ["kiel-1", "kiel-2", "kiel-3"]) await w.node(n, "kiel", { cpu: 1_000 });
  await w.apply(`${policy("prefer: [{by: spread, over: node, weight: 10}]")}---\n${workload("web", { replicas: 3, cpu: 300, extra: `policy: p\n${o.web ?? ""}`, template: o.template ?? "" })}`);
  await until(async () => (await serving("web")) === 3);
  expect(new Set((await w.units("web")).map((u) => u.node)).size).toBe(3);
  await w.apply(workload("llm", { replicas: 2, cpu: 800, extra: `gang: {minMember: 2}\npreemption: never\n${o.extra ?? ""}` }));
  await turn(w.scheduler({ concurrency: 1 }));
  expect(await w.units("llm")).toEqual([]);
}

describe("a repair plan", () => {
  // Guarantee: running the plan makes the waiting gang placeable, the scheduler places it, no unit of others is out of service
  // on the way and no node is over-committed; it ends by itself and is in the audit log.
  it("makes the waiting gang placeable", async () => {
    await fragmented({ web: "disruption: {maxUnavailable: 2}" });
    const p = await plan();
    expect(p).toMatchObject({ workload: "llm", wanted: 2, placeableNow: 0, placeableAfter: 2, blocked: null, optimal: true, seconds: 20, run: { disabledBecause: null } });
    expect(p.moves.map((m) => [m.workload, m.seconds, m.priced])).toEqual([["web", 10, "declared"], ["web", 10, "declared"]]);
    expect(p.sentence).toContain("2 moves, 20 s of warm starts");
    const before = await w.units("web");
    const begun = await run(p.digest ?? "");
    let least = 3;
    await until(async () => (await w.placement.queries.repairs(project))[0]?.outcome === "placed", { each: async () => void (least = Math.min(least, await serving("web"))) });
    expect(least).toBe(3);
    expect((await w.units("llm")).length).toBe(2);
    const now = await w.units("web");
    expect(now.map((u) => u.node)).toEqual(["kiel-3", "kiel-3", "kiel-3"].map(() => p.moves[0]?.to));
    expect(before.filter((u) => now.some((x) => x.id === u.id)).length).toBe(1);
    const [row] = await w.placement.queries.repairs(project);
    expect(row).toMatchObject({ id: begun.id, state: "healthy", outcome: "placed", moves: [{ state: "done" }, { state: "done" }] });
    expect(await audit("repair.run")).toMatchObject([{ outcome: "done", actor: "ada", reason, after: { digest: p.digest, seconds: 20, moves: [{}, {}], room: [{}, {}].map(() => expect.any(String) as unknown) } }]);
    expect(await audit("repair.end")).toMatchObject([{ outcome: "done", after: { outcome: "placed" } }]);
    // Nothing wants to move back, and there is nothing left to repair.
    expect(await codeOf(plan())).toBe("illegal_transition");
  });

  // Guarantee: exactly the plan that was shown is run, or none: where the fleet has changed since, it is refused and nothing is written.
  it("that is no longer the one that was shown is refused", async () => {
    await fragmented();
    const shown = (await plan()).digest ?? "";
    await w.node("kiel-4", "kiel", { cpu: 900 });
    await later();
    expect((await plan()).digest).not.toBe(shown);
    expect(await codeOf(run(shown))).toBe("plan_changed");
    await w.node("kiel-5", "kiel", { cpu: 1_000 });
    await w.node("kiel-6", "kiel", { cpu: 1_000 });
    await later();
    expect(await plan()).toMatchObject({ moves: [], digest: null, placeableNow: 2, run: { disabledBecause: "There is nothing to move." } });
    expect(await codeOf(run(shown))).toBe("plan_changed");
    expect(await db.asOwner("select 1 from repairs")).toEqual([]);
    expect((await audit("repair.run")).map((a) => [a.outcome, a.refusal?.code])).toEqual([["refused", "plan_changed"], ["refused", "plan_changed"]]);
  });

  // Guarantee: asking again is the same repair, while it runs and when it is over; two at once are one; another one has to wait.
  it("that is run again is the same repair", async () => {
    await fragmented();
    const digest = (await plan()).digest ?? "";
    const [a, b] = await Promise.all([run(digest), run(digest)]);
    expect(a.id).toBe(b.id);
    expect((await run(digest)).id).toBe(a.id);
    expect((await plan()).run.disabledBecause).toMatch(/is under way; one runs at a time/);
    const other = await w.placement.queries.repairPlan(project, { shape: { cpuMillis: 750, memoryBytes: 2 ** 26, diskBytes: 0, devices: null }, count: 1 }, w.ada);
    expect(await codeOf(w.placement.commands.repairRun(w.ada, project, { shape: { cpuMillis: 750, memoryBytes: 2 ** 26, diskBytes: 0, devices: null }, count: 1, digest: other.digest ?? "", reason }))).toBe("in_use");
    await until(async () => (await w.placement.queries.repairs(project))[0]?.outcome === "placed");
    expect(await run(digest)).toMatchObject({ id: a.id, message: expect.stringContaining("was run already") as unknown });
    expect((await audit("repair.run")).filter((x) => x.outcome === "done")).toHaveLength(1);
    expect(await db.asOwner("select 1 from repairs")).toHaveLength(1);
  });

  // Guarantee: a repair lives in rows: schedulers that die between any two steps are followed by others that finish it.
  it("goes on under another scheduler", async () => {
    await fragmented();
    await run((await plan()).digest ?? "");
    await until(async () => (await w.placement.queries.repairs(project))[0]?.outcome === "placed", { each: async () => void (await db.asOwner("update reconcile_keys set claimed_by = 'scheduler-that-died', claimed_until = now() - interval '1 minute'")), scheduler: w.scheduler({ concurrency: 1, leaseMs: 1 }) });
    expect((await w.units("llm")).length).toBe(2);
  });

  // Guarantee: a move that has become impossible is dropped with the reason, with it the rest of the plan; its unit stays where it serves.
  it("drops what has become impossible, and says why", async () => {
    await fragmented();
    const p = await plan();
    const to = p.moves[0]?.to ?? "";
    await run(p.digest ?? "");
    await db.asOwner("update nodes set desired_state = 'cordoned', version = version + 1 where name = $1", [to]);
    await until(async () => (await w.placement.queries.repairs(project))[0]?.endedAtMs !== null);
    const [row] = await w.placement.queries.repairs(project);
    expect(row).toMatchObject({ state: "failing", outcome: "dropped", moves: [{ state: "dropped" }, { state: "dropped" }] });
    expect(row?.sentence).toMatch(/can't go where the plan puts it any more: .*cordoned/);
    expect((await w.units("web")).map((u) => u.desired)).toEqual(["run", "run", "run"]);
    expect(await w.units("llm")).toEqual([]);
    // A plan that came to nothing can be made again; it is another one now.
    expect((await plan()).digest).not.toBe(p.digest);
  });

  // Guarantee: a replacement that never serves is given up in time; the unit that was to move never stopped serving.
  it("gives a move up whose replacement does not serve", async () => {
    await fragmented();
    const p = await plan();
    await run(p.digest ?? "");
    await turn(w.scheduler({ concurrency: 1 }), { stuck: ["web-4"] });
    const fresh = (await w.units("web")).find((u) => u.unit === "web-4")?.unit ?? "";
    expect(fresh).toBe("web-4");
    const stuck = { stuck: [fresh] };
    await turn(w.scheduler({ concurrency: 1 }), stuck);
    clock.advance(600_000);
    await w.obey(stuck);
    await until(async () => (await w.placement.queries.repairs(project))[0]?.endedAtMs !== null, { obey: stuck });
    expect((await w.placement.queries.repairs(project))[0]).toMatchObject({ outcome: "dropped", sentence: expect.stringContaining("did not serve in ten minutes") as unknown });
    await until(async () => (await w.units("web")).length === 3, { obey: stuck });
    expect((await w.units("web")).map((u) => u.unit)).toEqual(["web-1", "web-2", "web-3"]);
  });

  // Guarantee: while moves are under way, what they free is not taken by others who wait too; and rules of sets hold for moves.
  it("keeps the room that it makes for whom it is made", async () => {
    await fragmented();
    await w.apply(workload("greedy", { replicas: 6, cpu: 250 }));
    await run((await plan()).digest ?? "");
    await until(async () => (await w.placement.queries.repairs(project))[0]?.endedAtMs !== null);
    expect((await w.placement.queries.repairs(project))[0]).toMatchObject({ outcome: "placed" });
    expect((await w.units("llm")).length).toBe(2);
  });

  // Guarantee: for any fleet, whenever a plan is found, running it places everybody who waited, with no node over-committed, no
  // unit of others out of service at any moment, no budget of moves broken, and by exactly the moves that were shown.
  it("holds for random fleets", async () => {
    let run1 = 0;
    await fc.assert(
      fc.asyncProperty(fc.record({ nodes: fc.integer({ min: 2, max: 4 }), web: fc.integer({ min: 2, max: 4 }), cpu: fc.constantFrom(200, 250), other: fc.integer({ min: 0, max: 3 }), llm: fc.integer({ min: 1, max: 2 }), size: fc.constantFrom(810, 900), most: fc.integer({ min: 1, max: 4 }) }), async (c) => {
        await empty();
        await w.apply(site("kiel"));
        for (let i = 1; i <= c.nodes; i++) await w.node(`kiel-${i}`, "kiel", { cpu: 1_000 });
        await w.apply(`${policy("prefer: [{by: spread, over: node, weight: 10}]")}---\n${workload("web", { replicas: c.web, cpu: c.cpu, extra: `policy: p\ndisruption: {maxUnavailable: ${c.most}}` })}---\n${workload("aux", { replicas: c.other, cpu: 150, extra: "policy: p" })}`);
        await until(async () => (await serving("web")) === c.web && (await serving("aux")) === c.other);
        await w.apply(workload("llm", { replicas: c.llm, cpu: c.size, extra: `gang: {minMember: ${c.llm}}\npreemption: never` }));
        await turn(w.scheduler({ concurrency: 1 }));
        if ((await w.units("llm")).length > 0) return;
        const p = await plan();
        for (const m of p.moves) expect(p.moves.filter((x) => x.workload === "web" && x.batch === m.batch).length).toBeLessThanOrEqual(c.most);
        if (p.digest === null) return;
        run1++;
        const [webWas, auxWas] = [await w.units("web"), await w.units("aux")];
        await run(p.digest);
        let [web, aux] = [c.web, c.other];
        await until(async () => (await w.placement.queries.repairs(project))[0]?.endedAtMs !== null, { each: async () => void ([web, aux] = [Math.min(web, await serving("web")), Math.min(aux, await serving("aux"))]) });
        expect((await w.placement.queries.repairs(project))[0]).toMatchObject({ outcome: "placed" });
        expect([web, aux]).toEqual([c.web, c.other]);
        expect((await w.units("llm")).length).toBe(c.llm);
        const stayed = new Set([...(await w.units("web")), ...(await w.units("aux"))].map((u) => u.id));
        expect([...webWas, ...auxWas].filter((u) => !stayed.has(u.id)).map((u) => u.unit).sort()).toEqual(p.moves.map((m) => m.unit).sort());
      }),
      { numRuns: process.env["HOLDFAST_LONG"] === "1" ? 150 : 10, seed: 20261124, endOnFailure: true },
    );
    expect(run1).toBeGreaterThan(1);
  }, 600_000);

  // Guarantee: a plan of many moves is made in batches, of each workload at most as many at a time as its budget lets be out of
  // service, and nobody is out of service or over-committed on the way.
  it("makes many moves, batch after batch", async () => {
    await w.apply(site("kiel"));
    for (let i = 1; i <= 20; i++) await w.node(`kiel-${i}`, "kiel", { cpu: 1_000 });
    await w.apply(`${policy("prefer: [{by: spread, over: node, weight: 10}]")}---\n${workload("web", { replicas: 40, cpu: 200, extra: "policy: p\ndisruption: {maxUnavailable: 4}" })}`);
    await until(async () => (await serving("web")) === 40);
    await w.apply(workload("llm", { replicas: 12, cpu: 900, extra: "gang: {minMember: 12}\npreemption: never" }));
    await turn(w.scheduler({ concurrency: 1 }));
    const p = await plan();
    expect(p.moves.length).toBe(24);
    const batches = [...new Set(p.moves.map((m) => m.batch))];
    expect(batches.map((b) => p.moves.filter((m) => m.batch === b).length)).toEqual([4, 4, 4, 4, 4, 4]);
    expect(p.sentence).toContain("They are made in 6 batches, about 60 s of starting in all.");
    await run(p.digest ?? "");
    let [least, most, turns] = [40, 0, 0];
    const each = async () => {
      least = Math.min(least, await serving("web"));
      most = Math.max(most, (await w.units("web")).filter((u) => u.desired === "run").length);
      turns++;
    };
    await until(async () => (await w.placement.queries.repairs(project))[0]?.outcome === "placed", { each });
    expect([least, most]).toEqual([40, 44]);
    expect(turns).toBeLessThan(24);
    expect((await w.units("llm")).length).toBe(12);
  });

  it("is priced by starts that were measured, and says so", async () => {
    await fragmented({ template: 'health: {probe: {type: exec, command: ["true"]}, startPeriod: 45s}' });
    expect((await plan()).moves[0]).toMatchObject({ seconds: 45, priced: "declared", pricedBecause: "no start was measured: the start period of its manifest" });
    await db.asOwner("update observations set started_at = since_at - interval '2500 milliseconds'");
    await db.asOwner("insert into changes (topic, key, project_id) select 'observation', assignment_id, $1 from observations", [project.id]);
    expect((await plan()).moves[0]).toMatchObject({ seconds: 2.5, priced: "measured", pricedBecause: "median of 3 starts of its units that run" });
  });

  // Guarantee: what would break a rule is no plan: spread, pinned budgets, daemons; and the answer says so.
  it("moves nobody against a rule", async () => {
    await fragmented({ web: "disruption: {maxUnavailable: 0}" });
    expect(await plan()).toMatchObject({ digest: null, moves: [], blocked: expect.stringContaining("No moves within the rules") as unknown });
    await w.apply(`${policy("spread: [{over: node, maxSkew: 1}]")}---\n${workload("web", { replicas: 3, cpu: 300, extra: "policy: p" })}`);
    await turn(w.scheduler({ concurrency: 1 }));
    expect(await plan()).toMatchObject({ digest: null, blocked: expect.stringMatching(/can't go to kiel-.*break the spread/) as unknown });
    expect(await codeOf(w.placement.queries.repairPlan(project, { workload: "nobody" }, w.ada))).toBe("not_found");
  });
});

describe("capacity", () => {
  // Guarantee: sums are those of the nodes; what is silent or closed is counted, said and not offered; the largest gang is what the scheduler could place.
  it("says what there is, what is taken, what is stranded, and the largest gang", async () => {
    await w.apply(`${site("kiel")}---\n${site("lyon")}`);
    await w.node("kiel-1", "kiel", { cpu: 1_000, devices: ["A100", "A100"] });
    await w.node("kiel-2", "kiel", { cpu: 1_000, devices: ["A100", "A100"] });
    await w.node("lyon-1", "lyon", { cpu: 1_000 });
    await w.apply(workload("one", { replicas: 2, cpu: 700 }));
    await until(async () => (await serving("one")) === 2);
    const c = await w.placement.queries.capacity(project, { limit: 2, shape: { cpuMillis: 300, memoryBytes: 2 ** 26, diskBytes: 0, devices: null } });
    expect(c.total.cpuMillis).toMatchObject({ capacity: 3_000, allocated: 1_400, idle: 1_600 });
    // Two nodes have 300 left of 1,000, of which a unit of 700 can use nothing; the third can take one.
    expect(c.total.cpuMillis.stranded).toBeCloseTo((300 + 300 + 300) / 1_600);
    expect(c.mix).toEqual([expect.objectContaining({ text: "0.7 CPU, 64 MiB memory", share: 1, units: 2, workloads: ["one"], largestGang: 1 })]);
    expect(c.largest).toEqual({ text: "0.3 CPU, 64 MiB memory", units: 5 });
    // F of the FGD paper: nobody of the mix asks for an accelerator, so whatever is idle is fragmented.
    expect(c.models).toEqual([{ model: "A100", nodes: 2, capacity: 4, allocated: 0, idle: 4, stranded: 1 }]);
    expect(c.nodes.map((n) => n.name)).toEqual(["kiel-1", "kiel-2"]);
    expect((await w.placement.queries.capacity(project, { limit: 2, cursor: c.nextCursor })).nodes.map((n) => n.name)).toEqual(["lyon-1"]);
    expect((await w.placement.queries.capacity(project, { limit: 2, site: "lyon" })).nodesTotal).toBe(1);
    clock.advance(120_000);
    await w.obey({ silent: ["lyon-1"] });
    const later = await w.placement.queries.capacity(project, { limit: 10 });
    expect(later.sites.map((s) => [s.name, s.silent])).toEqual([["kiel", 0], ["lyon", 1]]);
    expect(later.nodes.find((n) => n.name === "lyon-1")).toMatchObject({ state: "silent", usable: false, cpuMillis: { capacity: 1_000, idle: 0, stranded: null } });
  });
});
