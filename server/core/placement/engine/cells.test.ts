import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { demand, nodeOf } from "../testing";
import { tieOf } from "../naive";
import { usedMicros } from "../rank";
import { columnsOf, needsOf } from "./columns";
import { NodeOrder } from "./node-order";
import { Rows } from "./rows";
import { Treaps } from "./treaps";

const MiB = 2 ** 20;
const anyLoad = fc.record({ cpuMillis: fc.integer({ min: 0, max: 8 }).map((n) => n * 500), memoryBytes: fc.integer({ min: 0, max: 8 }).map((n) => n * 512 * MiB) });
const anyDemand = fc.record({ cpuMillis: fc.integer({ min: 0, max: 4_000 }), memoryBytes: fc.integer({ min: 0, max: 4_096 }).map((n) => n * MiB) }).map((d) => demand({ ...d, diskBytes: 0 }));

describe("nodes of one cell", () => {
  // Guarantee: a row and a treap hold the same nodes in the same order, and find the emptiest, the fullest and the first node
  // that a demand fits on as a look at all of them does, whatever moved before.
  it("are found alike in rows and in treaps, and as by looking at all", () => {
    fc.assert(
      fc.property(fc.array(anyLoad, { minLength: 1, maxLength: 40 }), fc.array(fc.tuple(fc.nat(), anyLoad, anyDemand, fc.option(fc.nat(), { nil: null })), { minLength: 1, maxLength: 30 }), (loads, steps) => {
        const capacity = { cpuMillis: 4_000, memoryBytes: 4_096 * MiB, diskBytes: 0, devices: {} };
        const columns = columnsOf({ nowMs: 0, nodes: loads.map((l, i) => nodeOf({ name: `n${i}`, capacity, load: { ...l, diskBytes: 0, devices: {} } })) });
        // Few ties, so that names decide too.
        const tie = Uint32Array.from(columns.nameHash, (h) => tieOf(1, h) % 3);
        const free = columns.free.slice();
        const used = columns.used.slice();
        const [byRow, byTree] = [new NodeOrder(columns, free, used, tie), new NodeOrder(columns, free, used, tie)];
        const all = Int32Array.from(loads.keys());
        const inOrder = () => all.slice().sort((a, b) => (used[a] as number) - (used[b] as number) || (byRow.before(a, b) ? -1 : 1));
        const rows = new Rows(byRow, inOrder(), Int32Array.of(0, loads.length));
        const treaps = new Treaps(byTree, 1);
        treaps.build(0, inOrder());
        for (const [pick, load, wanted, without] of steps) {
          const i = pick % loads.length;
          free[i * columns.width] = capacity.cpuMillis - load.cpuMillis;
          free[i * columns.width + 1] = capacity.memoryBytes - load.memoryBytes;
          used[i] = usedMicros(load, capacity);
          rows.moved(0, i);
          treaps.moved(0, i);
          const except = without === null ? -1 : without % loads.length;
          for (const order of [byRow, byTree]) order.want(needsOf(wanted, columns.dimension), null, except);
          const fitting = [...inOrder()].filter((n) => n !== except && (free[n * columns.width] as number) >= wanted.cpuMillis && (free[n * columns.width + 1] as number) >= wanted.memoryBytes);
          const last = fitting.at(-1);
          const expected = {
            first: inOrder()[0], last: inOrder().at(-1), emptiest: fitting[0] ?? -1,
            fullest: fitting.find((n) => used[n] === used[last as number]) ?? -1,
            any: fitting.reduce((best, n) => (best === -1 || byRow.before(n, best) ? n : best), -1),
          };
          for (const shape of [rows, treaps]) expect({ first: shape.firstOf(0), last: shape.lastOf(0), emptiest: shape.emptiest(0), fullest: shape.fullest(0), any: shape.any(0) }).toEqual(expected);
        }
      }),
      { numRuns: 150, seed: 13 },
    );
  });
});
