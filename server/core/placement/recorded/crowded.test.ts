/** The second half of the recorded answers: fleets in which there is too little room, so that units wait for each other, make way, borrow and are moved. */
import { describe, expect, it } from "vitest";
import { noLoad, withDemand } from "../demand";
import type { Load } from "../demand";
import { queueOrder } from "../quota/order";
import { reclaim } from "../quota/reclaim";
import { QuotaTree } from "../quota/tree";
import type { QuotaFacts } from "../quota/tree";
import { planWorkload } from "../reconcile";
import { heldOn, placeOfShare } from "../shares";
import { plainRules } from "../sets/types";
import type { Held } from "../sets/types";
import type { Shape } from "../shape";
import { nodeOf, policy, shape } from "../testing";
import { whatIf } from "../whatif/compare";
import type { WhatIfWorld } from "../whatif/compare";
import { settle } from "../whatif/settle";
import type { FleetWorkload } from "../whatif/settle";
import type { OwnUnit, RevisionShape, WorkloadSnapshot } from "../workload-plan";
import { Dice, digestOf } from "./testing";

const NOW = 10_000_000;
const MIB = 2 ** 20;
const NAMES = ["api", "batch", "cache", "db", "etl"];
const numbers = (from: number, count = 10) => Array.from({ length: count }, (_, i) => from + i);
const tens = (groups: number) => Array.from({ length: groups }, (_, g) => g * 10);
const recorded = (from: number, line: (seed: number) => string) => expect(numbers(from).map((seed) => `${seed}: ${line(seed)}`).join("\n")).toMatchSnapshot();

const quotasOf = (d: Dice): QuotaFacts[] => {
  const amounts = (most: number) => ({ cpuMillis: d.upTo(most) * 100, ...(d.is(0.3) ? { devices: d.upTo(2) } : {}), ...(d.is(0.2) ? { "devices/A": d.upTo(2) } : {}) });
  const quota = (name: string, parent: string | null): QuotaFacts => ({ name, parent, nominal: name === "org" ? {} : amounts(8), borrowingLimit: d.is(0.3) ? amounts(5) : null, lendingLimit: d.is(0.3) ? amounts(5) : null, weight: d.pick([0, 1, 1, 2]), reclaim: d.pick(["never", "lowerPriority", "lowerPriority", "any"]) });
  return [quota("org", null), quota("qa", "org"), quota("team", "org"), quota("qb", d.pick(["org", "team"])), quota("qc", d.pick(["team", null, "gone"]))];
};

/** Two revisions that differ in what they ask for, now and then in where they may run. */
function revisionsOf(d: Dice, name: string): RevisionShape[] {
  const base: Partial<Shape> = {
    ...(d.is(0.15) ? { apart: [{ from: d.pick([null, "db", "api"]), over: d.pick(["site", "node"] as const) }] } : {}),
    ...(d.is(0.15) ? { together: [{ with: d.pick([null, ...NAMES.filter((x) => x !== name)]), over: d.pick(["site", "node"] as const) }] } : {}),
    policy: d.is(0.4) ? policy({ residency: d.is(0.15) ? ["DE"] : null, spread: d.is(0.6) ? [{ over: d.pick(["site", "node"] as const), maxSkew: d.from(1, 2) }] : [] }) : null,
    prefer: d.is(0.1) ? [{ by: d.pick(["balance", "fragmentation"] as const), weight: 10 }] : d.is(0.3) ? [{ by: "pack", weight: 10 }] : [],
  };
  const device = d.is(0.25) ? d.pick([{ count: 1, model: "A" }, { count: 1, model: null, shareMillis: 400 }, { count: 1, model: "A", shareMillis: 600 }]) : null;
  const revision = (generation: number, o: Partial<Shape>): RevisionShape => {
    const devices = d.is(0.8) ? device : null;
    return { generation, digest: `${name}-d${generation}`, templateDigest: `${name}-t${d.is(0.2) ? 1 : generation}`, shape: shape({ ...base, ...o, demand: { cpuMillis: d.from(1, 5) * 100, memoryBytes: d.from(1, 4) * 64 * MIB, diskBytes: MIB, devices } }) };
  };
  return [revision(1, {}), revision(2, d.is(0.15) ? { arch: ["arm64"] } : {})];
}

function crowdOf(seed: number): WhatIfWorld {
  const d = new Dice(seed);
  const bare = Array.from({ length: d.from(2, 4) }, (_, i) => nodeOf({
    name: `n${i}`, site: d.pick(["fra", "kiel"]), jurisdiction: d.pick(["DE", "DE", "FR"]), arch: d.pick(["x64", "x64", "arm64"]), desiredState: d.pick(["active", "active", "active", "active", "cordoned", "draining", "decommissioned"] as const), contact: d.pick(["live", "live", "live", "live", "live", "silent"] as const), lastSeenMs: NOW - d.upTo(9) * 60_000,
    capacity: { cpuMillis: d.from(6, 12) * 100, memoryBytes: 1_024 * MIB, diskBytes: 1_024 * MIB, devices: d.is(0.6) ? { A: d.upTo(2) } : {} }, rates: { currency: "EUR", cpuHour: d.upTo(3) / 100, memoryGiBHour: 0.01 },
  }));
  const loads = new Map<string, Load>();
  const quotas = d.is(0.6) ? quotasOf(d) : [];
  const drafts = NAMES.slice(0, d.from(2, 5)).map((name) => {
    const kind = d.pick(["service", "service", "inference", "batch", "batch", "daemon"] as const);
    const revisions = revisionsOf(d, name);
    const units = Array.from({ length: d.upTo(5) }, (_, i) => {
      const node = bare[d.upTo(bare.length - 1)] as (typeof bare)[number];
      const generation = d.from(1, 2);
      const { demand } = (revisions[generation - 1] as RevisionShape).shape;
      const before = loads.get(node.id) ?? noLoad;
      const on = demand.devices?.shareMillis === undefined ? null : placeOfShare(before.shared, demand.devices.model, demand.devices.shareMillis);
      loads.set(node.id, withDemand(before, heldOn(demand, on)));
      return { node, generation, on, ordinal: kind === "daemon" ? 0 : d.is(0.9) ? i + 1 : i, desired: d.is(0.88) ? ("run" as const) : ("stop" as const), phase: d.pick([...Array.from({ length: 10 }, () => "running"), "succeeded", "failed", "backoff", "stopped"]), healthy: d.is(0.9), told: d.is(0.85), applied: d.is(0.7), agoMs: d.upTo(40) * 15_000, heardMs: d.upTo(80) * 1_000, runs: d.is(0.9) ? generation : 1 };
    });
    return { name, kind, revisions, units };
  });
  const nodes = new Map(bare.map((n) => [n.id, { ...n, load: loads.get(n.id) ?? noLoad }]));
  const held: Held[] = [];
  const workloads = drafts.map((w): FleetWorkload => {
    const priority = d.pick([10, 10, 100, 500]);
    const goal = d.is(0.97) ? (w.revisions[d.is(0.6) ? 1 : 0] as RevisionShape) : null;
    const units = w.units.map((u, i): OwnUnit => ({
      assignmentId: `${w.name}@${i}`, version: d.from(1, 3), unit: `${w.name}-${u.ordinal}`, ordinal: u.ordinal, node: nodes.get(u.node.id) as OwnUnit["node"], generation: u.generation, desired: u.desired, updatedAtMs: NOW - u.agoMs, nodeObservedAtMs: u.told ? NOW - u.heardMs : null, nodeApplied: u.applied, on: u.on,
      observed: u.told ? { generation: u.runs, phase: u.phase, health: u.phase !== "running" ? "unknown" : u.healthy ? "healthy" : "unhealthy", restarts: 0, exitCode: null, message: "", sinceMs: NOW - u.agoMs } : null,
    }));
    const replicas = d.from(1, 6);
    for (let i = d.is(0.25) ? d.from(1, 2) : 0; i > 0; i--) held.push({ workloadId: `id-${w.name}`, workload: w.name, unit: `${w.name}-${d.from(1, 5)}`, nodeId: d.pick(bare).id, demand: (goal ?? (w.revisions[0] as RevisionShape)).shape.demand, priority, cause: d.pick(["preempt", "backfill"] as const), because: "was promised", fromMs: NOW - d.upTo(3) * 100_000, expiresMs: NOW + d.from(-1, 5) * 100_000 });
    const sets = { ...plainRules, priority, preempts: d.is(0.7), minMember: d.is(0.2) ? d.from(1, 4) : null, takes: w.kind === "batch" && d.is(0.7) ? { minMs: 300_000, maxMs: d.pick([600_000, 3_600_000]) } : null, division: d.is(0.1) ? { by: d.pick(["duplicated", "static", "dynamic", "aggregated"] as const), weights: { kiel: 1, fra: 2 } } : null };
    const snapshot: WorkloadSnapshot = { nowMs: NOW, workloadId: `id-${w.name}`, name: w.name, kind: w.kind, removed: d.is(0.03), replicas, lostAfterMs: d.is(0.5) ? 300_000 : null, goal, revisions: new Map(w.revisions.map((r) => [r.generation, r])), rolloutOpen: d.is(0.1), askShape: goal?.shape ?? null, units, completed: new Set(w.kind === "batch" ? d.some(2, () => d.from(1, 4)) : []), fleet: null, others: null, sets };
    return { snapshot, quota: quotas.length && d.is(0.75) ? d.pick(["qa", "qb", "qc"]) : null, maxUnavailable: d.is(0.3) ? d.upTo(2) : null };
  });
  const movable = workloads.flatMap((w) => w.snapshot.units.filter((u) => u.desired === "run").map((u) => ({ w, u })));
  const waiting = d.is(0.7) ? d.pick(workloads).snapshot : null;
  const moves = movable.length && d.is(0.3) ? Array.from({ length: d.from(1, 3) }, (_, batch) => {
    const { w, u } = d.pick(movable);
    return { unit: u.unit, assignmentId: u.assignmentId, becomes: null, state: "waiting" as const, because: null, sinceMs: null, ...(d.is(0.5) ? { batch } : {}), workloadId: w.snapshot.workloadId, workload: w.snapshot.name, toNodeId: d.pick(bare).id, demand: (w.snapshot.revisions.get(u.generation) as RevisionShape).shape.demand };
  }) : [];
  const repair = moves.length ? { id: "repair", workloadId: waiting?.workloadId ?? null, object: waiting?.name ?? "a shape", atMs: NOW - 30_000, plan: { units: d.from(1, 2), demand: (waiting?.revisions.get(1) ?? (drafts[0] as (typeof drafts)[number]).revisions[0] as RevisionShape).shape.demand, priority: d.pick([10, 500]), runningBefore: d.upTo(2), rooms: d.some(2, () => ({ nodeId: d.pick(bare).id })) }, moves } : null;
  return { nowMs: NOW, nodes: [...nodes.values()].filter((n) => n.desiredState !== "decommissioned"), workloads, held, quotas, repair, sites: ["fra", "kiel"], links: d.is(0.6) ? [{ siteA: "fra", siteB: "kiel", latencyMs: 12 }] : [] };
}

const marks = { place: "+", stop: "-", end: "x", update: ">", evict: "!", reserve: "?" };

// Guarantee: the same question has the same answer, in this version as in the one before, also where there is too little room.
describe("answers as recorded, where room is short", () => {
  it.each(tens(16))("to what a fleet comes to, from %i", (from) => {
    recorded(from, (seed) => {
      const d = new Dice(seed + 310_000);
      const world = crowdOf(seed + 300_000);
      const due = d.is(0.8) ? world.workloads.map((w) => w.snapshot.workloadId) : ["id-api", "id-nobody"];
      const was = digestOf(world);
      const end = settle(world, due, d.is(0.1) ? { rounds: d.from(1, 3) } : {});
      expect(digestOf(world)).toBe(was);
      const { after: _, ...found } = whatIf({ ...world, nodes: world.nodes.slice(d.upTo(1)) }, world, due);
      return `${end.events.map((e) => `${marks[e.kind]}${e.unit}@${e.nodeId.slice(5)}`).join(" ")} | ${end.rounds} rounds${end.atRest ? "" : ", not at rest"} ${digestOf([end, found])}`;
    });
  });

  it.each(tens(9))("to single passes that see everything, from %i", (from) => {
    recorded(from, (seed) => {
      const d = new Dice(seed + 330_000);
      const w = crowdOf(seed + 320_000);
      return w.workloads.map(({ snapshot: s, quota }) => {
        const rules = s.sets ?? plainRules;
        const units = w.workloads.flatMap((x) => (x.snapshot === s ? [] : x.snapshot.units.map((u) => ({ id: u.assignmentId, version: u.version, unit: u.unit, workloadId: x.snapshot.workloadId, workload: x.snapshot.name, nodeId: u.node.id, priority: x.snapshot.sets?.priority ?? 0, demand: heldOn((s.revisions.get(u.generation) as RevisionShape).shape.demand, u.on), startedAtMs: u.updatedAtMs, stopping: u.desired === "stop", quota: x.quota, endsMs: d.is(0.6) ? { minMs: NOW + d.upTo(3) * 100_000, maxMs: NOW + d.from(3, 9) * 100_000 } : { minMs: Infinity, maxMs: Infinity } }))));
        const sets = { ...rules, reserved: w.held.filter((h) => h.workloadId === s.workloadId), quota: quota === null ? null : { name: quota, facts: w.quotas, used: new Map([["qa", { cpuMillis: d.upTo(10) * 100 }], ["qb", { cpuMillis: d.upTo(10) * 100 }]]) } };
        const turn = s.units.filter((u) => u.desired === "run" && d.is(0.3)).map((u, move) => [u.assignmentId, { repairId: "r", move, toNodeId: d.pick(w.nodes.length ? w.nodes : [u.node]).id, becomes: d.is(0.2) ? `${s.name}@0` : null, because: "It makes room." }] as const);
        const seen = { ...s, sets, others: { units, budgets: new Map(d.some(3, () => [`id-${d.pick(NAMES)}`, d.upTo(2)] as const)), gangs: new Map(d.some(2, () => [`id-${d.pick(NAMES)}`, d.from(1, 3)] as const)) }, fleet: { nowMs: NOW, nodes: w.nodes }, repairs: new Map(turn) };
        const p = planWorkload(seen);
        return `${p.place.map((x) => `+${x.unit}@${x.nodeId.slice(5)}`).join("")}${p.evict.map((x) => `!${x.unit}`).join("")}${p.reserve.map((x) => `?${x.unit}@${x.nodeId.slice(5)}`).join("")} ${digestOf([p, planWorkload({ ...seen, others: null }), planWorkload({ ...seen, sets: { ...sets, quota: null } })])}`;
      }).join(" | ");
    });
  });

  it.each(tens(12))("of quota trees from %i", (from) => {
    recorded(from, (seed) => {
      const d = new Dice(seed + 350_000);
      const facts = quotasOf(d);
      const leaves = ["qa", "qb", "qc"];
      const amounts = () => ({ cpuMillis: d.upTo(4) * 100, ...(d.is(0.3) ? { devices: d.upTo(3) / 2 } : {}) });
      const units = Array.from({ length: d.upTo(9) }, (_, i) => ({ id: `u${i}`, quota: d.pick(leaves), amounts: amounts(), priority: d.upTo(2), startedAtMs: d.upTo(3) }));
      const tree = new QuotaTree(facts);
      const lines = units.map((u) => {
        const short = tree.shortages(u.quota, u.amounts);
        if (short.length === 0 || d.is(0.3)) tree.add(u.quota, u.amounts);
        return short;
      });
      const names = facts.map((f) => f.name);
      const claims = leaves.map((quota) => reclaim(tree, { quota, amounts: { cpuMillis: d.from(1, 4) * 100, ...(d.is(0.2) ? { devices: 1 } : {}) }, priority: d.from(1, 3), any: d.is(0.3) }, units)?.map((u) => u.id) ?? null);
      const waiting = Array.from({ length: 5 }, () => ({ id: `w${d.upTo(9)}`, priority: d.upTo(1), quota: d.pick([...leaves, null, "unknown"]), amounts: amounts(), sinceMs: d.upTo(2) }));
      const order = queueOrder(waiting, tree).map((w) => w.id);
      const due = ["cpuMillis", "devices"].map((r) => [...tree.deserved(r, new Map(d.some(4, () => [d.pick(names), d.upTo(12) * 100] as const)))]);
      return `${claims.map((c) => (c === null ? "none" : c.length === 0 ? "fits" : c.join("+"))).join(" ")} | ${order.join(" ")} | ${digestOf([lines, due, tree.walk(), names.map((n) => [tree.used(n), tree.nominal(n), tree.borrowed(n), String(tree.share(n)), String(tree.share(n, amounts())), tree.rootOf(n), tree.reclaims(n), tree.available(n, "devices"), tree.isWithinNominal(n, amounts())])])}`;
    });
  });
});
