import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Ask } from "./ask";
import { fits, isOvercommitted, largerOf, noLoad, shortages, slotsFor, withDemand } from "./demand";
import type { Demand, Load } from "./demand";
import { columnsOf } from "./engine/columns";
import { RecordedDecision } from "./engine/decision";
import { Planner } from "./engine/planner";
import { flipOf } from "./flip";
import type { FleetNode, FleetSnapshot } from "./fleet";
import { NaivePlacement } from "./naive";
import { place } from "./place";
import { preempt } from "./preemption/preempt";
import type { RunningUnit } from "./preemption/preempt";
import { amountsOf } from "./quota/amounts";
import { QuotaTree } from "./quota/tree";
import { heldOn, offeredDevices, sliceName } from "./shares";
import type { SharedOn } from "./shares";
import { anyFleet, anyShape, demand, nodeOf, shape } from "./testing";
import { wantedMix } from "./wanted";

const share = (shareMillis: number, model: string | null = null): Demand => demand({ cpuMillis: 1, memoryBytes: 0, diskBytes: 0, devices: { count: 1, model, shareMillis } });
const whole = (count: number, model: string | null = null): Demand => demand({ cpuMillis: 1, memoryBytes: 0, diskBytes: 0, devices: { count, model } });
const gpus = (name: string, devices: Record<string, number>, o: Partial<FleetNode> = {}): FleetNode => nodeOf({ name, capacity: { cpuMillis: 100_000, memoryBytes: 1_000, diskBytes: 1_000, devices }, ...o });
const placed = (nodes: FleetNode[], demands: Demand[]) => place({ nowMs: 0, nodes }, demands.map((d, i): Ask => ({ unit: `u${i}`, shape: shape({ demand: d }) })), { seed: "s", own: [] }).placements;
const model = fc.constantFrom(null, "A", "B");
const anyShared: fc.Arbitrary<Demand> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.integer({ min: 1, max: 999 }), model).map(([m, on]) => share(m, on)) },
  { weight: 1, arbitrary: fc.tuple(fc.integer({ min: 1, max: 2 }), model).map(([n, on]) => whole(n, on)) },
  { weight: 1, arbitrary: fc.constant(demand({ cpuMillis: 3 })) },
);
/** A node's load with its opened devices, zero counts left out: two that are equal say the same. */
const plain = (l: Load): unknown => ({ ...l, devices: Object.fromEntries(Object.entries(l.devices).filter(([, n]) => n !== 0)) });

describe("shares of devices", () => {
  it.each<[string, Record<string, number>, Demand[], (string | null)[]]>([
    ["go together on one device while there is room", { A: 2 }, [share(300), share(700), share(1)], ["1", "1", "2"]],
    ["go where least is left that is enough", { A: 3 }, [share(600), share(500), share(400), share(300)], ["1", "2", "1", "2"]],
    ["leave whole devices to those that ask for them", { A: 2 }, [share(100), whole(1), whole(1)], ["1", "whole", null]],
    ["find a device taken that somebody has whole", { A: 1 }, [whole(1), share(1)], ["whole", null]],
    ["keep to their model", { A: 1, B: 1 }, [share(500, "A"), share(500, "B"), share(500, "B"), share(500, "A"), share(1)], ["1", "2", "2", "1", null]],
    ["of any model join what is open", { A: 1, B: 1 }, [share(900, "B"), share(100), share(100)], ["1", "1", "2"]],
  ])("%s", (_what, devices, demands, want) => {
    expect(placed([gpus("n", devices)], demands).map((p) => (p.node === null ? null : p.on ? String(p.on.slot) : "whole"))).toEqual(want);
  });

  // Guarantee: no device is ever over-committed, whatever shares and whole devices come and go, and what left is left exactly.
  it("never give more of a device than there is, and take back exactly what they gave", () => {
    fc.assert(
      fc.property(fc.record({ A: fc.nat(3), B: fc.nat(2) }), fc.array(fc.tuple(anyShared, fc.nat(99)), { maxLength: 40 }), (devices, steps) => {
        const { capacity } = gpus("n", devices);
        let load: Load = noLoad;
        const here: Demand[] = [];
        for (const [d, roll] of steps) {
          if (roll % 3 === 0 && here.length > 0) load = withDemand(load, here.splice(roll % here.length, 1)[0] as Demand, -1);
          expect(shortages(capacity, load, d).length === 0).toBe(fits(capacity, load, d));
          expect(Math.min(slotsFor(capacity, load, d), 1)).toBe(fits(capacity, load, d) ? 1 : 0);
          if (!fits(capacity, load, d)) continue;
          const before = load;
          load = withDemand(load, d);
          const on = load.shared?.find((x) => (before.shared?.find((y) => y.slot === x.slot)?.millis ?? 0) !== x.millis);
          const held = heldOn(d, on && { slot: on.slot, model: on.model });
          expect(plain(withDemand(load, held, -1))).toEqual(plain(before));
          // Put back where it was, it is again as it was.
          expect(plain(withDemand(withDemand(load, held, -1), held))).toEqual(plain(load));
          here.push(held);
          expect(isOvercommitted(capacity, load)).toBe(false);
          const bySlot = new Map<number, number>();
          for (const h of here) if (h.devices?.on) bySlot.set(h.devices.on.slot, (bySlot.get(h.devices.on.slot) ?? 0) + (h.devices.shareMillis ?? 0));
          expect([...bySlot].sort(([a], [b]) => a - b)).toEqual((load.shared ?? []).map((s) => [s.slot, s.millis]));
          for (const taken of bySlot.values()) expect(taken).toBeLessThanOrEqual(1_000);
        }
        for (const h of here) load = withDemand(load, h, -1);
        expect(plain(load)).toEqual(plain(noLoad));
      }),
      { numRuns: 300, seed: 21 },
    );
  });
  // Guarantee: room that is kept on a device that is still taken is nobody else's, and no device that is not there is shared.
  it("are not had of devices that are kept for somebody beyond what there is", () => {
    const kept = (devices: Record<string, number>, held: Demand[], want: Demand) => {
      const node = gpus("n", devices, { load: held.reduce<Load>((l, d) => withDemand(l, d), noLoad) });
      return placed([node], [want])[0]?.on?.slot ?? null;
    };
    expect(kept({ A: 1 }, [share(800), share(500)], share(400))).toBe(null);
    expect(kept({ A: 1, B: 1 }, [share(800, "A"), share(500, "A")], share(400))).toBe(null);
    expect(kept({ A: 1, B: 1 }, [share(800, "A"), share(500, "A")], share(400, "B"))).toBe(null);
    expect(kept({ A: 1, B: 2 }, [share(800, "A"), share(500, "A")], share(400))).toBe(null);
    expect(kept({ A: 1, B: 2 }, [share(800, "A"), share(500, "A")], share(400, "B"))).toBe(3);
    expect(kept({ A: 2, B: 1 }, [share(800, "A"), share(500, "A")], share(400, "B"))).toBe(3);
  });
  it("fit as often as is told", () => {
    fc.assert(
      fc.property(fc.record({ A: fc.nat(3), B: fc.nat(2) }), fc.array(anyShared, { maxLength: 8 }), fc.integer({ min: 1, max: 999 }), model, (devices, first, millis, m) => {
        const { capacity } = gpus("n", devices);
        let load = first.reduce<Load>((l, d) => (fits(capacity, l, d) ? withDemand(l, d) : l), noLoad);
        const want = share(millis, m);
        let n = 0;
        const told = slotsFor(capacity, load, want);
        for (; fits(capacity, load, want); n++) load = withDemand(load, want);
        expect(told).toBe(n);
      }),
      { numRuns: 200, seed: 22 },
    );
  });

  const anyAsks = fc.array(fc.tuple(anyShape, anyShared), { minLength: 1, maxLength: 4 }).chain((kinds) => fc.array(fc.tuple(fc.nat(kinds.length - 1), fc.nat(2), fc.nat(999)), { maxLength: 40 }).map((list) => {
    const shapes = kinds.map(([base, d]) => ({ ...base, demand: { ...d, cpuMillis: 10 } }));
    return list.map(([k, g, roll], i) => ({ ask: { unit: `u${i}`, shape: shapes[k] as Ask["shape"], group: ["", "g1", "g2"][g] as string }, roll }));
  }));
  function expectSame(snapshot: FleetSnapshot, asks: readonly Ask[], got: readonly RecordedDecision[], naive: NaivePlacement): void {
    asks.forEach((ask, k) => {
      const want = naive.decide(ask);
      const d = got[k] as RecordedDecision;
      expect(d.nodeId).toBe(snapshot.nodes[want.node]?.id ?? null);
      const counts: Record<string, number> = {};
      for (const code of want.codes) counts[code ?? "feasible"] = (counts[code ?? "feasible"] ?? 0) + 1;
      expect({ ...Object.fromEntries(d.counts.map((c) => [c.code, c.nodes])), ...(d.feasible ? { feasible: d.feasible } : {}) }).toEqual(counts);
    });
  }
  // Some nodes hold shares already, now and then more than they have: room that is kept for others looks so.
  const crowd = fc.tuple(anyFleet, fc.array(anyShared, { minLength: 3, maxLength: 6 })).map(([nodes, held]) =>
    nodes.flatMap((n, i) => [0, 1].map((k) => ({ ...n, id: `${n.id}-${k}`, name: `${n.name}-${k}`, load: k === 0 ? noLoad : [0, 1, 2].slice(i % 3).reduce<Load>((l, j) => withDemand(l, held[(i + j) % held.length] as Demand), noLoad) }))),
  );

  // Guarantee: the engine with every cache on decides on shares what the definitions give, on the same devices, and none is over-committed in between.
  it("are decided as the definitions say, by classes and by single looks", () => {
    fc.assert(
      fc.property(crowd, anyAsks, (nodes, list) => {
        const asks = list.map((x) => x.ask);
        const snapshot = { nowMs: 100_000, nodes };
        const options = { seed: "s", own: [] };
        const planner = new Planner(columnsOf(snapshot, true), options);
        planner.prepare(asks);
        const all = asks.map((ask) => new RecordedDecision(planner, planner.decide(ask), ask));
        expectSame(snapshot, asks, all, new NaivePlacement(snapshot, options));
        const scanned = place(snapshot, asks, options).placements as RecordedDecision[];
        expectSame(snapshot, asks, scanned, new NaivePlacement(snapshot, options));
        const loads = new Map<string, Load>(nodes.map((n) => [n.id, n.load]));
        all.forEach((d, i) => {
          expect(scanned[i]?.on ?? null).toEqual(d.on);
          if (d.nodeId === null) return;
          const node = nodes.find((n) => n.id === d.nodeId) as FleetNode;
          loads.set(d.nodeId, withDemand(loads.get(d.nodeId) as Load, heldOn((asks[i] as Ask).shape.demand, d.on)));
          expect(isOvercommitted(node.capacity, loads.get(d.nodeId) as Load) && !isOvercommitted(node.capacity, node.load)).toBe(false);
        });
      }),
      { numRuns: 200, seed: 23 },
    );
  }, 60_000);

  // Guarantee: what left a node has left exactly what it held: the plan goes on as if the fleet were read anew.
  it("follow units that leave", () => {
    fc.assert(
      fc.property(crowd, anyAsks, (nodes, list) => {
        const planner = new Planner(columnsOf({ nowMs: 100_000, nodes }, true), { seed: "s", own: [] });
        planner.prepare(list.map((x) => x.ask));
        const before = planner.floor.free.slice();
        const running: { node: number; ask: Ask; on: SharedOn | null }[] = [];
        for (const { ask, roll } of list) {
          const gone = running.length && roll % 3 === 0 ? running.splice(roll % running.length, 1)[0] : undefined;
          if (gone) planner.release(gone.node, gone.ask, gone.on ?? undefined);
          const loads = new Map<number, Load>();
          for (const r of running) loads.set(r.node, withDemand(loads.get(r.node) ?? (nodes[r.node] as FleetNode).load, heldOn(r.ask.shape.demand, r.on)));
          const snapshot = { nowMs: 100_000, nodes: nodes.map((n, i) => ({ ...n, load: loads.get(i) ?? n.load })) };
          const groups = new Map(["g1", "g2"].map((g) => [g, running.filter((r) => r.ask.group === g).map((r) => (nodes[r.node] as FleetNode).id)]));
          const own = running.filter((r) => r.ask.group === "").map((r) => (nodes[r.node] as FleetNode).id);
          const k = planner.decide(ask);
          const d = new RecordedDecision(planner, k, ask);
          expectSame(snapshot, [ask], [d], new NaivePlacement(snapshot, { seed: "s", own, groups }));
          expect(place(snapshot, [ask], { seed: "s", own, groups }).placements[0]?.on ?? null).toEqual(d.on);
          const node = planner.records.nodeOf(k);
          if (node >= 0) running.push({ node, ask, on: d.on });
        }
        for (const r of running) planner.release(r.node, r.ask, r.on ?? undefined);
        expect(planner.floor.free).toEqual(before);
      }),
      { numRuns: 100, seed: 24 },
    );
  }, 60_000);

  // Guarantee: also where what is left for others is weighed, each share is told its device, and none is over-committed.
  it("are on devices too where fragmentation is weighed", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ A: fc.nat(2), B: fc.nat(2) }), { minLength: 1, maxLength: 5 }), fc.array(anyShared, { maxLength: 15 }), (fleet, demands) => {
        const nodes = fleet.map((devices, i) => gpus(`n${i}`, devices));
        const shapes = demands.map((d) => shape({ demand: d, prefer: [{ by: "fragmentation", weight: 10 }] }));
        const mix = wantedMix(shapes.map((s) => ({ removed: false, replicas: 1, askShape: s })));
        const loads = new Map<string, Load>(nodes.map((n) => [n.id, n.load]));
        place({ nowMs: 0, nodes, mix }, shapes.map((s, i): Ask => ({ unit: `u${i}`, shape: s })), { seed: "s", own: [] }).placements.forEach((p, i) => {
          const d = demands[i] as Demand;
          expect(p.on !== undefined && p.on !== null).toBe(p.nodeId !== null && d.devices?.shareMillis !== undefined);
          const node = nodes.find((n) => n.id === p.nodeId);
          if (!node) return nodes.forEach((n) => expect(fits(n.capacity, loads.get(n.id) as Load, d)).toBe(false));
          const held = heldOn(d, p.on);
          expect(fits(node.capacity, loads.get(node.id) as Load, held)).toBe(true);
          loads.set(node.id, withDemand(loads.get(node.id) as Load, held));
          expect(isOvercommitted(node.capacity, loads.get(node.id) as Load)).toBe(false);
        });
      }),
      { numRuns: 60, seed: 25 },
    );
  });
  it("are explained by what one device has left, and flipped by asking for that", () => {
    const nodes = [gpus("n", { A: 1 })];
    const [, refused] = placed(nodes, [share(700, "A"), share(500, "A")]);
    expect(refused?.candidates[0]?.reason).toEqual({ code: "device", text: "n has no device of model A with 500 thousandths left: the most on one is 300." });
    const full = [{ ...nodes[0], load: withDemand(noLoad, share(700, "A")) } as FleetNode];
    const problem = { snapshot: { nowMs: 0, nodes: full }, ask: { unit: "u", shape: shape({ demand: share(500, "A") }) }, options: { seed: "s", own: [] } };
    expect(flipOf(problem)?.text).toBe("Ask for 200 thousandths less of a device (300): then it goes to n.");
  });

  // Guarantee (5): who has to stop for a share is found on its device, and no unit more than needed.
  it("make way by device", () => {
    const on = (slot: number): SharedOn => ({ slot, model: "A" });
    const node = gpus("n", { A: 2 });
    const unit = (id: string, millis: number, slot: number, priority = 1): RunningUnit => ({ id, version: 1, unit: id, workloadId: "v", workload: "v", nodeId: node.id, priority, demand: heldOn(share(millis, "A"), on(slot)), startedAtMs: 0 });
    const here = [unit("a", 600, 1), unit("b", 300, 1), unit("c", 800, 2), unit("d", 200, 2, 9)];
    const load = here.reduce<Load>((l, u) => withDemand(l, u.demand), noLoad);
    const found = preempt({ priority: 5, demand: share(650, "A") }, [{ node, load }], new Map([[node.id, here]]), new Map());
    expect(found?.victims.map((v) => v.id)).toEqual(["c"]);
    expect(preempt({ priority: 5, demand: whole(1) }, [{ node, load }], new Map([[node.id, here]]), new Map())?.victims.map((v) => v.id)).toEqual(["a", "b"]);
  });

  it("count in quotas by thousandths, and exactly", () => {
    const tree = new QuotaTree([{ name: "q", parent: null, nominal: { devices: 1 }, borrowingLimit: null, lendingLimit: null, weight: 1, reclaim: "never" }]);
    for (const millis of [100, 200, 600]) tree.add("q", amountsOf(share(millis)));
    expect(tree.shortages("q", amountsOf(share(100)))).toEqual([]);
    expect(tree.shortages("q", amountsOf(share(101)))).toHaveLength(1);
  });
  it("are smaller than a whole device where there must be room for either", () => {
    expect(largerOf(share(900), whole(1)).devices).toEqual({ count: 1, model: null });
    expect(largerOf(share(900), share(200)).devices?.shareMillis).toBe(900);
  });
});

describe("MIG slices", () => {
  const slices = (name: string, of: Record<string, number>) => nodeOf({ name, capacity: { cpuMillis: 1_000, memoryBytes: 1_000, diskBytes: 1_000, devices: {}, extra: Object.fromEntries(Object.entries(of).map(([p, n]) => [sliceName(p), n])) } });
  const wants = (profile: string, count = 1): Demand => demand({ cpuMillis: 1, extra: { [sliceName(profile)]: count } });
  it("are counted by profile, and what nobody offers is said first", () => {
    const nodes = [slices("n", { "1g.10gb": 2, "3g.40gb": 1 })];
    const got = placed(nodes, [wants("1g.10gb"), wants("3g.40gb"), wants("1g.10gb"), wants("1g.10gb"), wants("7g.80gb")]);
    expect(got.map((p) => p.node)).toEqual(["n", "n", "n", null, null]);
    expect(got[3]?.candidates[0]?.reason?.text).toBe("n has 0 of its 2 slices 1g.10gb left, and the unit asks for 1.");
    expect(got[4]?.because).toMatch(/^No node offers the slice 7g\.80gb\./);
    expect(got[4]?.candidates[0]?.reason?.text).toBe("n offers no slice 7g.80gb.");
  });
  it("come from what an agent reports; a device in MIG mode is nobody's as a whole", () => {
    expect(offeredDevices([{ model: "A100" }, { model: "A100", slices: [{ profile: "3g.20gb" }, { profile: "1g.5gb" }, { profile: "1g.5gb" }] }, { model: "A100", slices: [] }])).toEqual({ devices: { A100: 1 }, extra: { "mig-3g.20gb": 1, "mig-1g.5gb": 2 } });
  });
});
