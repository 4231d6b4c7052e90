import { parseDurationMs } from "../core/base/duration";
import { placementPolicySpec } from "../core/manifest/placement-policy";
import type { PlacementPolicySpec } from "../core/manifest/placement-policy";
import { workloadManifest } from "../core/manifest/workload";
import type { WorkloadManifest } from "../core/manifest/workload";
import { goalOf, largerOf, networkOf, nowhere, plainRules, shapeOf } from "../core/placement";
import type { FleetNode, Goal, Held, Network, OwnUnit, RevisionShape, SetRules, Shape, WorkloadSnapshot } from "../core/placement";
import { objects, repairs, rollouts, schedulerSnapshot, sites } from "../store";
import type { Queryable } from "../store";
import { withRepair } from "./capacity/in-progress";
import { fleetNodesOf } from "./fleet-snapshot";
import { loadQuota, loadReservations, rulesOf } from "./sets-snapshot";

/** Phases of rollouts that brought their revision everywhere. */
export const FINISHED = ["succeeded"];

/** Which revision of a workload should run, by its revisions and rollouts; null when none may. */
export async function loadGoal(db: Queryable, workloadId: string): Promise<(Goal & { revisions: Awaited<ReturnType<typeof objects.revisionFacts>> }) | null> {
  const revisions = await objects.revisionFacts(db, workloadId);
  const successes = await objects.rolloutSuccesses(db, workloadId, FINISHED);
  const goal = goalOf(
    revisions.map((r) => ({ generation: r.generation, templateDigest: templateKey(r), held: r.heldReason !== null, gated: r.gated, createdAtMs: r.createdAtMs })),
    successes,
  );
  return goal && { ...goal, revisions };
}

/** A revision without a template digest (written by an older version) is taken for one that differs from all others. */
export const templateKey = (r: { templateDigest: string | null; digest: string }): string => r.templateDigest ?? r.digest;

export interface LoadedWorkload {
  snapshot: WorkloadSnapshot;
  object: objects.StoredObject & { removed: boolean };
  policy: { name: string; digest: string } | null;
  /** The intent with the goal's unit template: what the plan was made from. */
  spec: WorkloadManifest["spec"] | null;
  /** Reserved room of the whole project. */
  held: readonly Held[];
  /** What quotas were used for when they were read; null when the workload counts in none. */
  quotaSeen: string | null;
}

/** Rows that one workload's picture is put together from. */
export interface WorkloadParts {
  object: objects.StoredObject & { removed: boolean };
  units: readonly schedulerSnapshot.OwnUnitRow[];
  goal: Goal | null;
  open: { fromGeneration: number; toGeneration: number } | null;
  manifests: ReadonlyMap<number, StoredManifest>;
  policy: BoundPolicy | null;
  nodes: ReadonlyMap<string, { row: Pick<schedulerSnapshot.FleetNodeRow, "observedAtMs" | "observedGeneration" | "desiredGeneration">; node: FleetNode }>;
  held: readonly Held[];
  quota: { quota: NonNullable<SetRules["quota"]>; seen: string } | null;
  pieces: readonly { ordinal: number; generation: number }[];
  /** Sites and their links, as far as the policy weighs them. */
  network: Network;
}
export interface StoredManifest {
  manifest: WorkloadManifest;
  digest: string;
  key: string;
}
export type BoundPolicy = { name: string; digest: string; spec: PlacementPolicySpec };

/** The manifest that everything outside the unit template comes from. */
export const intentOf = (goal: Goal | null, manifests: ReadonlyMap<number, StoredManifest>): WorkloadManifest | null => (goal ? (manifests.get(goal.intent)?.manifest ?? null) : null);

/** Generations whose manifests a picture needs. */
export const generationsOf = (p: Pick<WorkloadParts, "units" | "goal" | "open">): Set<number> => new Set([...p.units.map((u) => u.generation), ...(p.goal ? [p.goal.generation, p.goal.intent] : []), ...(p.open ? [p.open.fromGeneration, p.open.toGeneration] : [])]);

/** Puts the picture of a workload together. Pure, so that a preview of many workloads is made by the same rules. */
export function assembleWorkload(p: WorkloadParts, nowMs: number): LoadedWorkload {
  const { object, units, goal, open, manifests, policy, nodes } = p;
  const intent = intentOf(goal, manifests);
  const shape = (m: WorkloadManifest): Shape => shapeOf(object.name, { ...(intent ?? m).spec, template: m.spec.template }, policy, p.network);
  const revisions = new Map<number, RevisionShape>();
  for (const [generation, r] of manifests) revisions.set(generation, { generation, digest: r.digest, templateDigest: r.key, shape: shape(r.manifest) });
  const goalShape = goal ? (revisions.get(goal.generation) ?? null) : null;
  const [from, to] = open ? [revisions.get(open.fromGeneration), revisions.get(open.toGeneration)] : [];
  const askShape = goalShape && from && to ? { ...goalShape.shape, demand: largerOf(from.shape.demand, to.shape.demand) } : (goalShape?.shape ?? null);

  const goalManifest = goal ? manifests.get(goal.generation)?.manifest : undefined;
  const spec = intent && goalManifest ? { ...intent.spec, template: goalManifest.spec.template } : null;
  const lostAfter = spec?.disconnect.lostAfter ?? "never";
  const reserved = p.held.filter((h) => h.workloadId === object.id);
  const snapshot: WorkloadSnapshot = {
    nowMs,
    workloadId: object.id,
    name: object.name,
    kind: spec?.kind ?? "service",
    removed: object.removed,
    replicas: spec?.replicas ?? 0,
    lostAfterMs: lostAfter === "never" ? null : parseDurationMs(lostAfter),
    goal: goalShape,
    revisions,
    rolloutOpen: open !== null,
    askShape,
    units: units.flatMap((u): OwnUnit[] => {
      const at = nodes.get(u.nodeId);
      return at ? [{ assignmentId: u.id, version: u.version, unit: u.unit, ordinal: u.ordinal, node: at.node, generation: u.generation, desired: u.desired, updatedAtMs: u.updatedAtMs, observed: u.observed, nodeObservedAtMs: at.row.observedAtMs, nodeApplied: at.row.observedGeneration >= at.row.desiredGeneration, on: u.on }] : [];
    }),
    completed: new Set(p.pieces.filter((x) => revisions.get(x.generation)?.templateDigest === goalShape?.templateDigest).map((x) => x.ordinal)),
    fleet: null,
    sets: spec ? rulesOf(spec, policy?.spec ?? null, p.quota?.quota ?? null, reserved) : { ...plainRules, reserved },
    others: null,
  };
  return { snapshot, object, policy: policy && { name: policy.name, digest: policy.digest }, spec, held: p.held, quotaSeen: p.quota?.seen ?? null };
}

/** Everything one pass over a workload may see, but for the fleet. Null when there is no such workload. */
export async function loadWorkload(db: Queryable, workloadId: string, o: { nowMs: number; silentAfterMs: number }): Promise<LoadedWorkload | null> {
  const object = await objects.byId(db, workloadId);
  if (!object || object.kind !== "Workload") return null;
  const units = await schedulerSnapshot.ownUnits(db, workloadId);
  const goal = await loadGoal(db, workloadId);
  const open = await rollouts.openOfWorkload(db, workloadId);
  const manifests = new Map<number, StoredManifest>();
  for (const generation of generationsOf({ units, goal, open })) {
    const r = await objects.revision(db, workloadId, generation);
    const parsed = r && workloadManifest.safeParse(r.manifest);
    if (r && parsed?.success) manifests.set(generation, { manifest: parsed.data, digest: r.digest, key: templateKey(r) });
  }
  const intent = intentOf(goal, manifests);
  const name = intent?.spec.policy;
  const policy = name === undefined ? null : policyFrom(name, await objects.byName(db, object.projectId, "PlacementPolicy", name));
  const nodeRows = await schedulerSnapshot.fleetNodes(db, object.projectId, [...new Set(units.map((u) => u.nodeId))]);
  const fleetNodes = fleetNodesOf(nodeRows, o);
  const nodes = new Map(nodeRows.map((row, i) => [row.id, { row, node: fleetNodes[i] as FleetNode }]));
  const held = await loadReservations(db, object.projectId);
  const quota = intent?.spec.quota === undefined ? null : await loadQuota(db, object.projectId, intent.spec.quota, held.filter((h) => h.workloadId === workloadId));
  const network = await loadNetwork(db, object.projectId, policy);
  const pieces = intent?.spec.kind === "batch" ? await schedulerSnapshot.completedPieces(db, workloadId) : [];
  return withRepair(assembleWorkload({ object, units, goal, open, manifests, policy, nodes, held, quota, pieces, network }, o.nowMs), await repairs.open(db, object.projectId));
}

/** A policy as stored. One that is named and not there lets nothing be placed: a missing rule is not a free hand. */
export function policyFrom(name: string, object: Pick<objects.StoredObject, "digest" | "spec"> | null | undefined): BoundPolicy {
  const parsed = object ? placementPolicySpec.safeParse(object.spec) : null;
  if (object && parsed?.success) return { name, digest: object.digest, spec: parsed.data };
  return { name, digest: "", spec: placementPolicySpec.parse({ require: [{ rule: "false", because: `Policy ${name} is not there.` }] }) };
}

/** Whether a policy weighs how far clients are: others place alike in any network. */
export const weighsLatency = (policy: Pick<BoundPolicy, "spec"> | null): boolean => policy?.spec.prefer.some((p) => p.by === "latency") ?? false;

/** Sites and links of a project for a policy that weighs them. */
export async function loadNetwork(db: Queryable, projectId: string, policy: Pick<BoundPolicy, "spec"> | null): Promise<Network> {
  if (!weighsLatency(policy)) return nowhere;
  return networkOf((await sites.all(db, projectId)).map((s) => s.name), await sites.links(db, projectId));
}

/** Artifacts whose holders a shape's preferences ask about. */
export function warmFor(shape: Shape | null): readonly string[] {
  return shape?.prefer.some((p) => p.by === "warm") ? shape.artifacts : [];
}

