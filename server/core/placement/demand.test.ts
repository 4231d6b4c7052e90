import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { unitTemplate } from "../manifest/workload";
import { demandOf, fits, isOvercommitted, largerOf, noLoad, shortages, slotsFor, withDemand } from "./demand";
import type { Demand, Load } from "./demand";
import { anyDemand, demand } from "./testing";

const GIB = 2 ** 30;
const template = (resources: object) => unitTemplate.parse({ engine: { type: "process", command: ["run"] }, resources: { cpuMillis: 250, memory: "2Gi", disk: "1Gi", ...resources } });
const room = { cpuMillis: 1_000, memoryBytes: 1_000, diskBytes: 1_000, devices: { A: 2, B: 1 }, extra: { licence: 2 } };
const load = (o: Partial<Load>): Load => ({ ...noLoad, ...o });

// Guarantee: what a manifest asks for is what its units are counted with.
describe("what a unit takes, by its manifest", () => {
  it.each<[string, object, Partial<Demand>]>([
    ["no device", {}, { devices: null }],
    ["devices of any model", { devices: { count: 2 } }, { devices: { count: 2, model: null } }],
    ["devices of a model", { devices: { count: 1, model: "A" } }, { devices: { count: 1, model: "A" } }],
    ["a share of one", { devices: { count: 1, model: "A", shareMillis: 250 } }, { devices: { count: 1, model: "A", shareMillis: 250 } }],
    ["slices of a profile", { devices: { count: 3, slice: "1g.10gb" } }, { devices: null, extra: { "mig-1g.10gb": 3 } }],
  ])("%s", (_what, resources, expected) => expect(demandOf(template(resources))).toStrictEqual({ cpuMillis: 250, memoryBytes: 2 * GIB, diskBytes: GIB, ...expected }));
});

describe("the larger of two demands", () => {
  const a: Demand = { cpuMillis: 1, memoryBytes: 5, diskBytes: 2, devices: { count: 1, model: "A" }, extra: { licence: 1, seat: 4 } };
  const b: Demand = { cpuMillis: 3, memoryBytes: 4, diskBytes: 6, devices: { count: 1, model: "B", shareMillis: 900 }, extra: { licence: 2 } };
  // Guarantee: a node that has room for it has room for either.
  it("is the larger in each dimension", () => {
    expect(largerOf(a, b)).toEqual({ cpuMillis: 3, memoryBytes: 5, diskBytes: 6, devices: a.devices, extra: { licence: 2, seat: 4 } });
    expect(largerOf(b, a)).toEqual(largerOf(a, b));
  });
  it("keeps the devices of the first when both take as much, and names nothing that neither names", () => {
    expect(largerOf(demand({ devices: { count: 1, model: "B" } }), demand({ devices: { count: 1, model: "A" } }))).toEqual(demand({ devices: { count: 1, model: "B" } }));
    expect(largerOf(demand(), demand({ extra: { seat: 1 } })).extra).toEqual({ seat: 1 });
  });
});

describe("room for a demand", () => {
  it.each<[string, Partial<Load>, Partial<Demand>, object[]]>([
    ["all of what is left", { cpuMillis: 900, memoryBytes: 990, diskBytes: 990, extra: { licence: 1 } }, { extra: { licence: 1 } }, []],
    ["a share as large as what is left", { devices: { A: 2 }, shared: [{ slot: 1, model: "A", millis: 700 }] }, { devices: { count: 1, model: "A", shareMillis: 300 } }, []],
    ["a larger share", { devices: { A: 2 }, shared: [{ slot: 1, model: "A", millis: 700 }] }, { devices: { count: 1, model: "A", shareMillis: 301 } }, [{ of: "share", free: 300, wanted: 301 }]],
    ["more devices", { devices: { A: 1 } }, { devices: { count: 2, model: "A" } }, [{ of: "device", free: 1, wanted: 2 }]],
    ["more of everything", { cpuMillis: 901, memoryBytes: 991, diskBytes: 991, extra: { licence: 2 } }, { extra: { licence: 1, seat: 1 } }, [{ of: "cpu", free: 99, wanted: 100 }, { of: "memory", free: 9, wanted: 10 }, { of: "disk", free: 9, wanted: 10 }, { of: "resource", free: 0, wanted: 1, name: "licence" }, { of: "resource", free: 0, wanted: 1, name: "seat" }]],
  ])("%s", (_what, has, asks, short) => {
    expect(shortages(room, load(has), demand(asks))).toEqual(short);
    expect(fits(room, load(has), demand(asks))).toBe(short.length === 0);
  });

  // Guarantee: so many fit side by side as can be put there one after the other.
  it("is counted as by putting them there", () => {
    const byHand = (start: Load, d: Demand): number => {
      let at = start;
      for (let n = 0; n < 50; n++) {
        if (!fits(room, at, d)) return n;
        at = withDemand(at, d);
      }
      return Infinity;
    };
    fc.assert(
      fc.property(anyDemand, anyDemand, fc.constantFrom<Record<string, number> | undefined>(undefined, { licence: 1 }, { licence: 2 }, { seat: 1 }), fc.boolean(), (there, d, extra, taken) => {
        const start = withDemand(noLoad, { ...there, ...(taken ? { extra: { licence: 1 } } : {}) });
        const asked = { ...d, cpuMillis: d.cpuMillis + 40, ...(extra ? { extra } : {}) };
        expect(slotsFor(room, start, asked)).toBe(byHand(start, asked));
      }),
      { numRuns: 300, seed: 11 },
    );
    expect(slotsFor(room, noLoad, { cpuMillis: 0, memoryBytes: 0, diskBytes: 0, devices: null })).toBe(Infinity);
    expect(slotsFor(room, load({ cpuMillis: 1_200 }), demand())).toBe(0);
  });

  // Guarantee: what was added and is given back leaves the load as it was.
  it("comes back when a unit goes", () => {
    const before = load({ cpuMillis: 5, devices: { A: 1 }, extra: { licence: 1 } });
    expect(withDemand(withDemand(before, demand({ devices: { count: 1, model: "A" }, extra: { licence: 1 } })), demand({ devices: { count: 1, model: "A" }, extra: { licence: 1 } }), -1)).toEqual(before);
  });
});

// Guarantee: a node is overcommitted exactly when one dimension is.
describe("overcommitment", () => {
  it.each<[Partial<Load>, boolean]>([
    [{}, false],
    [{ cpuMillis: 1_000, memoryBytes: 1_000, diskBytes: 1_000, devices: { A: 2, "": 1 }, shared: [{ slot: 1, model: "A", millis: 1_000 }], extra: { licence: 2 } }, false],
    [{ cpuMillis: 1_001 }, true],
    [{ memoryBytes: 1_001 }, true],
    [{ diskBytes: 1_001 }, true],
    [{ devices: { "": 4 } }, true],
    [{ devices: { B: 2 } }, true],
    [{ devices: { C: 1 } }, true],
    [{ devices: { A: 2 }, shared: [{ slot: 1, model: "A", millis: 500 }, { slot: 2, model: "A", millis: 1_001 }] }, true],
    [{ extra: { licence: 3 } }, true],
    [{ extra: { licence: 1, seat: 1 } }, true],
  ])("%j: %s", (o, over) => expect(isOvercommitted(room, load(o))).toBe(over));

  it("is nothing else where a node offers no other things", () => {
    const { extra: _, ...plain } = room;
    expect(isOvercommitted(plain, load({ extra: { licence: 1 } }))).toBe(true);
    expect(fits(plain, noLoad, demand({ extra: { licence: 1 } }))).toBe(false);
    expect(slotsFor(plain, noLoad, demand({ extra: { licence: 1 } }))).toBe(0);
  });
});
