import { livenessOf, serves, unitStateOf, type StateView } from "../core/fleet";
import { selectorSubject, type SelectorSubject } from "../core/selector";
import { doubtOf, type RolloutPlan, type Served, type Target } from "../core/rollout";
import { rolloutControl, type assignments, type Queryable, type rollouts } from "../store";

type UnitFactsRow = rollouts.UnitFactsRow;
type ObservedUnit = rollouts.ObservedUnit;
type Contact = { nowMs: number; silentAfterMs: number };

const text = (v: unknown): string => (typeof v === "string" ? v : "");
const record = (v: unknown): Record<string, unknown> => (typeof v === "object" && v !== null ? (v as Record<string, unknown>) : {});

/** A unit's node and site as selectors see them. */
export function subjectOf(u: UnitFactsRow): SelectorSubject {
  const facts = record(u.nodeFacts);
  const uplink = record(u.siteSpec["uplink"]);
  const devices = Array.isArray(facts["devices"]) ? facts["devices"].map(record) : [];
  const engines = Array.isArray(facts["engines"]) ? facts["engines"].map((e) => text(record(e)["type"])) : [];
  return selectorSubject(
    { name: u.site, title: u.siteTitle, kind: u.siteKind, jurisdiction: u.jurisdiction, uplink: text(uplink["class"]), metered: uplink["metered"] === true, place: text(record(u.siteSpec["location"])["place"]), timeZone: u.timeZone, labels: u.siteLabels },
    {
      name: u.node, labels: u.nodeLabels, arch: text(facts["arch"]), os: text(facts["os"]), cpuMillis: u.cpuMillis, memoryMiB: u.memoryBytes / 2 ** 20, diskMiB: u.diskBytes / 2 ** 20, trustTier: u.trustTier, engines,
      devices: devices.map((d) => ({ vendor: text(d["vendor"]), model: text(d["model"]), memoryMiB: Number(d["memoryMiB"] ?? 0) })),
    },
  );
}

const liveness = (u: ObservedUnit, at: Contact) => livenessOf({ connected: u.connected, lastSeenMs: u.lastSeenMs, nowMs: at.nowMs, silentAfterMs: at.silentAfterMs });

/** Wave of each unit by name. Units that came after the plan was made belong to the last wave. */
export function waveOf(plan: RolloutPlan): (unit: string) => number {
  const waves = new Map(plan.waves.flatMap((w, i) => w.targets.map((t) => [t.unit, i] as const)));
  return (unit) => waves.get(unit) ?? Math.max(0, plan.waves.length - 1);
}

type Trial = Awaited<ReturnType<typeof assignments.trialsOfRollout>>[number];
/** The dead-man switch of a unit. Only what its agent says of this very trial counts: of an older deadline it may speak still. */
const trialOf = (t: Trial | undefined): Target["trial"] => (t ? { returnAtMs: t.trial.returnAtMs, returned: t.said?.state === "returned" && t.said.rollout === t.trial.rollout && t.said.returnAtMs === t.trial.returnAtMs } : null);

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** So long after a claim requests may still come from the revision before: they drain. */
const DRAIN_MS = 2 * MINUTE_MS;
const LOOKED_AT = 5;
const BUSY = 20;

/** What is known of units apart from what their agents say of themselves: requests answered, how often a node fell silent. */
export interface KnownFacts {
  digests: ReadonlyMap<number, string>;
  flaps: ReadonlyMap<string, { times: number; backMs: number }>;
  served(u: ObservedUnit): Served | null;
}

/** Reads what agents' words are held against: requests of the last whole minutes by unit and revision. */
export async function knownFacts(q: Queryable, r: Pick<rollouts.RolloutRecord, "workloadId" | "plan">, units: readonly ObservedUnit[], nowMs: number): Promise<KnownFacts> {
  // A minute's counts are all in some seconds after its end.
  const to = Math.floor((nowMs - 20_000) / MINUTE_MS) * MINUTE_MS;
  const from = to - LOOKED_AT * MINUTE_MS;
  const [rows, flaps] = await Promise.all([rolloutControl.servedByUnit(q, r.workloadId, from, to), rolloutControl.flapsByNode(q, r.workloadId, nowMs - HOUR_MS)]);
  const byUnit = new Map<string, typeof rows>();
  for (const row of rows) byUnit.set(row.assignmentId, [...(byUnit.get(row.assignmentId) ?? []), row]);
  const busyAt = new Map<string, number>();
  for (const u of units) {
    const minutes = new Set((byUnit.get(u.assignmentId) ?? []).filter((x) => x.requests >= BUSY).map((x) => x.minuteMs));
    if (minutes.size === LOOKED_AT) busyAt.set(u.site, (busyAt.get(u.site) ?? 0) + 1);
  }
  return {
    digests: new Map([[r.plan.from.generation, r.plan.from.digest], [r.plan.to.generation, r.plan.to.digest]]),
    flaps,
    served: (u) => {
      if (u.observed === null) return null;
      const first = Math.max(from, Math.ceil((Math.max(u.observed.sinceMs, u.updatedAtMs) + DRAIN_MS) / MINUTE_MS) * MINUTE_MS);
      const byGeneration: Record<number, number> = {};
      for (const x of byUnit.get(u.assignmentId) ?? []) if (x.minuteMs >= first) byGeneration[x.generation] = (byGeneration[x.generation] ?? 0) + x.requests;
      return { minutes: Math.max(0, (to - first) / MINUTE_MS), byGeneration, busyNeighbours: busyAt.get(u.site) ?? 0 };
    },
  };
}

/** Time zones of the sites of some units. */
export const zonesOf = (units: readonly rollouts.SitedUnit[]): Record<string, string> => Object.fromEntries(units.map((u) => [u.site, u.timeZone]));

/** The units of a rollout as its planner sees them: asked for, observed, in trouble or silent. */
export function targetsFrom(units: readonly ObservedUnit[], plan: RolloutPlan, at: Contact, trials?: ReadonlyMap<string, Trial>, known?: KnownFacts): Target[] {
  const wave = waveOf(plan);
  const excluded = new Set((plan.excluded ?? []).map((t) => t.unit));
  return units.map((u) => {
    const other = u.incoming && u.incoming.generation === u.generation ? u.incoming : u.observed && u.observed.generation === u.generation ? u.observed : null;
    const trouble = other && (other.health === "unhealthy" || other.phase === "backoff" || other.phase === "failed") ? other.message || `${other.phase} after ${other.restarts} restarts` : null;
    const said = trials?.get(u.assignmentId)?.said;
    const refused = said?.state === "refused" ? `the node refused the switch: ${said.refusal?.message ?? "the previous revision can't be made ready"}` : null;
    return {
      unit: u.unit, assignmentId: u.assignmentId, node: u.node, site: u.site, wave: wave(u.unit), desiredGeneration: u.generation, observedGeneration: u.observed?.generation ?? null,
      healthy: u.observed !== null && serves(u.observed.phase, u.observed.health), trouble: trouble ?? refused, silent: liveness(u, at).contact !== "live", askedAtMs: u.updatedAtMs, lastSeenMs: u.lastSeenMs, excluded: excluded.has(u.unit),
      // Heard since it was asked, or so shortly before that it counted as live.
      aliveWhenAsked: u.lastSeenMs !== null && u.lastSeenMs >= u.updatedAtMs - at.silentAfterMs, trial: trialOf(trials?.get(u.assignmentId)),
      flaps: known?.flaps.get(u.nodeId)?.times ?? 0,
      backSinceMs: known?.flaps.get(u.nodeId)?.backMs ?? 0,
      doubt: u.observed === null || !known ? null : doubtOf({ generation: u.observed.generation, digest: u.observed.digest, healthy: serves(u.observed.phase, u.observed.health), sinceMs: u.observed.sinceMs }, known.digests, known.served(u)),
    };
  });
}

/** A unit's state for screens. */
export function stateOf(u: ObservedUnit, at: Contact): StateView {
  return unitStateOf({ desired: "run", generation: u.generation, sinceMs: u.updatedAtMs, observed: u.observed, incoming: u.incoming, liveness: liveness(u, at), nowMs: at.nowMs });
}
