import { networkOf, nowhere, usageOf } from "../../core/placement";
import type { FleetNode, WhatIfWorld, WorkloadSnapshot } from "../../core/placement";
import { schedulerSnapshot } from "../../store";
import type { Queryable } from "../../store";
import { fleetNodesOf } from "../fleet-snapshot";
import { assembleWorkload, intentOf, policyFrom, weighsLatency } from "../workload-snapshot";
import { goalFrom } from "./read";
import type { ProjectRows } from "./read";

type At = { nowMs: number; silentAfterMs: number };

/** Artifacts of all workloads that prefer nodes which have them, and who has which. */
export async function readWarm(db: Queryable, projectId: string, rows: ProjectRows, at: At): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const wanted = new Set<string>();
  for (const w of rows.workloads) {
    const intent = intentOf(goalFrom(w), w.manifests);
    const policy = intent?.spec.policy === undefined ? undefined : rows.policies.get(intent.spec.policy);
    if (JSON.stringify(policy?.spec ?? "").includes('"warm"')) for (const m of w.manifests.values()) for (const a of m.manifest.spec.template.artifacts) wanted.add(a.digest);
  }
  return schedulerSnapshot.warmNodes(db, projectId, [...wanted], at.nowMs);
}

/**
 * The picture of a whole project, by the rules by which the scheduler makes its pictures. Nodes and workloads that are
 * equal in both rows are made once: `like` is a picture of the same moment.
 */
export function worldOf(rows: ProjectRows, at: At, warm: ReadonlyMap<string, ReadonlySet<string>>, like?: { rows: ProjectRows; nodes: ReadonlyMap<string, FleetNode>; world: WhatIfWorld }): { world: WhatIfWorld; nodes: ReadonlyMap<string, FleetNode> } {
  const all = [...rows.nodes, ...rows.gone];
  const before = new Map(like ? [...like.rows.nodes, ...like.rows.gone].map((r) => [r.id, r]) : []);
  const fresh = all.filter((r) => before.get(r.id) !== r);
  const made = new Map(fleetNodesOf(fresh, { ...at, warm }).map((n) => [n.id, n]));
  const nodes = new Map(all.map((r) => [r.id, made.get(r.id) ?? (like?.nodes.get(r.id) as FleetNode)]));
  const placed = new Map(all.map((row) => [row.id, { row, node: nodes.get(row.id) as FleetNode }]));
  const alike = like && like.rows.held === rows.held && like.rows.quotas === rows.quotas ? new Map(like.rows.workloads.map((w, i) => [w, like.world.workloads[i]])) : undefined;
  const network = networkOf(rows.sites.map((s) => s.name), rows.links);
  const linked = like !== undefined && like.rows.links === rows.links && like.rows.sites.length === rows.sites.length;
  const workloads = rows.workloads.map((w) => {
    const goal = goalFrom(w);
    const intent = intentOf(goal, w.manifests);
    const had = alike?.get(w);
    const bound = intent?.spec.policy;
    if (had && (linked || !had.snapshot.askShape?.prefer.some((p) => p.by === "latency")) && had.snapshot.units.length === w.units.length && (bound === undefined || like?.rows.policies.get(bound) === rows.policies.get(bound))) return { ...had, snapshot: onNodes(had.snapshot, at.nowMs, made, placed) };
    const policy = intent?.spec.policy === undefined ? null : policyFrom(intent.spec.policy, rows.policies.get(intent.spec.policy));
    const quota = intent?.spec.quota === undefined ? null : { quota: { name: intent.spec.quota, facts: rows.quotas, used: usageOf([]) }, seen: "" };
    const { snapshot } = assembleWorkload({ ...w, goal, policy, nodes: placed, held: rows.held, quota, network: weighsLatency(policy) ? network : nowhere }, at.nowMs);
    return { snapshot, quota: intent?.spec.quota ?? null, maxUnavailable: intent?.spec.disruption?.maxUnavailable ?? null };
  });
  return { nodes, world: { nowMs: at.nowMs, nodes: rows.nodes.map((r) => nodes.get(r.id) as FleetNode), workloads, held: rows.held, repair: rows.repair, quotas: rows.quotas, sites: rows.sites.map((s) => s.name), links: rows.links } };
}

/** The same picture of a workload where only nodes have changed. */
function onNodes(s: WorkloadSnapshot, nowMs: number, made: ReadonlyMap<string, FleetNode>, placed: ReadonlyMap<string, { row: ProjectRows["nodes"][number] }>): WorkloadSnapshot {
  const units = s.units.flatMap((u) => {
    const row = placed.get(u.node.id)?.row;
    const node = made.get(u.node.id);
    if (!row) return [];
    return node ? { ...u, node, nodeObservedAtMs: row.observedAtMs, nodeApplied: row.observedGeneration >= row.desiredGeneration } : u;
  });
  return { ...s, nowMs, units };
}

/** Workloads that wait for room, those whose units follow the nodes, and those of a repair that is under way: any change may concern them. */
export function alwaysDue(world: WhatIfWorld): string[] {
  const repaired = world.repair ? [...world.repair.moves.map((m) => m.workloadId), world.repair.workloadId] : [];
  return world.workloads.flatMap(({ snapshot: s }) => (s.kind === "daemon" || repaired.includes(s.workloadId) || s.units.filter((u) => u.desired === "run").length < s.replicas ? [s.workloadId] : []));
}
