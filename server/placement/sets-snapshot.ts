import { parseDurationMs } from "../core/base/duration";
import { quotaSpec } from "../core/manifest/quota";
import type { WorkloadSpec } from "../core/manifest/workload";
import type { PlacementPolicySpec } from "../core/manifest/placement-policy";
import { amountsOf, plus, quotaFactsOf, sliceName, usageOf, wantedMix, weighsWaste } from "../core/placement";
import type { Amounts, Demand, FleetSnapshot, Held, Others, QuotaFacts, SetRules, Shape, SharedOn } from "../core/placement";
import { objects, schedulerSets } from "../store";
import type { DemandColumns, Queryable } from "../store";

/** A unit's columns as placement sees what it takes; `on` is the device that its share is of. */
export const demandOfRow = (r: DemandColumns & { on?: SharedOn | null }): Demand => ({
  cpuMillis: r.cpuMillis, memoryBytes: r.memoryBytes, diskBytes: r.diskBytes,
  devices: r.deviceShare !== null ? { count: 1, model: r.deviceModel, shareMillis: r.deviceShare, ...(r.on ? { on: r.on } : {}) } : r.deviceCount > 0 ? { count: r.deviceCount, model: r.deviceModel } : null,
  ...(r.sliceProfile === null ? {} : { extra: { [sliceName(r.sliceProfile)]: r.sliceCount } }),
});

/** Reserved room of a project. */
export async function loadReservations(db: Queryable, projectId: string): Promise<Held[]> {
  return (await schedulerSets.reservations(db, projectId)).map((r) => ({ workloadId: r.workloadId, workload: r.workload, unit: r.unit, nodeId: r.nodeId, demand: demandOfRow(r), priority: r.priority, cause: r.cause, because: r.because, fromMs: r.fromMs, expiresMs: r.expiresMs }));
}

/** A fleet with what units are wanted, for a shape that weighs what it leaves for them. */
export async function withWanted(db: Queryable, projectId: string, shape: Shape | null, fleet: FleetSnapshot): Promise<FleetSnapshot> {
  if (!weighsWaste(shape)) return fleet;
  return { ...fleet, mix: wantedMix((await schedulerSets.wanted(db, projectId)).map((r) => ({ removed: false, replicas: r.replicas, askShape: { demand: demandOfRow(r) } }))) };
}

/** All quotas of a project; one that was written past admission counts as one that gives nothing. */
export async function loadQuotas(db: Queryable, projectId: string): Promise<QuotaFacts[]> {
  return (await objects.ofKinds(db, projectId, ["Quota"])).map((o) => {
    const parsed = quotaSpec.safeParse(o.spec);
    return quotaFactsOf(o.name, parsed.success ? parsed.data : quotaSpec.parse({}));
  });
}

/** What is used of each quota, by live units and by reservations. */
export async function loadUsage(db: Queryable, projectId: string): Promise<Map<string, Amounts>> {
  return usageOf((await schedulerSets.quotaUsage(db, projectId)).map((r) => ({ quota: r.quota, amounts: amountsOf({ cpuMillis: r.cpuMillis, memoryBytes: r.memoryBytes, diskBytes: r.diskBytes, devices: r.devices > 0 ? { count: r.devices, model: r.model } : null }) })));
}

/** What a manifest and its policy say of a workload's units together. */
export function rulesOf(spec: WorkloadSpec, policy: PlacementPolicySpec | null, quota: SetRules["quota"], reserved: readonly Held[]): SetRules {
  return {
    priority: spec.priority,
    preempts: spec.preemption !== "never",
    minMember: spec.gang?.minMember ?? null,
    takes: spec.duration ? { minMs: parseDurationMs(spec.duration.min) ?? 0, maxMs: parseDurationMs(spec.duration.max) ?? 0 } : null,
    division: policy?.divide ? { by: policy.divide.by, weights: policy.divide.weights ?? {} } : null,
    quota,
    reserved,
  };
}

/** Units of others that could make way for a workload, and how many of each may. */
export async function loadOthers(db: Queryable, projectId: string, workloadId: string, rules: SetRules, nowMs: number): Promise<Others> {
  const rows = await schedulerSets.otherUnits(db, projectId, { workloadId, below: rules.preempts ? rules.priority : -1, quotas: rules.quota ? rules.quota.facts.map((f) => f.name) : [], ending: rules.takes !== null });
  const budgets = await schedulerSets.budgets(db, projectId);
  const gangs = await schedulerSets.gangs(db, projectId);
  const units = rows.map((r) => {
    const min = r.durationMin === null ? null : parseDurationMs(r.durationMin);
    const max = r.durationMax === null ? null : parseDurationMs(r.durationMax);
    // What has run for longer than expected may end at any moment, and nobody knows when: it is not counted on.
    const ends = min === null || max === null || r.startedAtMs + max < nowMs ? { minMs: Infinity, maxMs: Infinity } : { minMs: Math.max(nowMs, r.startedAtMs + min), maxMs: r.startedAtMs + max };
    return { id: r.id, version: r.version, unit: r.unit, workloadId: r.workloadId, workload: r.workload, nodeId: r.nodeId, priority: r.priority, demand: demandOfRow(r), startedAtMs: r.startedAtMs, stopping: r.stopping, quota: r.quota, endsMs: ends };
  });
  return { units, budgets, gangs };
}

/** Quotas with their use, as a workload that counts in one sees them: what it has reserved itself is not in its way. */
export async function loadQuota(db: Queryable, projectId: string, name: string, reserved: readonly Held[]): Promise<{ quota: NonNullable<SetRules["quota"]>; seen: string }> {
  const facts = await loadQuotas(db, projectId);
  const raw = await loadUsage(db, projectId);
  const own = reserved.filter((h) => h.cause === "preempt").reduce<Amounts>((sum, h) => plus(sum, amountsOf(h.demand)), {});
  const used = new Map(raw).set(name, plus(raw.get(name) ?? {}, own, -1));
  return { quota: { name, facts, used }, seen: usageKey(raw) };
}

/** Equal exactly when nothing that counts in a quota has changed. */
export const usageKey = (used: ReadonlyMap<string, Amounts>): string => JSON.stringify([...used].sort(([a], [b]) => (a < b ? -1 : 1)));
