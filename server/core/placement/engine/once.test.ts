import { describe, expect, it } from "vitest";
import type { Ask } from "../ask";
import { noLoad } from "../demand";
import type { FleetNode } from "../fleet";
import { NaivePlacement } from "../naive";
import { demand, nodeOf, selectorOf, shape } from "../testing";
import { seededRandom } from "../../base/seed";
import { columnsOf } from "./columns";
import { Planner } from "./planner";

const MIB = 2 ** 20;

describe("shapes that come once", () => {
  // Guarantee: what the search leaves out could not have won, whatever was taken and given back before.
  it.each([1, 2, 3, 4, 5, 6])("go where the definitions send them, in a fleet of many small cells (%i)", (seed) => {
    const random = seededRandom(seed);
    const upTo = (n: number) => Math.floor(random() * (n + 1));
    const nodes = Array.from({ length: 90 }, (_, i) =>
      nodeOf({ name: `n${i}`, site: `s${i % 23}`, labels: { rack: `r${upTo(2)}` }, arch: upTo(5) ? "x64" : "arm64", capacity: { cpuMillis: upTo(1) ? 4_000 : 8_000, memoryBytes: 4_096 * MIB, diskBytes: 4_096 * MIB, devices: i % 4 ? {} : { A: 2 }, ...(i % 3 ? { extra: { licence: upTo(2) } } : {}) }, load: { ...noLoad, cpuMillis: upTo(3) * 1_000 } }),
    );
    const snapshot = { nowMs: 100_000, nodes };
    const options = { seed: "s", own: [] };
    const shapes = Array.from({ length: 160 }, (_, i) =>
      shape({
        demand: demand({ cpuMillis: 100 + upTo(9) * 100, memoryBytes: (64 + i) * MIB, devices: upTo(4) ? null : { count: 1, model: "A" }, ...(upTo(3) ? {} : { extra: { licence: upTo(1) } }) }),
        arch: upTo(4) ? null : ["x64"],
        prefer: [[], [], [{ by: "rule" as const, selector: selectorOf('node.labels["rack"] == "r1"'), weight: 20 }], [{ by: "pack" as const, weight: 30 }], [{ by: "cost" as const, weight: 40 }], [{ by: "spread" as const, over: "site" as const, weight: 10 }]][upTo(5)] ?? [],
      }),
    );
    const asks = shapes.map((s, i): Ask => ({ unit: `u-${i}`, shape: s, group: `g-${i}` }));
    const planner = new Planner(columnsOf(snapshot), options);
    planner.prepare(asks);
    const taken: { node: number; ask: Ask }[] = [];
    let [placed, ran] = [0, 0];
    asks.forEach((ask, i) => {
      // The definitions work on what the planner has left, read anew.
      const now = nodes.map((n, k): FleetNode => {
        const at = k * planner.columns.width;
        const left = (d: number) => planner.floor.free[at + d] as number;
        const extra = planner.columns.dimension.get("extra licence");
        return { ...n, load: { ...noLoad, cpuMillis: n.capacity.cpuMillis - left(0), memoryBytes: n.capacity.memoryBytes - left(1), diskBytes: n.capacity.diskBytes - left(2), devices: (n.capacity.devices["A"] ? { A: n.capacity.devices["A"] - left(3) } : {}) as Record<string, number>, ...(n.capacity.extra && extra !== undefined ? { extra: { licence: (n.capacity.extra["licence"] ?? 0) - left(extra) } } : {}) } };
      });
      const want = new NaivePlacement({ ...snapshot, nodes: now }, options).decide(ask);
      const k = planner.decide(ask);
      expect(planner.records.nodeOf(k), `ask ${i}`).toBe(want.node);
      const others = [...want.scores].filter((s, n) => !Number.isNaN(s) && n !== want.node);
      expect(planner.records.runnerOf(k) >= 0, `ask ${i}`).toBe(others.length > 0);
      if (others.length > 0) expect(want.scores[planner.records.runnerOf(k)], `ask ${i}`).toBe(Math.max(...others));
      if (others.length > 0) ran++;
      if (want.node >= 0) {
        placed++;
        taken.push({ node: want.node, ask });
      }
      if (upTo(3) === 0 && taken.length > 0) {
        const [back] = taken.splice(upTo(taken.length - 1), 1);
        if (back) planner.release(back.node, back.ask);
      }
    });
    expect(placed).toBeGreaterThan(100);
    expect(ran).toBeGreaterThan(100);
  });
});
