import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UNREACHED_MS, networkOf, populationOf, waitFor } from "./clients";
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
