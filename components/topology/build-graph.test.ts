import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BOX_H, BOX_W, buildTopology, peersOf } from "./build-graph";
import type { TopologyView } from "@/server/core/views";

type Site = TopologyView["sites"][number];
const site = (name: string, kind: Site["kind"], longitude: number | null, state: Site["state"]["state"] = "healthy"): Site => ({
  id: name, name, title: name, kind, jurisdiction: "DE", place: null, latitude: null, longitude, uplink: "fiber", timeZone: "UTC",
  state: { state, because: "", sinceMs: null }, nodes: { min: 0, max: 0, total: 0, asOfMs: null }, units: { min: 0, max: 0, total: 0, asOfMs: null },
  lastContactMs: null, cpuMillis: { assigned: 0, offered: 0 }, memoryBytes: { assigned: 0, offered: 0 }, nodesHere: [], nodeStates: { healthy: 0, degraded: 0, failing: 0, silent: 0, pending: 0 }, overlay: null,
});
const link = (siteA: string, siteB: string) => ({ siteA, siteB, latencyMs: 1, lossPercent: 0, bandwidthMbps: 1, pricePerGib: 0, simulated: false, state: "healthy" as const, because: "", workloads: [] });
const anySites = fc
  .uniqueArray(fc.record({ name: fc.stringMatching(/^[a-z]{1,6}$/), kind: fc.constantFrom("cloud-region", "on-prem", "grid", "edge"), longitude: fc.option(fc.integer({ min: -180, max: 180 })) }), { selector: (s) => s.name, maxLength: 40 })
  .map((list) => list.map((s) => site(s.name, s.kind as Site["kind"], s.longitude)));

describe("the layout of the topology", () => {
  // Guarantee: no two sites ever cover each other, for any fleet.
  it("never overlaps boxes", () => {
    fc.assert(
      fc.property(anySites, (sites) => {
        const { boxes } = buildTopology({ sites, links: [], control: [] });
        expect(boxes).toHaveLength(sites.length);
        boxes.forEach((a, i) =>
          boxes.slice(i + 1).forEach((b) => expect(Math.abs(a.x - b.x) >= BOX_W || Math.abs(a.y - b.y) >= BOX_H).toBe(true)),
        );
      }),
    );
  });

  // Guarantee: a site does not move because the order or the states of sites change.
  it("places by identity alone", () => {
    fc.assert(
      fc.property(anySites, (sites) => {
        const places = (list: Site[]) => Object.fromEntries(buildTopology({ sites: list, links: [], control: [] }).boxes.map((b) => [b.id, [b.x, b.y]]));
        const failed = [...sites].reverse().map((s) => ({ ...s, state: { ...s.state, state: "silent" as const } }));
        expect(places(failed)).toEqual(places(sites));
      }),
    );
  });

  // Guarantee: no line runs behind the box of a site that it does not join.
  it("leads links around boxes", () => {
    fc.assert(
      fc.property(anySites.filter((sites) => sites.length > 2), fc.nat(), fc.nat(), (sites, p, q) => {
        const a = sites[p % sites.length];
        const b = sites[q % sites.length];
        if (!a || !b || a === b) return;
        const { boxes, links } = buildTopology({ sites, links: [link(a.name, b.name)], control: [] });
        const drawn = [...(links[0]?.path ?? "").matchAll(/(-?[\d.]+)[ ,]+(-?[\d.]+)/g)].map((m) => ({ x: Number(m[1]), y: Number(m[2]) }));
        const points = drawn.flatMap((p, at) => { const n = drawn[at + 1] ?? p; return [p, { x: (p.x + n.x) / 2, y: (p.y + n.y) / 2 }]; });
        const others = boxes.filter((box) => box.id !== a.name && box.id !== b.name);
        for (const box of others) {
          for (const point of points) {
            const inside = point.x > box.x + 1 && point.x < box.x + BOX_W - 1 && point.y > box.y + 1 && point.y < box.y + BOX_H - 1;
            expect(inside).toBe(false);
          }
        }
      }),
    );
  });

  it("draws links between known sites only, and knows peers", () => {
    const graph = buildTopology({ sites: [site("a", "cloud-region", 1), site("b", "edge", 2), site("c", "edge", 3)], links: [link("a", "b"), link("a", "gone")], control: [] });
    expect(graph.links.map((l) => l.id)).toEqual(["a~b"]);
    expect([...peersOf(graph, "b")].sort()).toEqual(["a", "b"]);
  });
});
