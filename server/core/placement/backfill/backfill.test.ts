import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fits, noLoad, withDemand } from "../demand";
import type { Load } from "../demand";
import { demand } from "../testing";
import { backfill } from "./backfill";
import type { BackfillNode, QueuedJob, RunningTask } from "./backfill";

const nodes: BackfillNode[] = ["a", "b"].map((id) => ({ id, capacity: { cpuMillis: 100, memoryBytes: 100, diskBytes: 100, devices: {} } }));
const job = (id: string, cpuMillis: number, units: number, maxMs: number, minMs = maxMs): QueuedJob => ({ id, demand: demand({ cpuMillis, memoryBytes: 1, diskBytes: 1 }), units, takes: { minMs, maxMs }, nodes: new Set(["a", "b"]) });
const task = (nodeId: string, cpuMillis: number, maxMs: number, minMs = maxMs): RunningTask => ({ nodeId, demand: demand({ cpuMillis, memoryBytes: 1, diskBytes: 1 }), endsMs: { minMs, maxMs } });

describe("backfill", () => {
  it("lets a short job start where it delays nobody, and a long one not", () => {
    const found = backfill(0, nodes, [task("a", 100, 50)], [job("head", 100, 2, 100), job("short", 100, 1, 50), job("long", 100, 1, 51)]);
    expect(found.map((r) => [r.id, r.startMs])).toEqual([["head", 50], ["short", 0], ["long", 150]]);
  });
  it("tells a start as a range, and none when nobody can know", () => {
    expect(backfill(0, nodes, [task("a", 100, 50, 20), task("b", 100, 80, 10)], [job("x", 100, 1, 10)])[0]).toEqual({ id: "x", startMs: 50, earliestMs: 10, nodes: ["a"] });
    expect(backfill(0, nodes, [task("a", 100, Infinity), task("b", 100, Infinity)], [job("x", 100, 1, 10)])[0]).toEqual({ id: "x", startMs: null, earliestMs: null, nodes: [] });
    expect(backfill(0, nodes, [], [job("x", 101, 1, 10)])[0]?.startMs).toBeNull();
  });

  // Guarantee (11): backfilling never delays the head job's reservation, nor any made before: however long things take within their estimates, the head has started by then.
  it("never delays the head, in any history", () => {
    const anyJob = fc.record({ cpu: fc.integer({ min: 10, max: 100 }), units: fc.integer({ min: 1, max: 2 }), max: fc.integer({ min: 1, max: 60 }), share: fc.double({ min: 0.05, max: 1, noNaN: true }) });
    fc.assert(
      fc.property(fc.array(anyJob, { minLength: 2, maxLength: 9 }), (jobs) => {
        let waiting = jobs.map((j, i) => job(`j${i}`, j.cpu, j.units, j.max, 1));
        const lasts = new Map(jobs.map((j, i) => [`j${i}`, Math.max(1, Math.round(j.max * j.share))]));
        let running: (RunningTask & { realEndMs: number })[] = [];
        const promised = new Map<string, number>();
        let nowMs = 0;
        for (let step = 0; waiting.length > 0; step++) {
          expect(step).toBeLessThan(200);
          running = running.filter((r) => r.realEndMs > nowMs);
          for (const r of backfill(nowMs, nodes, running, waiting)) {
            const head = waiting[0]?.id === r.id;
            if (head) {
              expect(r.startMs).not.toBeNull();
              // Once promised as head, never later; and others that start meanwhile don't change that.
              if (promised.has(r.id)) expect(r.startMs as number).toBeLessThanOrEqual(promised.get(r.id) as number);
              promised.set(r.id, r.startMs as number);
            }
            if (r.startMs !== nowMs) continue;
            const j = waiting.find((w) => w.id === r.id) as QueuedJob;
            waiting = waiting.filter((w) => w !== j);
            for (const id of r.nodes) running.push({ nodeId: id, demand: j.demand, endsMs: { minMs: nowMs + 1, maxMs: nowMs + j.takes.maxMs }, realEndMs: nowMs + (lasts.get(j.id) ?? 1) });
          }
          for (const n of nodes) expect(fits(n.capacity, running.filter((r) => r.nodeId === n.id).reduce<Load>((l, r) => withDemand(l, r.demand), noLoad), demand({ cpuMillis: 0, memoryBytes: 0, diskBytes: 0 }))).toBe(true);
          const next = Math.min(...running.map((r) => r.realEndMs));
          nowMs = Number.isFinite(next) ? next : nowMs + 1;
        }
      }),
      { numRuns: 200, seed: 3 },
    );
  });
});
