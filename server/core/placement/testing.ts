/** Fleets and shapes for tests of placement: by hand, and at random with fast-check. */
import fc from "fast-check";
import { compileSelector, selectorSubject } from "../selector";
import type { Selector } from "../selector";
import { noLoad } from "./demand";
import type { Demand } from "./demand";
import type { FleetNode } from "./fleet";
import type { Shape } from "./shape";

export function selectorOf(text: string): Selector {
  const r = compileSelector(text);
  if (!r.ok) throw new Error(r.error.message);
  return r.value;
}

export function nodeOf(o: Partial<Omit<FleetNode, "subject">> & { name: string; kind?: string; labels?: Record<string, string> }): FleetNode {
  const { kind = "edge", labels = {}, ...rest } = o;
  const node = {
    id: `node-${o.name}`, site: "kiel", siteTitle: "Kiel", jurisdiction: "DE", desiredState: "active" as const, contact: "live" as const, lastSeenMs: 1_000, trustTier: "software", taints: [], arch: "x64", os: "linux", engines: ["process"],
    capacity: { cpuMillis: 1_000, memoryBytes: 1_000, diskBytes: 1_000, devices: {} }, load: noLoad, rates: { currency: "EUR", cpuHour: 0, memoryGiBHour: 0 }, warm: new Set<string>(), version: 1, desiredGeneration: 0, ...rest,
  };
  return {
    ...node,
    subject: selectorSubject(
      { name: node.site, title: node.siteTitle, kind, jurisdiction: node.jurisdiction, uplink: "fiber", metered: false, place: "", timeZone: "UTC", labels: {} },
      { name: node.name, labels, arch: node.arch, os: node.os, cpuMillis: node.capacity.cpuMillis, memoryMiB: 1, diskMiB: 1, trustTier: node.trustTier, engines: [...node.engines], devices: [] },
    ),
  };
}

export const demand = (o: Partial<Demand> = {}): Demand => ({ cpuMillis: 100, memoryBytes: 10, diskBytes: 10, devices: null, ...o });
export const shape = (o: Partial<Shape> = {}): Shape => ({ demand: demand(), engine: "process", arch: null, os: null, selector: null, artifacts: [], policy: null, prefer: [], ...o });
export const policy = (o: Partial<NonNullable<Shape["policy"]>> = {}): NonNullable<Shape["policy"]> => ({ name: "p", require: [], residency: null, trustTierMin: null, tolerate: [], spread: [], ...o });

const models = ["A", "B"];
export const anyDemand: fc.Arbitrary<Demand> = fc.record({
  cpuMillis: fc.integer({ min: 0, max: 600 }),
  memoryBytes: fc.integer({ min: 0, max: 600 }),
  diskBytes: fc.integer({ min: 0, max: 600 }),
  devices: fc.option(fc.record({ count: fc.integer({ min: 1, max: 3 }), model: fc.option(fc.constantFrom(...models), { nil: null }) }), { nil: null, freq: 3 }),
});
export const anyShape: fc.Arbitrary<Shape> = fc
  .record({
    demand: anyDemand,
    arch: fc.option(fc.constantFrom(["x64"], ["arm64"]), { nil: null, freq: 5 }),
    selector: fc.option(fc.constantFrom('site.kind == "edge"', 'node.labels["rack"] == "a"', "node.cpuMillis >= 500"), { nil: null, freq: 3 }),
    residency: fc.option(fc.constantFrom(["DE"], ["FR", "DE"]), { nil: null, freq: 3 }),
    trustTierMin: fc.option(fc.constantFrom("software", "tpm"), { nil: null, freq: 5 }),
    tolerates: fc.boolean(),
    spread: fc.option(fc.record({ over: fc.constantFrom("site" as const, "node" as const), maxSkew: fc.integer({ min: 1, max: 3 }) }), { nil: null, freq: 3 }),
    prefer: fc.constantFrom("none", "pack", "cost"),
  })
  .map((r) => shape({
    demand: r.demand, arch: r.arch, selector: r.selector === null ? null : selectorOf(r.selector),
    policy: policy({ residency: r.residency, trustTierMin: r.trustTierMin, tolerate: r.tolerates ? [{ key: "gpu" }] : [], spread: r.spread ? [r.spread] : [] }),
    prefer: r.prefer === "none" ? [] : [{ by: r.prefer === "pack" ? "pack" : "cost", weight: 10 }],
  }));
export const anyNode = (name: string): fc.Arbitrary<FleetNode> =>
  fc
    .record({
      site: fc.constantFrom("kiel", "fra", "lyon"), kind: fc.constantFrom("edge", "cloud-region"), rack: fc.constantFrom("a", "b"), jurisdiction: fc.constantFrom("DE", "FR", "DE-BY", "US-CA"), arch: fc.constantFrom("x64", "arm64"), trustTier: fc.constantFrom("none", "software", "tpm"),
      desiredState: fc.constantFrom("active" as const, "active" as const, "active" as const, "cordoned" as const, "draining" as const), contact: fc.constantFrom("live" as const, "live" as const, "live" as const, "silent" as const, "never" as const),
      taints: fc.constantFrom([], [], [{ key: "gpu" }]), cpu: fc.integer({ min: 0, max: 2_000 }), memory: fc.integer({ min: 0, max: 2_000 }), a: fc.integer({ min: 0, max: 4 }), b: fc.integer({ min: 0, max: 2 }), cpuHour: fc.integer({ min: 0, max: 5 }), egress: fc.integer({ min: 0, max: 9 }),
    })
    .map((r) => nodeOf({ name, site: r.site, kind: r.kind, labels: { rack: r.rack }, jurisdiction: r.jurisdiction, arch: r.arch, trustTier: r.trustTier, desiredState: r.desiredState, contact: r.contact, taints: r.taints, capacity: { cpuMillis: r.cpu, memoryBytes: r.memory, diskBytes: 2_000, devices: { A: r.a, B: r.b } }, rates: { currency: "EUR", cpuHour: r.cpuHour, memoryGiBHour: 0, egressGiB: r.egress / 7 } }));
export const anyFleet: fc.Arbitrary<FleetNode[]> = fc.integer({ min: 0, max: 10 }).chain((n) => fc.tuple(...Array.from({ length: n }, (_, i) => anyNode(`n${i}`))));
