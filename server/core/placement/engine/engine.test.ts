import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Ask, PlaceOptions, PlacedAsk } from "../ask";
import { networkOf, populationOf } from "../clients";
import { isOvercommitted, noLoad, withDemand } from "../demand";
import type { Load } from "../demand";
import type { FleetNode, FleetSnapshot } from "../fleet";
import { NaivePlacement } from "../naive";
import { place } from "../place";
import { reasonCodes } from "../reasons";
import { anyFleet, anyShape, demand, nodeOf, shape } from "../testing";
import { codeOf, columnsOf } from "./columns";
import { RecordedDecision } from "./decision";
import { Planner } from "./planner";

const NOW = 100_000;
/** Every node of a small fleet several times over, with different loads: cells with many nodes, and many ties. */
const anyCrowd: fc.Arbitrary<FleetNode[]> = fc.tuple(anyFleet, fc.integer({ min: 1, max: 4 }), fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 3, maxLength: 9 })).map(([nodes, times, loads]) =>
  nodes.flatMap((n, i) =>
    Array.from({ length: times }, (_, k) => {
      const part = (loads[(i * times + k) % loads.length] ?? 0) / 5;
      return { ...n, id: `${n.id}-${k}`, name: `${n.name}-${k}`, capacity: { ...n.capacity, extra: { slice: i % 3 } }, load: { ...noLoad, cpuMillis: Math.floor(n.capacity.cpuMillis * part), memoryBytes: Math.floor(n.capacity.memoryBytes * part * 0.8) }, warm: new Set(k % 2 ? ["art"] : []) };
    }),
  ),
);
const anyApart = fc.array(fc.record({ from: fc.constantFrom(null, "g1", "g2"), over: fc.constantFrom("site" as const, "node" as const) }), { maxLength: 2 });
const network = networkOf(["kiel", "fra", "lyon"], [{ siteA: "kiel", siteB: "fra", latencyMs: 17 }]);
const anyTogether = fc.array(fc.record({ with: fc.constantFrom(null, "g1"), over: fc.constant("site" as const), at: fc.option(fc.subarray(["kiel", "fra", "lyon"]).map((s) => new Set(s)), { nil: undefined, freq: 3 }) }), { maxLength: 2 });
const anyRichShape = fc
  .record({ together: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: anyTogether }), sent: fc.option(fc.array(fc.record({ to: fc.constantFrom(null, "kiel"), gibPerHour: fc.integer({ min: 0, max: 9 }).map((n) => n / 3) }), { maxLength: 2 }), { nil: undefined }), clients: fc.option(fc.record({ kiel: fc.integer({ min: 1, max: 3 }), lyon: fc.integer({ min: 1, max: 3 }) }), { nil: null, freq: 3 }), base: anyShape, apart: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: anyApart }), extra: fc.option(fc.integer({ min: 0, max: 2 }), { nil: null, freq: 3 }), soft: fc.constantFrom("none", "site", "node", "warm", "packwarm", "flat"), second: fc.option(fc.record({ over: fc.constantFrom("site" as const, "node" as const), maxSkew: fc.integer({ min: 1, max: 2 }) }), { nil: null, freq: 4 }) })
  .map(({ together, sent, clients, base, apart, extra, soft, second }) => ({
    ...base,
    artifacts: ["art"],
    apart,
    together,
    sent,
    demand: { ...base.demand, cpuMillis: Math.floor(base.demand.cpuMillis / 3), memoryBytes: Math.floor(base.demand.memoryBytes / 3), ...(extra === null ? {} : { extra: { slice: extra } }) },
    policy: base.policy && { ...base.policy, spread: second ? [...base.policy.spread, second] : base.policy.spread },
    prefer: [...base.prefer, ...(clients ? [{ by: "latency" as const, clients: populationOf(clients, network), weight: 7 }] : []), ...(soft === "site" || soft === "node" ? [{ by: "spread" as const, over: soft, weight: 3.5 }] : []), ...(soft.includes("warm") ? [{ by: "warm" as const, weight: 2 }] : []), ...(soft.includes("pack") ? [{ by: "pack" as const, weight: 1.25 }] : []), ...(soft === "flat" ? [{ by: "pack" as const, weight: 0 }] : [])],
  }));
const groups = ["", "g1", "g2"];
const anyAsks = fc.tuple(fc.array(anyRichShape, { minLength: 1, maxLength: 4 }), fc.array(fc.record({ shape: fc.nat(3), group: fc.nat(2), avoid: fc.option(fc.nat(20), { nil: null, freq: 8 }), only: fc.option(fc.nat(20), { nil: null, freq: 10 }) }), { maxLength: 40 }));

function asksOf(nodes: readonly FleetNode[], [shapes, list]: [Ask["shape"][], { shape: number; group: number; avoid: number | null; only: number | null }[]]): Ask[] {
  const avoids = nodes.map((n) => new Set([n.id]));
  return list.map((a, i) => ({
    unit: `u-${i}`,
    shape: shapes[a.shape % shapes.length] as Ask["shape"],
    group: groups[a.group] as string,
    ...(a.avoid === null || nodes.length === 0 ? {} : { avoid: avoids[a.avoid % nodes.length] as Set<string> }),
    ...(a.only === null ? {} : { only: nodes.length ? (nodes[a.only % nodes.length] as FleetNode).id : "nobody" }),
  }));
}

/** Counts by decisive reason, as the definitions give them. */
function tally(nodes: readonly FleetNode[], ask: Ask, d: ReturnType<NaivePlacement["decide"]>): Record<string, number> {
  const counts: Record<string, number> = {};
  d.codes.forEach((code, i) => {
    if (ask.only !== undefined && nodes[i]?.id !== ask.only) return;
    counts[code ?? "feasible"] = (counts[code ?? "feasible"] ?? 0) + 1;
  });
  return counts;
}

function expectSame(snapshot: FleetSnapshot, asks: readonly Ask[], decisions: readonly RecordedDecision[], naive: NaivePlacement): void {
  asks.forEach((ask, k) => {
    const got = decisions[k] as RecordedDecision;
    const want = naive.decide(ask);
    const label = JSON.stringify({ k, unit: ask.unit });
    expect(got.nodeId, label).toBe(snapshot.nodes[want.node]?.id ?? null);
    const seen: Record<string, number> = Object.fromEntries(got.counts.map((c) => [c.code, c.nodes]));
    if (got.feasible) seen.feasible = got.feasible;
    expect(seen, label).toEqual(tally(snapshot.nodes, ask, want));
    const ranked = [...want.scores].map((s, i) => ({ s, i })).filter((x) => !Number.isNaN(x.s)).sort((a, b) => b.s - a.s);
    const best = got.candidates.filter((c) => c.feasible);
    expect(best.map((c) => c.score), label).toEqual(ranked.slice(0, ask.only === undefined ? 2 : 1).map((x) => x.s / 1e9));
    for (const c of got.candidates.filter((x) => !x.feasible)) expect(want.codes[snapshot.nodes.findIndex((n) => n.name === c.node)], label).toBe(c.reason?.code);
  });
}

describe("the engine", () => {
  // Guarantee: with every cache on it decides what the definitions give: the same nodes, counts by reason, best two and examples.
  it("decides like the definitions, for any fleet and any asks", () => {
    fc.assert(
      fc.property(anyCrowd, anyAsks, fc.array(fc.tuple(fc.nat(2), fc.nat(30)), { maxLength: 12 }), (nodes, picked, standing) => {
        const asks = asksOf(nodes, picked);
        const snapshot = { nowMs: NOW, nodes };
        const at = (g: number) => standing.filter(([x]) => x === g).flatMap(([, i]) => nodes[i % Math.max(1, nodes.length)]?.id ?? []);
        const options: PlaceOptions = { seed: "s", own: at(0), groups: new Map([["g1", at(1)], ["g2", at(2)]]) };
        const planner = new Planner(columnsOf(snapshot), options);
        planner.prepare(asks);
        expectSame(snapshot, asks, asks.map((ask) => new RecordedDecision(planner, planner.decide(ask), ask)), new NaivePlacement(snapshot, options));
        // A plan of a few units is made without cells and classes.
        expectSame(snapshot, asks, place(snapshot, asks, options).placements as RecordedDecision[], new NaivePlacement(snapshot, options));
      }),
      { numRuns: 250, seed: 11 },
    );
  }, 60_000);

  // Guarantee: units that leave and nodes that are lost between placements change what is decided as a new picture of the fleet would.
  it("follows deltas as if the fleet were read anew", () => {
    fc.assert(
      fc.property(anyCrowd, anyAsks, fc.infiniteStream(fc.nat(1_000)), (nodes, picked, dice) => {
        if (nodes.length === 0) return;
        const asks = asksOf(nodes, picked);
        let snapshot: FleetSnapshot = { nowMs: NOW, nodes };
        const planner = new Planner(columnsOf(snapshot), { seed: "s", own: [] });
        planner.prepare(asks);
        const running: { node: number; ask: Ask }[] = [];
        for (const ask of asks) {
          const roll = dice.next().value as number;
          const gone = running.length && roll % 3 === 0 ? running.splice(roll % running.length, 1)[0] : undefined;
          if (gone) planner.release(gone.node, gone.ask);
          const lost = roll % 11 === 0 ? roll % nodes.length : -1;
          if (lost >= 0) planner.lose(lost, "silent");
          const loads = new Map<number, Load>();
          for (const r of running) loads.set(r.node, withDemand(loads.get(r.node) ?? (nodes[r.node] as FleetNode).load, r.ask.shape.demand));
          snapshot = { nowMs: NOW, nodes: snapshot.nodes.map((n, i) => ({ ...n, load: loads.get(i) ?? (nodes[i] as FleetNode).load, ...(i === lost && n.desiredState === "active" && n.contact === "live" ? { contact: "silent" as const } : {}) })) };
          const own = (g: string) => running.filter((r) => (r.ask.group ?? "") === g).map((r) => (nodes[r.node] as FleetNode).id);
          const k = planner.decide(ask);
          expectSame(snapshot, [ask], [new RecordedDecision(planner, k, ask)], new NaivePlacement(snapshot, { seed: "s", own: own(""), groups: new Map([["g1", own("g1")], ["g2", own("g2")]]) }));
          const node = planner.records.nodeOf(k);
          if (node >= 0) running.push({ node, ask });
          for (const [i, n] of snapshot.nodes.entries()) {
            const load = running.filter((r) => r.node === i).reduce((sum, r) => withDemand(sum, r.ask.shape.demand), (nodes[i] as FleetNode).load);
            const before = isOvercommitted(n.capacity, (nodes[i] as FleetNode).load);
            expect(isOvercommitted(n.capacity, load) && !before).toBe(false);
          }
        }
      }),
      { numRuns: 100, seed: 12 },
    );
  }, 60_000);

  // Guarantee: decisions that are made by a look at every node are told as the engine tells its own.
  it("is told like decisions without it", () => {
    fc.assert(
      fc.property(anyCrowd, anyAsks, (nodes, picked) => {
        const [snapshot, options]: [FleetSnapshot, PlaceOptions] = [{ nowMs: NOW, nodes }, { seed: "s", own: [] }];
        const asks = asksOf(nodes, picked);
        const told = (p: PlacedAsk) => ({ ...p, candidates: p.candidates.filter((c) => c.feasible), refused: p.candidates.length });
        const plain = new NaivePlacement(snapshot, options);
        place(snapshot, asks, options).placements.forEach((p, i) => expect(told(plain.place(asks[i] as Ask))).toEqual(told(JSON.parse(JSON.stringify(p)) as PlacedAsk)));
      }),
      { numRuns: 60, seed: 13 },
    );
  }, 60_000);

  // Guarantee: a shape that is asked for many times finds the same nodes by its class as one that is searched for each time.
  it("gives shapes of one content one class", () => {
    const nodes = Array.from({ length: 30 }, (_, i) => nodeOf({ name: `n${i}`, site: `s${i % 3}` }));
    const once = place({ nowMs: NOW, nodes }, Array.from({ length: 60 }, (_, i) => ({ unit: `u${i}`, shape: shape({ demand: demand() }) })), { seed: "s", own: [] });
    const one = shape({ demand: demand() });
    const many = place({ nowMs: NOW, nodes }, Array.from({ length: 60 }, (_, i) => ({ unit: `u${i}`, shape: one })), { seed: "s", own: [] });
    expect(once.placements.map((p) => p.nodeId)).toEqual(many.placements.map((p) => p.nodeId));
    expect(JSON.stringify(once.placements)).toBe(JSON.stringify(many.placements));
  });

  it("numbers every reason", () => expect(reasonCodes.map(codeOf)).toEqual(reasonCodes.map((_, i) => i + 1)));
});
