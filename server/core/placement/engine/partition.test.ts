import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../base/seed";
import { policy, selectorOf, shape } from "../testing";
import type { Shape } from "../shape";
import { agreeing, finer, partitionBy, samplesOf } from "./partition";
import { staticKeyOf } from "./statics";

/** The definition: things are in one class where they agree in everything; classes are numbered as they first come. */
const classes = (rows: readonly (readonly unknown[])[]) => {
  const known: string[] = [];
  const of = rows.map((r) => {
    const key = JSON.stringify(r);
    if (!known.includes(key)) known.push(key);
    return known.indexOf(key);
  });
  return { of, count: known.length };
};
const plain = (p: { of: Int32Array; count: number }) => ({ of: [...p.of], count: p.count });

describe("partitions", () => {
  it("put together what agrees in all that is told", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(3), fc.constant("x"), fc.nat(1)), { maxLength: 30 }), (rows) => {
        const by = [0, 1, 2, 3].map((k) => partitionBy(rows, (r) => r[k]));
        expect(plain(by[1] as never)).toEqual(classes(rows.map((r) => [r[1]])));
        const all = agreeing(rows.length, by);
        expect(plain(all)).toEqual(classes(rows));
        expect([...samplesOf(all)]).toEqual(Array.from({ length: all.count }, (_, c) => [...all.of].indexOf(c)));
      }),
      { numRuns: 100, seed: 3 },
    );
  });
  it("do so also where there are too many pairs for a table", () => {
    const random = seededRandom(9);
    const n = 5_000;
    const one = Int32Array.from({ length: n }, (_, i) => (i * 7) % 2_500);
    const other = Int32Array.from({ length: n }, () => Math.floor(random() * 2_500));
    const found = finer({ of: one, count: 2_500 }, { of: other, count: 2_500 });
    const known = new Map<string, number>();
    const want = Array.from({ length: n }, (_, i) => {
      const key = `${one[i]}/${other[i]}`;
      if (!known.has(key)) known.set(key, known.size);
      return known.get(key);
    });
    expect(plain(found)).toEqual({ of: want, count: known.size });
  });
});

describe("what shapes are judged by, whatever they take", () => {
  const clients = (key: string) => ({ waits: new Map(), sites: [], key });
  const prefer = (...list: Shape["prefer"]) => ({ prefer: list });
  const artifacts = ["art"];
  const warm = { by: "warm" as const, weight: 2 };
  const cost = { by: "cost" as const, weight: 3 };
  const sent = [{ to: "kiel", gibPerHour: 1 }];
  const together = (...at: string[]) => ({ together: [{ with: "x", over: "site" as const, at: new Set(at) }] });
  const differ: [string, Partial<Shape>, Partial<Shape>][] = [
    ["engine", {}, { engine: "other" as never }],
    ["architecture", { arch: ["x64"] }, { arch: ["arm64"] }],
    ["system", {}, { os: ["linux"] }],
    ["selector", { selector: selectorOf('site.kind == "edge"') }, { selector: selectorOf('site.kind == "grid"') }],
    ["rules", { policy: policy({ require: [{ selector: selectorOf('site.kind == "edge"'), because: null }] }) }, { policy: policy({ require: [{ selector: selectorOf('site.kind == "grid"'), because: null }] }) }],
    ["residency", { policy: policy() }, { policy: policy({ residency: ["DE"] }) }],
    ["trust", { policy: policy() }, { policy: policy({ trustTierMin: "tpm" }) }],
    ["tolerations", { policy: policy() }, { policy: policy({ tolerate: [{ key: "gpu" }] }) }],
    ["preferred rules", prefer({ by: "rule", selector: selectorOf('site.kind == "edge"'), weight: 5 }), prefer({ by: "rule", selector: selectorOf('site.kind == "grid"'), weight: 5 })],
    ["weights of preferred rules", prefer({ by: "rule", selector: selectorOf('site.kind == "edge"'), weight: 5 }), prefer({ by: "rule", selector: selectorOf('site.kind == "edge"'), weight: 6 })],
    ["artifacts, where warm copies are preferred", prefer(warm), { ...prefer(warm), artifacts }],
    ["weights of warm copies", { ...prefer(warm), artifacts }, { ...prefer({ ...warm, weight: 3 }), artifacts }],
    ["clients", prefer({ by: "latency", clients: clients("a"), weight: 1 }), prefer({ by: "latency", clients: clients("b"), weight: 1 })],
    ["weights of clients", prefer({ by: "latency", clients: clients("a"), weight: 1 }), prefer({ by: "latency", clients: clients("a"), weight: 2 })],
    ["what is sent, where cost is preferred", { ...prefer(cost), sent }, { ...prefer(cost), sent: [{ to: null, gibPerHour: 1 }] }],
    ["weights of cost, where something is sent", { ...prefer(cost), sent }, { ...prefer({ ...cost, weight: 4 }), sent }],
    ["places of those they stay with", together("kiel"), together("fra")],
  ];
  it.each(differ)("%s tell them apart", (_what, a, b) => expect(staticKeyOf(shape(a))).not.toBe(staticKeyOf(shape(b))));
  const same: [string, Partial<Shape>, Partial<Shape>][] = [
    ["amounts", {}, { demand: { cpuMillis: 7, memoryBytes: 7, diskBytes: 7, devices: { count: 1, model: null } } }],
    ["artifacts, where nobody prefers warm copies", {}, { artifacts }],
    ["what packing and spreading weigh", prefer({ by: "pack", weight: 1 }), prefer({ by: "pack", weight: 9 })],
    ["the weight of cost, where nothing is sent", prefer(cost), prefer({ ...cost, weight: 9 })],
    ["what is sent, where nobody counts the cost", {}, { sent }],
    ["the order of those they stay with", together("kiel", "fra"), together("fra", "kiel")],
    ["why rules are there, and the name of the policy", { policy: policy({ require: [{ selector: selectorOf('site.kind == "edge"'), because: "so" }] }) }, { policy: { ...policy({ require: [{ selector: selectorOf('site.kind == "edge"'), because: null }] }), name: "other" } }],
  ];
  it.each(same)("%s do not", (_what, a, b) => expect(staticKeyOf(shape(a))).toBe(staticKeyOf(shape(b))));
});
