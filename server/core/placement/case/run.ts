import type { FieldError } from "../../base/refusal";
import { checkAffinity } from "../../manifest/check";
import { parseBytes } from "../../manifest/common";
import { devicesProblem } from "../../manifest/workload";
import type { PlacedAsk } from "../ask";
import { devicesAsked, noLoad, withDemand } from "../demand";
import type { Demand, Load } from "../demand";
import type { FleetNode } from "../fleet";
import { heldOn, placeOfShare, sliceName } from "../shares";
import type { SharedOn } from "../shares";
import { quotaFactsOf } from "../quota/facts";
import { networkOf } from "../clients";
import type { Network } from "../clients";
import { admitted, affinityOf, policyShape, preferenceOf } from "../shape";
import type { Shape } from "../shape";
import type { OwnUnit, RevisionShape } from "../workload-plan";
import { caseDuration, caseSubject, compiles, placementCase } from "./schema";
import type { PlacementCase } from "./schema";
import { settle } from "../whatif/settle";
import type { FleetWorkload, SettleEvent } from "../whatif/settle";

export interface CaseDecision {
  unit: string;
  workload: string;
  node: string | null;
  /** Only of a unit that asks for a share: which of the devices that its node shares it got, and the model it was opened for ("" is any). */
  device?: { slot: number; model: string };
  because: string;
  /** Every node counted: those that can take it, and those that can't by their decisive reason. */
  feasible: number;
  refused: { code: string; text: string; nodes: number }[];
  candidates: { node: string; feasible: boolean; score: number | null; because: string | null; parts: { name: string; value: number; weight: number }[] }[];
}
export interface CaseAnswer {
  /** New units, each with the node it gets or none, and why. */
  placements: CaseDecision[];
  /** Units that were stopped to make way. */
  victims: { unit: string; workload: string; node: string; because: string }[];
  /** Units that were stopped for another reason: too many, misplaced, drained, lost. */
  stopped: { unit: string; workload: string; node: string; because: string }[];
  /** Room that is kept in the end, and from when. */
  reservations: { unit: string; workload: string; node: string; fromMs: number; because: string }[];
  /** What runs in the end. */
  units: { unit: string; workload: string; node: string }[];
  rounds: number;
  atRest: boolean;
}

/** Reads a case; what is wrong is named by its path. */
export function readCase(input: unknown): { value: PlacementCase | null; errors: FieldError[] } {
  const parsed = placementCase.safeParse(input);
  if (!parsed.success) return { value: null, errors: parsed.error.issues.slice(0, 50).map((i) => ({ path: i.path.map(String).join("."), message: `${i.message}.`, remedy: "See holdfast place --schema." })) };
  const c = parsed.data;
  const errors: FieldError[] = [];
  const wrong = (path: string, message: string, remedy: string) => void errors.push({ path, message, remedy });
  const nodes = new Set(c.nodes.map((n) => n.name));
  const workloads = new Map(c.workloads.map((w) => [w.name, w]));
  if (nodes.size !== c.nodes.length) wrong("nodes", "Two nodes have one name.", "Give each its own.");
  if (workloads.size !== c.workloads.length) wrong("workloads", "Two workloads have one name.", "Give each its own.");
  c.units.forEach((u, i) => {
    if (!nodes.has(u.node)) wrong(`units.${i}.node`, `There is no node "${u.node}" in the case.`, "Add it to nodes.");
    if (!workloads.has(u.workload)) wrong(`units.${i}.workload`, `There is no workload "${u.workload}" in the case.`, "Add it to workloads; replicas 0 if it asks for nothing.");
  });
  c.workloads.forEach((w, i) => {
    if (w.policy !== undefined && !c.policies[w.policy]) wrong(`workloads.${i}.policy`, `There is no policy "${w.policy}" in the case.`, "Add it to policies.");
    if (w.quota !== undefined && !c.quotas[w.quota]) wrong(`workloads.${i}.quota`, `There is no quota "${w.quota}" in the case.`, "Add it to quotas.");
    const problem = w.selector === undefined ? null : compiles(w.selector);
    if (problem) wrong(`workloads.${i}.selector`, problem, "See the selector language in the documentation of manifests.");
    for (const p of checkAffinity(w.name, w)) wrong(`workloads.${i}.${p.path.slice(1).join(".")}`, p.message, p.remedy);
    const devices = devicesProblem(w.devices);
    if (devices) wrong(`workloads.${i}.devices.${devices.field}`, devices.message, devices.remedy);
    if (w.lostAfter !== "never" && caseDuration(w.lostAfter) === null) wrong(`workloads.${i}.lostAfter`, `"${w.lostAfter}" is no duration.`, "Write never, or such as 10m.");
  });
  for (const [policy, spec] of Object.entries(c.policies))
    for (const text of [...spec.require.map((r) => r.rule), ...spec.prefer.flatMap((p) => ("rule" in p ? [p.rule] : []))]) {
      const problem = compiles(text);
      if (problem) wrong(`policies.${policy}`, problem, "See the selector language in the documentation of manifests.");
    }
  return { value: errors.length ? null : c, errors };
}

/** Answers a case. Same case, same answer. */
export function runCase(c: PlacementCase): CaseAnswer {
  const demands = new Map(c.workloads.map((w) => [w.name, demandOf(w)]));
  const loads = new Map<string, Load>();
  // Shares are on the devices on which their units, in the order of the file, would have been placed.
  const on = new Map<PlacementCase["units"][number], SharedOn>();
  for (const u of c.units) {
    const demand = demands.get(u.workload) as Demand;
    const load = loads.get(u.node) ?? noLoad;
    if (demand.devices?.shareMillis !== undefined) on.set(u, placeOfShare(load.shared, demand.devices.model, demand.devices.shareMillis));
    loads.set(u.node, withDemand(load, heldOn(demand, on.get(u))));
  }
  const nodes = new Map(c.nodes.map((n) => [n.name, nodeOf(c, n, loads.get(n.name) ?? noLoad)]));
  const unitsOf = new Map<string, PlacementCase["units"]>();
  for (const u of c.units) unitsOf.set(u.workload, [...(unitsOf.get(u.workload) ?? []), u]);
  const network = networkOf([...new Set([...c.nodes.map((n) => n.site), ...c.links.flatMap((l) => [l.a, l.b])])], c.links.map((l) => ({ siteA: l.a, siteB: l.b, latencyMs: l.latencyMs })));
  const workloads = c.workloads.map((w) => workloadOf(c, w, unitsOf.get(w.name) ?? [], nodes, demands.get(w.name) as Demand, network, on));
  const end = settle({ nowMs: c.nowMs, nodes: [...nodes.values()], workloads, held: [], quotas: Object.entries(c.quotas).map(([n, spec]) => quotaFactsOf(n, spec)) }, c.workloads.map((w) => w.name), { rounds: c.rounds });
  const at = (e: SettleEvent) => ({ unit: e.unit, workload: e.workload, node: e.nodeId, because: e.because });
  return {
    placements: [...end.events.flatMap((e) => (e.kind === "place" && e.decision ? [decisionOf(e.workload, e.decision)] : [])), ...end.unplaced.map((u) => decisionOf(u.workload, u.decision))],
    victims: end.events.filter((e) => e.kind === "evict").map(at),
    stopped: end.events.filter((e) => e.kind === "stop").map(at),
    reservations: end.held.map((h) => ({ unit: h.unit, workload: h.workload, node: h.nodeId, fromMs: h.fromMs, because: h.because })),
    units: end.units.map((u) => ({ unit: u.unit, workload: u.workload, node: u.nodeId })).sort((a, b) => (a.unit < b.unit ? -1 : a.unit > b.unit ? 1 : a.node < b.node ? -1 : 1)),
    rounds: end.rounds,
    atRest: end.atRest,
  };
}

function decisionOf(workload: string, p: PlacedAsk): CaseDecision {
  return {
    unit: p.unit, workload, node: p.node, ...(p.on ? { device: p.on } : {}), because: p.because, feasible: p.feasible, refused: p.counts,
    candidates: p.candidates.map((x) => ({ node: x.node, feasible: x.feasible, score: x.score, because: x.reason?.text ?? null, parts: x.parts.map((s) => ({ name: s.name, value: s.value, weight: s.weight })) })),
  };
}

const demandOf = (w: PlacementCase["workloads"][number]): Demand => ({ cpuMillis: w.cpuMillis, memoryBytes: parseBytes(w.memory), diskBytes: parseBytes(w.disk), ...devicesAsked(w.devices) });

function nodeOf(c: PlacementCase, n: PlacementCase["nodes"][number], load: Load): FleetNode {
  return {
    id: n.name, name: n.name, site: n.site, siteTitle: n.site, jurisdiction: n.jurisdiction, desiredState: n.state, contact: n.silentForMs === undefined ? "live" : "silent", lastSeenMs: c.nowMs - (n.silentForMs ?? 0), trustTier: n.trustTier, taints: n.taints, arch: n.arch, os: n.os, engines: n.engines,
    subject: caseSubject(n), capacity: { cpuMillis: n.cpuMillis, memoryBytes: parseBytes(n.memory), diskBytes: parseBytes(n.disk), devices: n.devices, ...(Object.keys(n.slices).length ? { extra: Object.fromEntries(Object.entries(n.slices).map(([profile, count]) => [sliceName(profile), count])) } : {}) }, load, rates: n.rates, warm: new Set(n.warm), version: 1, desiredGeneration: 0,
  };
}

function workloadOf(c: PlacementCase, w: PlacementCase["workloads"][number], units: PlacementCase["units"], nodes: ReadonlyMap<string, FleetNode>, demand: Demand, network: Network, on: ReadonlyMap<PlacementCase["units"][number], SharedOn>): FleetWorkload {
  const policy = w.policy === undefined ? undefined : c.policies[w.policy];
  const shape: Shape = {
    demand, engine: "process", arch: w.platform?.arch ?? null, os: w.platform?.os ?? null, selector: w.selector === undefined ? null : admitted(w.selector), artifacts: w.artifacts,
    policy: policy && w.policy !== undefined ? policyShape(w.policy, policy) : null,
    prefer: (policy?.prefer ?? []).map((p) => preferenceOf(p, network)),
    ...affinityOf(w.name, w),
  };
  const goal: RevisionShape = { generation: 1, digest: "r1", templateDigest: "r1", shape };
  const own = units.map((u, i): OwnUnit => {
    const node = nodes.get(u.node) as FleetNode;
    return { assignmentId: `${u.unit}@${u.node}`, version: 1, unit: u.unit, ordinal: Number(/-(\d+)$/.exec(u.unit)?.[1] ?? i + 1), node, generation: 1, desired: "run", updatedAtMs: u.startedAtMs, observed: { generation: 1, phase: "running", health: u.healthy ? "healthy" : "unhealthy", restarts: 0, exitCode: null, message: "", sinceMs: u.startedAtMs }, nodeObservedAtMs: node.lastSeenMs, nodeApplied: true, on: on.get(u) ?? null };
  });
  return {
    quota: w.quota ?? null,
    maxUnavailable: w.disruption?.maxUnavailable ?? null,
    snapshot: {
      nowMs: c.nowMs, workloadId: w.name, name: w.name, kind: w.kind, removed: false, replicas: w.replicas, lostAfterMs: caseDuration(w.lostAfter), goal, revisions: new Map([[1, goal]]), rolloutOpen: false, askShape: shape, units: own, completed: new Set(), fleet: null, others: null,
      sets: {
        priority: w.priority, preempts: w.preemption !== "never", minMember: w.gang?.minMember ?? null, reserved: [], quota: null,
        takes: w.duration ? { minMs: caseDuration(w.duration.min) ?? 0, maxMs: caseDuration(w.duration.max) ?? 0 } : null,
        division: policy?.divide ? { by: policy.divide.by, weights: policy.divide.weights ?? {} } : null,
      },
    },
  };
}
