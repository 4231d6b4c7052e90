import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UNREACHED_MS, networkOf, populationOf, waitFor } from "./clients";
import { noLoad } from "./demand";
import { countedMix, gpuShapeOf } from "./fragmentation";
import { place } from "./place";
import { demand, nodeOf, shape } from "./testing";

const links = [{ siteA: "kiel", siteB: "fra", latencyMs: 20 }, { siteA: "fra", siteB: "lyon", latencyMs: 30 }, { siteA: "kiel", siteB: "lyon", latencyMs: 90 }];
const network = networkOf(["kiel", "fra", "lyon", "moon"], links);
const rates = (cpuHour: number, egressGiB?: number) => ({ currency: "EUR", cpuHour, memoryGiBHour: 0, ...(egressGiB === undefined ? {} : { egressGiB }) });

describe("how long clients wait", () => {
  // Guarantee: round trips are the shortest over any links, the same both ways.
  it("is the shortest way, for any links", () => {
    const names = ["a", "b", "c", "d", "e"];
    fc.assert(
      fc.property(fc.array(fc.record({ siteA: fc.constantFrom(...names), siteB: fc.constantFrom(...names, "unknown"), latencyMs: fc.integer({ min: 0, max: 50 }) }), { maxLength: 12 }), (some) => {
        const n = networkOf(names, some);
        const ms = new Map(names.flatMap((a) => names.map((b) => [a + b, a === b ? 0 : Infinity] as [string, number])));
        const at = (a: string, b: string) => ms.get(a + b) ?? Infinity;
        for (const l of some) for (const [a, b] of [[l.siteA, l.siteB], [l.siteB, l.siteA]] as const) if (ms.has(a + b)) ms.set(a + b, Math.min(at(a, b), l.latencyMs));
        for (const k of names) for (const a of names) for (const b of names) ms.set(a + b, Math.min(at(a, b), at(a, k) + at(k, b)));
        for (const a of names) for (const b of names) expect(n.roundTrip(a, b)).toBe(at(a, b));
      }),
      { numRuns: 200, seed: 3 },
    );
  });

  it("is weighed by their shares, and 10 s where no link leads", () => {
    const clients = populationOf({ kiel: 3, lyon: 1 }, network);
    expect(["kiel", "fra", "lyon"].map((s) => waitFor(clients, s).meanMs)).toEqual([12.5, 22.5, 37.5]);
    expect(waitFor(clients, "moon")).toEqual({ meanMs: UNREACHED_MS, unreached: ["kiel", "lyon"] });
    expect(waitFor(populationOf({ kiel: 1, moon: 1 }, network), "fra")).toEqual({ meanMs: (20 + UNREACHED_MS) / 2, unreached: ["moon"] });
    expect(waitFor(clients, "somewhere")).toEqual(waitFor(clients, "moon"));
  });
});

describe("preferences by site", () => {
  const at = (...sites: string[]) => sites.map((site) => nodeOf({ name: `n-${site}`, site, capacity: { cpuMillis: 4_000, memoryBytes: 1_000, diskBytes: 1_000, devices: {} } }));
  const first = (nodes: ReturnType<typeof at>, s: ReturnType<typeof shape>) => place({ nowMs: 0, nodes }, [{ unit: "u-1", shape: s }], { seed: "s", own: [] }).placements[0];

  it("goes where the clients are near, and says how far they are", () => {
    const p = first(at("moon", "fra", "lyon"), shape({ prefer: [{ by: "latency", clients: populationOf({ kiel: 3, lyon: 1 }, network), weight: 10 }] }));
    expect(p?.node).toBe("n-fra");
    expect(p?.candidates[0]?.parts[0]).toEqual({ name: "latency", value: -0.225, weight: 10, text: "Clients wait 22.5 ms on average for fra." });
    expect(p?.because).toMatch(/mostly for latency: Clients wait 22.5 ms on average for fra\.$/);
    const moon = first(at("moon"), shape({ prefer: [{ by: "latency", clients: populationOf({ kiel: 1 }, network), weight: 10 }] }));
    expect(moon?.candidates[0]?.parts[0]?.text).toBe("Clients wait 10000 ms on average for moon: no link leads there from kiel, which counts as 10 s.");
  });

  it("fills CPU and memory evenly when told", () => {
    const node = (name: string, cpuMillis: number, memoryBytes: number) => nodeOf({ name, site: "kiel", capacity: { cpuMillis: 1_000, memoryBytes: 1_000, diskBytes: 1_000, devices: {} }, load: { ...noLoad, cpuMillis, memoryBytes } });
    const s = shape({ demand: demand({ cpuMillis: 300, memoryBytes: 100 }), prefer: [{ by: "balance", weight: 50 }] });
    const p = place({ nowMs: 0, nodes: [node("level", 100, 100), node("lopsided", 100, 500)] }, [{ unit: "u-1", shape: s }, { unit: "u-2", shape: s }], { seed: "s", own: [] }).placements;
    // 40% and 20% differ by as much as 40% and 60%: the seed says. After that 70% and 30% stand against them.
    expect(p.map((x) => x.candidates.filter((c) => c.feasible).map((c) => [c.node, c.parts[0]?.value]))).toEqual([[["level", 0.8], ["lopsided", 0.8]], [["lopsided", 0.8], ["level", 0.6]]]);
    expect(p[1]?.because).toMatch(/mostly for balance: 40% of the CPU and 60% of the memory would be in use\.$/);
  });

  it("leaves accelerators together for what is wanted when told", () => {
    const node = (name: string, taken: number) => nodeOf({ name, site: "kiel", capacity: { cpuMillis: 8_000, memoryBytes: 1_000, diskBytes: 1_000, devices: { X: 4 } }, load: { ...noLoad, devices: { X: taken } } });
    const one = shape({ demand: demand({ devices: { count: 1, model: "X" } }), prefer: [{ by: "fragmentation", weight: 50 }] });
    const mix = countedMix([{ shape: gpuShapeOf(one.demand), count: 1 }, { shape: gpuShapeOf({ ...one.demand, devices: { count: 4, model: "X" } }), count: 1 }]);
    const p = place({ nowMs: 0, mix, nodes: [node("whole", 0), node("broken", 2)] }, [{ unit: "u-1", shape: one }], { seed: "s", own: [] }).placements[0];
    expect(p?.node).toBe("broken");
    // Half of what is wanted asks for four: two idle ones are of no use to it, three would not be either.
    expect(p?.candidates.map((c) => [c.parts[0]?.value, c.parts[0]?.text])).toEqual([[0.5, "1 of its accelerators lie idle where what is wanted can't use them, 0.5 with the unit."], [-1.5, "0 of its accelerators lie idle where what is wanted can't use them, 1.5 with the unit."]]);
  });

  it("counts what leaves the site, and says what of the price that is", () => {
    const nodes = [nodeOf({ name: "cheap", site: "fra", rates: rates(0.01, 0.09) }), nodeOf({ name: "dear", site: "kiel", rates: rates(0.1, 0.02) })];
    const ask = { demand: demand({ cpuMillis: 1_000 }), prefer: [{ by: "cost" as const, weight: 100 }] };
    expect(first(nodes, shape(ask))?.node).toBe("cheap");
    const p = first(nodes, shape({ ...ask, sent: [{ to: null, gibPerHour: 5 }] }));
    expect(p?.node).toBe("dear");
    expect(p?.candidates.map((c) => c.parts[0]?.text)).toEqual(["Costs 0.2 EUR an hour at kiel: 0.1 for CPU and memory, 0.1 for 5 GiB that leave the site.", "Costs 0.46 EUR an hour at fra: 0.01 for CPU and memory, 0.45 for 5 GiB that leave the site."]);
    // What goes to the site itself does not leave it.
    expect(first(nodes, shape({ ...ask, sent: [{ to: "fra", gibPerHour: 5 }] }))?.node).toBe("cheap");
  });
});
