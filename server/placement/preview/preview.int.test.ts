/** Previews, replays and the queue on a real store, held to what the scheduler then does. */
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { fleetOf, project, site, workload } from "../../scheduler/tests/fleet";
import { testClock } from "../../testing/clock";
import { testDatabase } from "../../testing/database";

const db = testDatabase();
const clock = testClock();
let w: ReturnType<typeof fleetOf>;
beforeEach(() => empty());

async function empty(): Promise<void> {
  await db.asOwner("truncate assignments, observations, decisions, reservations, repairs, reconcile_keys, nodes, sites, links, object_revisions, objects, rollouts, node_identities, history cascade");
  // Each time a new feature: nothing is remembered of the fleet before.
  w = fleetOf(db, clock);
}
const policy = (name: string, spec: string) => `apiVersion: holdfast.dev/v1\nkind: PlacementPolicy\nmetadata: {name: ${name}}\nspec: {${spec}}\n`;
const rows = () => db.asOwner<{ unit: string; node: string; generation: number }>("select a.unit, n.name as node, a.generation from assignments a join nodes n on n.id = a.node_id where a.ended_at is null and a.desired = 'run' order by a.unit, n.name");
const state = () => db.asOwner("select (select count(*) from assignments) as a, (select count(*) from decisions) as d, (select count(*) from changes) as c, (select count(*) from audit_entries) as e, (select max(version) from nodes) as n, (select count(*) from reservations) as r");
const told = (list: readonly { unit: string; node: string }[]) => list.map((x) => `${x.unit} ${x.node}`).sort();

/** One look of the scheduler at everything, then the agents. */
async function turn(): Promise<void> {
  const scheduler = w.scheduler({ concurrency: 1 });
  await scheduler.loop.resync();
  await scheduler.loop.drain();
  await w.obey();
}
const standing = async () => JSON.stringify(await db.asOwner("select id, version, desired, ended_at, null as moves from assignments union all select id, version, '', ended_at, moves from repairs order by id"));
const repairing = async () => (await w.placement.queries.repairs(project)).some((r) => r.endedAtMs === null);
/** The scheduler, one look at a time, and the agents in turn until nothing is left to do. Where a repair waits for something, time passes. */
async function settle(): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const before = await standing();
    await turn();
    if (i < 2 || (await standing()) !== before) continue;
    if (!(await repairing())) return;
    clock.advance(601_000);
    await w.obey();
  }
  throw new Error("it does not settle");
}

/** A machine dies, and is taken out of the fleet. */
async function lose(name: string): Promise<void> {
  await db.asOwner("update nodes set connected = false, last_seen_at = last_seen_at - interval '10 minutes' where name = $1", [name]);
  const node = (await db.asOwner<{ version: number }>("select version from nodes where name = $1", [name]))[0];
  await w.fleet.commands.decommission(w.ada, project, { name, version: node?.version ?? 0, reason: "it died" });
}

/** What would run after a preview, from what runs now. */
function applied(before: Awaited<ReturnType<typeof rows>>, p: Awaited<ReturnType<typeof w.placement.queries.preview>>): string[] {
  const now = new Set(told(before));
  for (const m of [...p.moves, ...p.gone]) expect(now.delete(`${m.unit} ${m.from}`)).toBe(true);
  for (const m of p.moves) now.add(`${m.becomes} ${m.to}`);
  for (const a of p.added) now.add(`${a.unit} ${a.to}`);
  return [...now].sort();
}

describe("a preview", () => {
  // Guarantee (13): it equals what the scheduler then commits, for any fleet and change; and it writes nothing.
  it("equals what the scheduler then does, and changes nothing itself", async () => {
    const changes = ["policy", "replicas", "resize", "drainSite", "drainNode", "loseNode", "high"] as const;
    const besides = ["", "affinity: {apart: [{from: aa, over: node}]}", "affinity: {apart: [{from: aa, over: site}, {over: node}]}", "affinity: {together: [{with: aa, over: site}]}", "affinity: {together: [{with: bb, over: site}], apart: [{over: node}]}"];
    const seen = { moves: 0, added: 0, gone: 0, evicted: 0, impossible: 0, updates: 0 };
    await fc.assert(
      fc.asyncProperty(fc.record({ nodes: fc.integer({ min: 1, max: 3 }), cpu: fc.constantFrom(300, 500, 1_000), a: fc.integer({ min: 1, max: 5 }), b: fc.integer({ min: 0, max: 4 }), change: fc.constantFrom(...changes), n: fc.integer({ min: 0, max: 6 }), prefer: fc.constantFrom("", "{by: pack, weight: 10}", "{by: spread, over: site, weight: 10}", "{by: latency, clients: {kiel: 1, graz: 2}, weight: 50}", "{by: balance, weight: 30}"), beside: fc.constantFrom(...besides) }), async (c) => {
        await empty();
        for (const s of ["kiel", "lyon", "graz"]) {
          await w.apply(site(s, { jurisdiction: s === "lyon" ? "FR" : "DE", ...(s === "lyon" ? { links: "{to: kiel, latencyMs: 30, bandwidthMbps: 100}" } : {}) }));
          for (let i = 1; i <= c.nodes; i++) await w.node(`${s}-${i}`, s, { cpu: c.cpu });
        }
        const bound = (residency: string) => policy("p", `residency: [${residency}], prefer: [${c.prefer}]`);
        await w.apply(`${bound("DE, FR")}---\n${workload("aa", { replicas: c.a, extra: "policy: p\npriority: 10" })}---\n${workload("bb", { replicas: c.b, cpu: 150, extra: `priority: 20\n${c.beside}` })}`);
        await settle();
        const text = { policy: bound(c.n % 2 ? "FR" : "DE"), replicas: workload("aa", { replicas: c.n, extra: "policy: p\npriority: 10" }), resize: workload("bb", { replicas: c.b, cpu: 100 + 50 * c.n, extra: `priority: 20\n${c.beside}` }), high: workload("hh", { replicas: 1 + (c.n % 3), cpu: 200, extra: "priority: 900" }), drainSite: undefined, drainNode: undefined, loseNode: undefined }[c.change];
        const [before, untouched] = [await rows(), await state()];
        const p = await w.placement.queries.preview(project, c.change === "drainSite" ? { drainSite: "kiel" } : c.change === "drainNode" ? { drainNode: "graz-1" } : c.change === "loseNode" ? { loseNode: "graz-1" } : { text });
        expect(await state()).toEqual(untouched);
        if (text) await w.apply(text);
        else if (c.change === "drainSite") await w.fleet.commands.drainSite(w.ada, project, { name: "kiel", reason: "as previewed" });
        else if (c.change === "loseNode") await lose("graz-1");
        else await db.asOwner("update nodes set desired_state = 'draining', version = version + 1 where name = 'graz-1'");
        await settle();
        const after = await rows();
        expect(applied(before, p)).toEqual(told(after));
        expect(p.counts.unitsAfter).toBe(after.length);
        for (const k of ["moves", "added", "gone", "evicted", "impossible"] as const) seen[k] += p.counts[k] > 0 ? 1 : 0;
        seen.updates += p.updates.length;
      }),
      { numRuns: process.env["HOLDFAST_LONG"] === "1" ? 150 : 10, seed: 20261123, endOnFailure: true },
    );
    expect(seen.moves + seen.added + seen.gone).toBeGreaterThan(2);
  }, 600_000);

  // Guarantee (13): also while a repair is under way, at any of its steps: what its moves still do is part of the preview.
  it("equals what the scheduler then does while a repair is under way", async () => {
    const changes = ["nothing", "policy", "scale", "other", "drainNode", "loseNode", "high"] as const;
    const seen = { under: 0, dropped: 0, placed: 0, moves: 0 };
    await fc.assert(
      fc.asyncProperty(fc.record({ nodes: fc.integer({ min: 3, max: 5 }), llm: fc.integer({ min: 1, max: 2 }), turns: fc.integer({ min: 0, max: 5 }), change: fc.constantFrom(...changes), n: fc.integer({ min: 1, max: 4 }) }), async (c) => {
        await empty();
        await w.apply(site("kiel"));
        for (let i = 1; i <= c.nodes; i++) await w.node(`kiel-${i}`, "kiel", { cpu: 1_000, labels: i === 1 ? { room: "one" } : {} });
        const bound = (more: string) => policy("p", `prefer: [{by: spread, over: node, weight: 10}]${more}`);
        await w.apply(`${bound("")}---\n${workload("web", { replicas: c.nodes, cpu: 300, extra: "policy: p\npriority: 10" })}`);
        await settle();
        await w.apply(workload("llm", { replicas: c.llm, cpu: 800, extra: `gang: {minMember: ${c.llm}}\npreemption: never` }));
        await turn();
        const plan = await w.placement.queries.repairPlan(project, { workload: "llm" }, w.ada);
        if (plan.digest === null) return;
        await w.placement.commands.repairRun(w.ada, project, { workload: "llm", digest: plan.digest, reason: "llm waits" });
        for (let i = 0; i < c.turns; i++) await turn();
        if (!(await repairing())) return;
        seen.under++;
        const text = { nothing: undefined, policy: bound(`, require: [{rule: '!has(node.labels.room)', because: it is being painted}]`), scale: workload("web", { replicas: c.nodes - 2 + c.n, cpu: 300, extra: "policy: p\npriority: 10" }), other: workload("aa", { replicas: c.n, cpu: 150 }), high: workload("hh", { replicas: c.n, cpu: 600, extra: "priority: 900" }), drainNode: undefined, loseNode: undefined }[c.change];
        const [before, untouched] = [await rows(), await state()];
        const node = `kiel-${c.n}`;
        const p = c.change === "nothing" ? await w.placement.queries.preview(project, {}) : await w.placement.queries.preview(project, c.change === "drainNode" && c.n <= c.nodes ? { drainNode: node } : c.change === "loseNode" && c.n <= c.nodes ? { loseNode: node } : text === undefined ? {} : { text });
        expect(await state()).toEqual(untouched);
        if (text) await w.apply(text);
        else if (c.change === "loseNode" && c.n <= c.nodes) await lose(node);
        else if (c.change === "drainNode") await db.asOwner("update nodes set desired_state = 'draining', version = version + 1 where name = $1", [node]);
        await settle();
        const after = await rows();
        expect(applied(before, p)).toEqual(told(after));
        const [ended] = await w.placement.queries.repairs(project);
        if (ended?.outcome === "placed") seen.placed++;
        else seen.dropped++;
        seen.moves += p.counts.moves;
      }),
      { numRuns: process.env["HOLDFAST_LONG"] === "1" ? 150 : 12, seed: 4, endOnFailure: true },
    );
    expect(seen.under).toBeGreaterThan(3);
    expect(seen.placed).toBeGreaterThan(0);
    expect(seen.dropped).toBeGreaterThan(0);
    expect(seen.moves).toBeGreaterThan(0);
  }, 600_000);

  it("tells cost, the way to clients and what is impossible", async () => {
    await w.apply(site("kiel", { links: "{to: lyon, latencyMs: 20, bandwidthMbps: 100}" }) + "---\n" + site("lyon", { jurisdiction: "FR" }));
    await w.node("kiel-1", "kiel", { cpu: 200 });
    await w.node("lyon-1", "lyon", { cpu: 200 });
    await w.apply(policy("p", "spread: [{over: site, maxSkew: 1}]") + "---\n" + workload("web", { replicas: 2, extra: "policy: p" }));
    await settle();
    const q = w.placement.queries;
    expect(await q.preview(project, { drainSite: "lyon" })).toMatchObject({ counts: { moves: 1, impossible: 0 }, latency: [{ workload: "web", beforeMs: 0, afterMs: 10 }] });
    expect(await q.preview(project, { loseLink: { a: "lyon", b: "kiel" } })).toMatchObject({ counts: { moves: 0 }, latency: [] });
    expect((await q.preview(project, { price: { site: "kiel", cpuHour: 2 } })).cost).toEqual([{ currency: "EUR", before: 0, after: 0.2 }]);
    const big = await q.preview(project, { text: workload("big", { replicas: 1, cpu: 5_000 }) });
    expect(big.impossible).toEqual([{ workload: "big", unit: "big-1", because: "No node can take it: 2 have too little CPU left.", standing: "new" }]);
    expect(big.sentence).toBe("If workload big were as given: 1 would have no node.");
    // Guarantee: who waits already is not said to be without a node because of the change.
    await w.apply(workload("big", { replicas: 1, cpu: 5_000 }));
    await settle();
    const waits = await q.preview(project, { price: { site: "kiel", cpuHour: 3 } });
    expect(waits).toMatchObject({ sentence: "If prices of site kiel change: nothing would move; 1 unit has no node now either.", counts: { impossible: 1, asNow: 1 }, impossible: [{ unit: "big-1", standing: "asNow" }] });
    await w.apply(workload("big", { replicas: 0, cpu: 5_000 }));
    // Guarantee: a unit that has to leave and can't is named, with what holds it where it is.
    await w.apply(workload("wide", { replicas: 2, extra: "policy: p" }));
    await settle();
    const drained = await q.preview(project, { drainNode: "kiel-1" });
    expect(drained).toMatchObject({ sentence: "If node kiel-1 is drained: 2 would stay where they have to leave.", counts: { moves: 0, stays: 2, impossible: 2, replaces: 2 }, impossible: [{ standing: "replaces" }, { standing: "replaces" }] });
    expect(drained.stays[0]).toEqual({ workload: "web", unit: expect.stringMatching(/^web-/) as string, node: "kiel-1", because: expect.stringMatching(/^kiel-1 is being drained\. It stays until a node can take its place\. No node can take it: /) as string });
    expect((await q.preview(project, { text: policy("p", "residency: [FR]") })).stays).toMatchObject([{ unit: expect.stringMatching(/^web-/) as string, because: expect.stringMatching(/^\S+ .*It stays until a node can take its place\./) as string }, {}]);
    await expect(q.preview(project, { drainSite: "nowhere" })).rejects.toThrow('There is no site "nowhere"');
    await expect(q.preview(project, { text: "kind: Quota" })).rejects.toThrow();
  });

  it("is never older than the store", async () => {
    await w.apply(site("kiel"));
    await w.node("kiel-1", "kiel");
    await w.apply(workload("web", { replicas: 1 }));
    expect((await w.placement.queries.preview(project, { drainSite: "kiel" })).counts.unitsBefore).toBe(0);
    await settle();
    expect((await w.placement.queries.preview(project, { drainSite: "kiel" })).counts).toMatchObject({ unitsBefore: 1, impossible: 1 });
  });
});

describe("a replay", () => {
  // Guarantee: under the policy that they were made by, recorded decisions come out as recorded, with one digest; under another, what differs is named.
  it("of recorded decisions gives the same digest", async () => {
    await w.apply(site("kiel") + "---\n" + site("lyon"));
    await w.node("kiel-1", "kiel", { cpu: 700 });
    await w.node("lyon-1", "lyon", { cpu: 700 });
    const p = (s: string) => policy("p", `prefer: [{by: rule, rule: 'site.name == "kiel"', weight: ${s}}]`);
    await w.apply(p("50") + "---\n" + workload("web", { replicas: 3, extra: "policy: p" }) + "---\n" + workload("big", { replicas: 1, cpu: 900 }));
    await settle();
    const same = await w.placement.queries.replay(project, { limit: 100 });
    expect(same.decisions).toBe(4);
    expect(same.digest).toBe(same.recordedDigest);
    expect(await w.placement.queries.replay(project, { limit: 100, text: p("50") })).toMatchObject({ same: 4, digest: same.digest });
    const other = await w.placement.queries.replay(project, { limit: 100, text: p("-50") });
    expect(other.changed.length).toBeGreaterThan(0);
    expect(other.digest).not.toBe(same.digest);
  });
});

describe("the queue", () => {
  // Guarantee: who waits is told its place, what is in the way, who makes way, and when it may start.
  it("tells position, blocker, chain and start", async () => {
    await w.apply(site("kiel"));
    await w.node("kiel-1", "kiel", { cpu: 300 });
    await w.apply(workload("low", { replicas: 3, extra: "priority: 10" }));
    await settle();
    await w.apply(workload("high", { replicas: 1, extra: "priority: 500" }) + "---\n" + workload("later", { kind: "batch", replicas: 1, extra: "priority: 5\nduration: {min: 1m, max: 2m}" }));
    await w.scheduler({ concurrency: 1 }).loop.drain();
    const { items } = await w.placement.queries.queue(project);
    expect(items.map((i) => [i.position, i.workload, i.waiting])).toEqual([[1, "high", 1], [2, "low", 1], [3, "later", 1]]);
    expect(items[0]?.blocker).toMatch(/low-\d of priority 10 has to stop on kiel-1 first/);
    expect(items[0]?.chain).toMatchObject([{ unit: "high-1", node: "kiel-1", workload: "low", priority: 10, waitsAt: 2 }]);
    expect(items[0]?.start).toMatchObject({ latestMs: null });
    expect(items[2]?.start).toBeNull();
    await settle();
    expect((await w.placement.queries.queue(project)).items.map((i) => i.workload)).toEqual(["low", "later"]);
  });

  it("shows quotas as a tree", async () => {
    const quota = (name: string, spec: string) => `apiVersion: holdfast.dev/v1\nkind: Quota\nmetadata: {name: ${name}}\nspec: {${spec}}\n`;
    await w.apply(site("kiel"));
    await w.node("kiel-1", "kiel", { cpu: 2_000 });
    await w.apply([quota("all", "nominal: {}"), quota("a", "parent: all, nominal: {cpuMillis: 300}"), quota("b", "parent: all, nominal: {cpuMillis: 300}"), workload("one", { replicas: 5, extra: "quota: a" }), workload("two", { replicas: 2, extra: "quota: b\npriority: 50" })].join("---\n"));
    await settle();
    const { quotas } = await w.placement.queries.quotas(project);
    expect(quotas.map((q) => [q.name, q.depth, q.resources[0]?.nominal, q.resources[0]?.allocated, q.resources[0]?.borrowed, q.resources[0]?.waiting, q.resources[0]?.deserved])).toEqual([["all", 0, 600, 600, 0, 0, 600], ["a", 1, 300, 500, 200, 0, 400], ["b", 1, 300, 100, 0, 100, 200]]);
    expect(quotas[1]?.share).toBeCloseTo(200 / 600);
    expect(quotas[1]?.workloads).toEqual(["one"]);
  });
});
