/** Capacity and repair on a real store, held to what the scheduler then does. */
import { beforeEach, describe, expect, it } from "vitest";
import { isRefused } from "../../core/base/refusal";
import { fleetOf, person, project, site, workload } from "../../scheduler/tests/fleet";
import { testClock } from "../../testing/clock";
import { testDatabase } from "../../testing/database";

const db = testDatabase();
const clock = testClock();
let w: ReturnType<typeof fleetOf>;
beforeEach(async () => {
  await db.asOwner("truncate assignments, observations, decisions, reservations, repairs, reconcile_keys, nodes, sites, links, object_revisions, objects, rollouts, node_identities, history cascade");
  w = fleetOf(db, clock);
});
const policy = (spec: string) => `apiVersion: holdfast.dev/v1\nkind: PlacementPolicy\nmetadata: {name: p}\nspec: {${spec}}\n`;
const reason = "make room for llm";
const plan = () => w.placement.queries.repairPlan(project, { workload: "llm" }, w.ada);
const run = (digest: string, actor = w.ada) => w.placement.commands.repairRun(actor, project, { workload: "llm", digest, reason });
const serving = async (name: string) => (await db.asOwner<{ n: number }>("select count(*)::int as n from assignments a join observations o on o.assignment_id = a.id join objects w on w.id = a.workload_id where w.name = $1 and a.ended_at is null and o.phase = 'running' and o.health = 'healthy'", [name]))[0]?.n ?? 0;
const audit = (action: string) => db.asOwner<{ outcome: string; actor: string; reason: string; after: unknown; refusal: { code: string } | null }>("select outcome, actor, reason, after, refusal from audit_entries where action = $1 order by seq", [action]);
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
async function fragmented(o: { web?: string; extra?: string } = {}): Promise<void> {
  await w.apply(site("kiel"));
  for (const n of ["kiel-1", "kiel-2", "kiel-3"]) await w.node(n, "kiel", { cpu: 1_000 });
  await w.apply(`${policy("prefer: [{by: spread, over: node, weight: 10}]")}---\n${workload("web", { replicas: 3, cpu: 300, extra: `policy: p\n${o.web ?? ""}` })}`);
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
});
