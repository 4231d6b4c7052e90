/** Random fleets, cases and worlds by number, and what is kept of an answer: for answers that are held against those recorded. */
import { hash32, seededRandom } from "../../base/seed";
import { noLoad, withDemand } from "../demand";
import type { Demand, Load } from "../demand";
import type { FleetNode } from "../fleet";
import { networkOf } from "../clients";
import { plainRules } from "../sets/types";
import type { Shape } from "../shape";
import { nodeOf, policy, selectorOf, shape } from "../testing";
import type { OwnUnit, RevisionShape, WorkloadSnapshot } from "../workload-plan";
import type { FleetWorkload } from "../whatif/settle";
import type { WhatIfWorld } from "../whatif/compare";

/** A value's whole content in eight characters. Maps and sets count by their entries, functions not at all. */
export const digestOf = (value: unknown): string => hash32(JSON.stringify(value, (_k, v: unknown) => (v instanceof Map ? ["map", ...v] : v instanceof Set ? ["set", ...v] : typeof v === "bigint" ? String(v) : v)) ?? "").toString(16).padStart(8, "0");

/** Throws dice by a number: the same for the same number. */
export class Dice {
  readonly random: () => number;
  constructor(seed: number) {
    this.random = seededRandom(seed * 7_919 + 13);
  }
  upTo = (most: number): number => Math.floor(this.random() * (most + 1));
  from = (least: number, most: number): number => least + this.upTo(most - least);
  pick = <T>(list: readonly T[]): T => list[Math.floor(this.random() * list.length)] as T;
  is = (chance: number): boolean => this.random() < chance;
  maybe = <T>(chance: number, make: () => T): T | undefined => (this.is(chance) ? make() : undefined);
  some = <T>(most: number, make: () => T): T[] => Array.from({ length: this.upTo(most) }, make);
}

const SITES = ["fra", "kiel", "lyon"];
const GIB = 2 ** 30;
const MIB = 2 ** 20;
const rules = ['site.kind == "edge"', 'node.labels["rack"] == "a"', "node.cpuMillis >= 1500", 'site.jurisdiction.startsWith("DE")'];
const given = (o: Record<string, unknown>): Record<string, unknown> => Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined));

/** A placement case with anything in it that a case may have. */
export function caseOf(seed: number): object {
  const d = new Dice(seed);
  const nodes = Array.from({ length: d.from(2, 7) }, (_, i) => ({
    name: `n${i}`, site: d.pick(SITES), siteKind: d.pick(["edge", "cloud-region"]), jurisdiction: d.pick(["DE", "DE", "DE-BY", "FR"]), arch: d.pick(["x64", "x64", "x64", "arm64"]), os: d.pick(["linux", "linux", "linux", "darwin"]), engines: d.is(0.95) ? ["process"] : [],
    trustTier: d.pick(["software", "software", "tpm", "none"]), labels: { rack: d.pick(["a", "b"]) }, taints: d.is(0.15) ? [{ key: "gpu", ...(d.is(0.5) ? { value: "yes" } : {}) }] : [], state: d.pick(["active", "active", "active", "active", "active", "cordoned", "draining", "decommissioned"]),
    ...given({ silentForMs: d.maybe(0.15, () => d.pick([60_000, 700_000])) }), cpuMillis: d.from(5, 40) * 100, memory: `${d.from(2, 16) * 256}Mi`, disk: `${d.from(2, 8)}Gi`, devices: d.is(0.4) ? { A: d.upTo(4), B: d.upTo(2) } : {},
    rates: { cpuHour: d.upTo(4) / 100, memoryGiBHour: d.upTo(2) / 100, egressGiB: d.upTo(9) / 100, currency: d.pick(["EUR", "EUR", "USD"]) }, warm: d.some(2, () => d.pick(["sha256:a", "sha256:b"])),
  }));
  const policies = Object.fromEntries(["p0", "p1"].map((p) => [p, given({
    require: d.some(1, () => given({ rule: d.pick(rules), because: d.maybe(0.5, () => "asked for") })), residency: d.maybe(0.3, () => d.pick([["DE"], ["DE-BY", "FR"]])), trustTierMin: d.maybe(0.2, () => d.pick(["software", "tpm"])), tolerate: d.some(1, () => given({ key: "gpu", value: d.maybe(0.5, () => "yes") })),
    prefer: d.some(2, () => d.pick<object>([{ by: "rule", rule: d.pick(rules), weight: d.from(-50, 50) }, { by: "cost", weight: d.upTo(100) }, { by: "spread", over: d.pick(["site", "node"]), weight: d.upTo(50) }, { by: "pack", weight: d.upTo(50) }, { by: "warm", weight: d.upTo(50) }, { by: "latency", clients: { [d.pick(SITES)]: d.from(1, 3), oslo: 1 }, weight: d.upTo(50) }])),
    spread: d.is(0.25) ? [{ over: d.pick(["site", "node"]), maxSkew: d.from(1, 2) }] : [], divide: d.maybe(0.2, () => ({ by: d.pick(["duplicated", "static", "dynamic", "aggregated"]), ...(d.is(0.6) ? { weights: { kiel: d.upTo(3), fra: d.upTo(3) } } : {}) })),
  })]));
  const amounts = () => given({ cpuMillis: d.maybe(0.9, () => d.upTo(30) * 100), memory: d.maybe(0.4, () => `${d.from(1, 8) * 512}Mi`), devices: d.maybe(0.2, () => d.upTo(3)), models: d.maybe(0.2, () => ({ A: d.upTo(2) })) });
  const quota = (parent?: string) => given({ parent, nominal: amounts(), borrowingLimit: d.maybe(0.3, amounts), lendingLimit: d.maybe(0.3, amounts), weight: d.maybe(0.3, () => d.from(1, 3)), reclaim: d.maybe(0.5, () => d.pick(["never", "lowerPriority", "any"])) });
  const quotas = d.is(0.5) ? { org: quota(), qa: quota("org"), qb: quota("org") } : {};
  const names = ["api", "batch", "cache", "db", "etl"].slice(0, d.from(2, 5));
  const workloads = names.map((name) => {
    const kind = d.pick(["service", "service", "service", "inference", "batch", "daemon"]);
    const replicas = d.upTo(5);
    return given({
      name, kind, replicas, cpuMillis: d.upTo(15) * 100, memory: `${d.upTo(6) * 128}Mi`, disk: `${d.upTo(2)}Gi`, devices: d.maybe(0.2, () => given({ count: d.from(1, 2), model: d.maybe(0.5, () => d.pick(["A", "B"])) })), artifacts: d.some(2, () => d.pick(["sha256:a", "sha256:b"])), policy: d.maybe(0.5, () => d.pick(["p0", "p1"])),
      selector: d.maybe(0.15, () => d.pick(rules)), platform: d.maybe(0.15, () => ({ arch: ["x64"], os: ["linux"] })), priority: d.pick([10, 100, 100, 500]), preemption: d.maybe(0.2, () => "never"), quota: "qa" in quotas ? d.maybe(0.6, () => d.pick(["qa", "qb"])) : undefined,
      gang: replicas > 1 && kind !== "daemon" ? d.maybe(0.2, () => ({ minMember: d.from(1, replicas) })) : undefined, duration: kind === "batch" ? d.maybe(0.6, () => ({ min: "5m", max: d.pick(["10m", "1h"]) })) : undefined, disruption: d.maybe(0.3, () => ({ maxUnavailable: d.upTo(2) })),
      affinity: d.maybe(0.25, () => ({ apart: d.is(0.5) ? [{ over: d.pick(["node", "site"]), ...given({ from: d.maybe(0.6, () => d.pick(names.filter((x) => x !== name))) }) }] : [], together: d.is(0.5) ? [{ with: d.pick(names), over: d.pick(["node", "site"]) }] : [] })), traffic: d.maybe(0.2, () => [given({ to: d.maybe(0.5, () => d.pick(SITES)), gibPerHour: d.upTo(5) })]), lostAfter: d.maybe(0.4, () => "10m"),
    });
  });
  const units = names.flatMap((workload) => Array.from({ length: d.upTo(4) }, (_, i) => ({ unit: `${workload}-${i + 1}`, workload, node: d.pick(nodes).name, startedAtMs: 1_000_000 - d.upTo(60) * 60_000, healthy: d.is(0.85) })));
  return { nodes, workloads, units, policies, quotas, links: d.some(3, () => ({ a: d.pick(SITES), b: d.pick([...SITES, "oslo"]), latencyMs: d.upTo(90) })), nowMs: 10_000_000, rounds: d.pick([1, 60, 60]) };
}

const network = networkOf(SITES, [{ siteA: "kiel", siteB: "fra", latencyMs: 20 }, { siteA: "fra", siteB: "lyon", latencyMs: 35 }]);
const population = (text: string) => ({ waits: new Map(SITES.map((s) => [s, { meanMs: network.roundTrip(s, text), unreached: [] }])), sites: [text], key: text });

export function nodesOf(d: Dice, count: number): FleetNode[] {
  return Array.from({ length: count }, (_, i) => {
    const site = d.pick(SITES);
    return nodeOf({
      name: `n${i}`, site, siteTitle: site, kind: d.pick(["edge", "cloud-region"]), labels: { rack: d.pick(["a", "b"]) }, jurisdiction: d.pick(["DE", "DE", "DE-BY", "FR"]), arch: d.pick(["x64", "x64", "x64", "arm64"]), trustTier: d.pick(["software", "software", "tpm", "none"]), taints: d.is(0.1) ? [{ key: "gpu" }] : [],
      desiredState: d.pick(["active", "active", "active", "active", "active", "active", "cordoned", "draining"] as const), contact: d.pick(["live", "live", "live", "live", "live", "live", "silent", "never"] as const), lastSeenMs: 9_400_000 + d.upTo(6) * 100_000,
      capacity: { cpuMillis: d.pick([1_000, 2_000, 4_000]), memoryBytes: d.pick([2, 4]) * GIB, diskBytes: 8 * GIB, devices: d.is(0.4) ? { A: d.upTo(3), B: d.upTo(2) } : {}, ...(d.is(0.2) ? { extra: { licence: d.upTo(2) } } : {}) },
      rates: { currency: "EUR", cpuHour: d.upTo(3) / 100, memoryGiBHour: d.upTo(2) / 100, egressGiB: d.upTo(3) / 100 }, warm: new Set(d.some(2, () => d.pick(["a", "b"]))),
    });
  });
}
const demandOf = (d: Dice): Demand => ({ cpuMillis: d.upTo(8) * 100, memoryBytes: d.upTo(6) * 128 * MIB, diskBytes: d.upTo(2) * 512 * MIB, devices: d.is(0.2) ? { count: d.from(1, 2), model: d.is(0.5) ? d.pick(["A", "B"]) : null } : null, ...(d.is(0.1) ? { extra: { licence: 1 } } : {}) });
export function shapeOf(d: Dice): Shape {
  return shape({
    demand: demandOf(d), arch: d.is(0.15) ? ["x64"] : null, os: d.is(0.1) ? ["linux"] : null, selector: d.is(0.2) ? selectorOf(d.pick(rules)) : null, artifacts: d.some(2, () => d.pick(["a", "b"])),
    policy: d.is(0.7) ? policy({ require: d.some(d.upTo(1), () => ({ selector: selectorOf(d.pick(rules)), because: d.is(0.5) ? "asked for" : null })), residency: d.is(0.2) ? d.pick([["DE"], ["DE-BY", "FR"]]) : null, trustTierMin: d.is(0.2) ? d.pick(["software", "tpm"]) : null, tolerate: d.some(1, () => ({ key: "gpu" })), spread: d.is(0.35) ? d.some(2, () => ({ over: d.pick(["site", "node"] as const), maxSkew: d.from(1, 2) })) : [] }) : null,
    prefer: d.some(3, () => d.pick<Shape["prefer"][number]>([{ by: "rule", selector: selectorOf(d.pick(rules)), weight: d.from(-40, 40) }, { by: "cost", weight: d.upTo(100) }, { by: "pack", weight: d.upTo(30) }, { by: "warm", weight: d.upTo(30) }, { by: "spread", over: d.pick(["site", "node"] as const), weight: d.upTo(30) }, { by: "latency", clients: population(d.pick(SITES)), weight: d.upTo(30) }])),
    ...(d.is(0.2) ? { apart: [{ from: d.pick([null, "g1", "g2"]), over: d.pick(["site", "node"] as const) }] } : {}), ...(d.is(0.15) ? { together: [{ with: "g2", over: "site" as const, at: new Set([d.pick(SITES), d.pick(SITES)]) }] } : {}), ...(d.is(0.2) ? { sent: [{ to: d.pick([null, "kiel"]), gibPerHour: d.upTo(4) }] } : {}),
  });
}

/** A fleet with workloads in the middle of anything: units of two revisions, unhealthy, stopping and completed ones. */
export function worldOf(seed: number): WhatIfWorld {
  const d = new Dice(seed);
  const nowMs = 10_000_000;
  const bare = nodesOf(d, d.from(3, 7));
  const quotas = d.is(0.4) ? [{ name: "q", parent: null, nominal: { cpuMillis: d.from(5, 40) * 100 }, borrowingLimit: null, lendingLimit: null, weight: 1, reclaim: "lowerPriority" as const }] : [];
  const drafts = ["api", "batch", "cache", "db"].slice(0, d.from(2, 4)).map((name) => {
    const kind = d.pick(["service", "service", "service", "inference", "batch", "daemon"] as const);
    const revisions = [1, 2].map((generation): RevisionShape => ({ generation, digest: `${name}-d${generation}`, templateDigest: `${name}-t${generation}`, shape: shapeOf(d) }));
    const goal = d.is(0.05) ? null : (revisions[d.upTo(1)] as RevisionShape);
    const replicas = d.upTo(5);
    const drawn = Array.from({ length: d.upTo(6) }, (_, i) => ({ ordinal: i + 1, node: d.upTo(bare.length - 1), generation: d.from(1, 2), stop: d.is(0.1), phase: d.pick(["running", "running", "running", "running", "starting", "failed", "completed"]), healthy: d.is(0.9), told: d.is(0.9), ageMs: d.upTo(20) * 60_000 }));
    return { name, kind, revisions, goal, replicas, drawn, d: { priority: d.pick([10, 100, 500]), preempts: d.is(0.7), minMember: d.is(0.15) ? d.from(1, 3) : null, takes: kind === "batch" && d.is(0.5) ? { minMs: 300_000, maxMs: d.pick([600_000, 3_600_000]) } : null, division: d.is(0.15) ? { by: d.pick(["duplicated", "static", "dynamic", "aggregated"] as const), weights: { kiel: 1, fra: 2 } } : null, quota: quotas.length && d.is(0.6) ? "q" : null, maxUnavailable: d.is(0.3) ? d.upTo(2) : null, removed: d.is(0.05), rolloutOpen: d.is(0.1), lostAfterMs: d.is(0.5) ? 300_000 : null, completed: new Set(d.some(2, () => d.from(1, 4))) } };
  });
  const loads = new Map<string, Load>();
  for (const w of drafts) for (const u of w.drawn) loads.set((bare[u.node] as FleetNode).id, withDemand(loads.get((bare[u.node] as FleetNode).id) ?? noLoad, (w.revisions[u.generation - 1] as RevisionShape).shape.demand));
  const nodes = bare.map((n) => ({ ...n, load: loads.get(n.id) ?? noLoad }));
  const workloads = drafts.map((w): FleetWorkload => {
    const units = w.drawn.map((u): OwnUnit => ({
      assignmentId: `${w.name}@${u.ordinal}`, version: 1, unit: `${w.name}-${u.ordinal}`, ordinal: u.ordinal, node: nodes[u.node] as FleetNode, generation: u.generation, desired: u.stop ? "stop" : "run", updatedAtMs: nowMs - u.ageMs, nodeObservedAtMs: u.told ? nowMs - 5_000 : null, nodeApplied: u.told,
      observed: u.told ? { generation: u.generation, phase: u.phase, health: u.healthy && u.phase === "running" ? "healthy" : "unhealthy", restarts: 0, exitCode: u.phase === "completed" ? 0 : null, message: "", sinceMs: nowMs - u.ageMs } : null,
    }));
    const snapshot: WorkloadSnapshot = { nowMs, workloadId: `id-${w.name}`, name: w.name, kind: w.kind, removed: w.d.removed, replicas: w.replicas, lostAfterMs: w.d.lostAfterMs, goal: w.goal, revisions: new Map(w.revisions.map((r) => [r.generation, r])), rolloutOpen: w.d.rolloutOpen, askShape: w.goal?.shape ?? null, units, completed: w.kind === "batch" ? w.d.completed : new Set(), fleet: null, others: null, sets: { ...plainRules, priority: w.d.priority, preempts: w.d.preempts, minMember: w.d.minMember, takes: w.d.takes, division: w.d.division } };
    return { snapshot, quota: w.d.quota, maxUnavailable: w.d.maxUnavailable };
  });
  const links = [{ siteA: "kiel", siteB: "fra", latencyMs: 20 }, ...(d.is(0.7) ? [{ siteA: "fra", siteB: "lyon", latencyMs: 35 }] : []), ...(d.is(0.3) ? [{ siteA: "kiel", siteB: "lyon", latencyMs: 40 }] : [])];
  return { nowMs, nodes, workloads, held: [], quotas, sites: [...SITES, "oslo"].slice(0, d.from(3, 4)), links };
}
