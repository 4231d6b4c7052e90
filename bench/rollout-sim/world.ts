/** A fleet in simulation under the real planner: who is silent, who flaps, who lies, and what the controller makes of each. */
import { rolloutStrategySpec } from "../../server/core/manifest/rollout";
import { classOf, doubtOf, isFinal, nextPhase, noProgress, planRollout, type RolloutPhase, type RolloutPlan, type RolloutProgress, type RolloutSnapshot, type Served, type Target, type TargetClass } from "../../server/core/rollout";

/** What an agent does. `absent`: silent from the beginning; `vanishes`: falls silent after the update; the last four lie. */
export const behaviours = ["honest", "absent", "vanishes", "flaps", "wrongDigest", "otherRevision", "deadUnit", "replays"] as const;
export type Behaviour = (typeof behaviours)[number];

/**
 * What the controller has to make of each in the end. Whoever replays old reports is refused at the door, where each report
 * has its number: nothing new is heard of it, so it vanished after the update.
 */
export const rightClass: Record<Behaviour, TargetClass> = { honest: "updated", absent: "silent", vanishes: "lost", flaps: "flapping", wrongDigest: "contradicted", otherRevision: "contradicted", deadUnit: "contradicted", replays: "lost" };

interface Agent {
  behaviour: Behaviour;
  site: number;
  generation: number;
  /** When it was asked for what it does now, and when it will have done it. */
  doneAtMs: number;
  claimedSinceMs: number;
  lastSeenMs: number;
  /** Report number that the gateway took last, and that of the report that comes. */
  taken: number;
  number: number;
  spells: number[];
  /** When the gateway heard it again after it had counted as silent. */
  backSinceMs: number;
  silent: boolean;
}

export interface SimOptions {
  agents: number;
  seed: number;
  /** Shares of all agents. */
  silent: number;
  flapping: number;
  lying: number;
}
export interface SimResult {
  phase: RolloutPhase;
  reason: string;
  agents: number;
  simulatedMinutes: number;
  passes: number;
  /** Time of the planner and of making its snapshots, per pass and target. */
  plannerUsPerTargetPass: number;
  plannerMs: number;
  heapPeakMiB: number;
  heapBytesPerTarget: number;
  /** How many of each behaviour got which class. */
  classes: Record<Behaviour, Partial<Record<TargetClass, number>>>;
  wrong: number;
}

const TICK_MS = 20_000;
const SILENT_AFTER_MS = 45_000;
const MINUTE_MS = 60_000;
const SITE_SIZE = 50;
const DIGEST: ReadonlyMap<number, string> = new Map([[1, "sha256:one"], [2, "sha256:two"]]);

function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Exactly the shares asked for, spread over the fleet by the seed. */
function cast(o: SimOptions, next: () => number): Behaviour[] {
  const out: Behaviour[] = Array.from({ length: o.agents }, () => "honest");
  const order = Array.from({ length: o.agents }, (_, i) => i);
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  const silent = Math.round(o.agents * o.silent);
  const lying = Math.round(o.agents * o.lying);
  const liars = ["wrongDigest", "otherRevision", "deadUnit", "replays"] as const;
  const roles: Behaviour[] = [...Array.from({ length: silent }, (_, i) => (i % 2 === 0 ? "absent" : "vanishes") as Behaviour), ...Array.from({ length: Math.round(o.agents * o.flapping) }, () => "flaps" as const), ...Array.from({ length: lying }, (_, i) => liars[i % 4] ?? "replays")];
  roles.forEach((role, i) => (out[order[i] ?? 0] = role));
  return out;
}

/** The strategy of the simulation: three waves of 1, 10 and the rest; limits grow with the fleet, so that work per target can be compared. */
function planFor(agents: number): RolloutPlan {
  const spec = rolloutStrategySpec.parse({
    waves: [
      { name: "canary", selector: "true", offline: "skip", steps: [{ do: "update", percent: 100 }, { do: "pause", for: "10m" }] },
      { name: "tenth", selector: "true", offline: "skip", steps: [{ do: "update", percent: 100 }, { do: "pause", for: "10m" }] },
      { name: "rest", offline: "skip", steps: [{ do: "update", percent: 30 }, { do: "pause", for: "5m" }, { do: "update", percent: 100 }, { do: "pause", for: "15m" }] },
    ],
    maxUnavailable: Math.max(1, Math.ceil(agents / 20)), healthTimeout: "5m", silenceDeadline: "5m", maxSilent: { percent: 10 }, deadMan: { deadline: "30m" },
  });
  const targets = Array.from({ length: agents }, (_, i) => ({ unit: `u-${String(i).padStart(6, "0")}`, node: `n-${i}`, site: `site-${Math.floor(i / SITE_SIZE)}` }));
  // Every hundredth is a canary, every tenth in the second wave.
  const wave = (i: number): number => (i % 100 === 0 ? 0 : i % 10 === 1 ? 1 : 2);
  return {
    workload: "sim", from: { generation: 1, digest: DIGEST.get(1) ?? "" }, to: { generation: 2, digest: DIGEST.get(2) ?? "" }, artifacts: [], policy: null, strategy: { name: "sim", digest: "sha256:s", spec }, templates: {},
    waves: spec.waves.map((w, k) => ({ name: w.name, targets: targets.filter((_, i) => wave(i) === k) })), window: { fromMs: 0, toMs: 1e12 },
  };
}

/** What an agent's report says, and what others saw of it. */
function claimOf(a: Agent): { generation: number; digest: string; healthy: boolean } {
  const done = a.generation;
  if (a.behaviour === "wrongDigest" && done === 2) return { generation: 2, digest: "sha256:something-else", healthy: true };
  return { generation: done, digest: DIGEST.get(done) ?? "", healthy: true };
}
function servedOf(a: Agent, nowMs: number): Served {
  const minutes = Math.max(0, Math.min(5, Math.floor((nowMs - a.claimedSinceMs - 2 * MINUTE_MS) / MINUTE_MS)));
  const requests = minutes * 30;
  const by = a.behaviour === "deadUnit" && a.generation === 2 ? {} : a.behaviour === "otherRevision" && a.generation === 2 ? { 1: requests } : { [a.generation]: requests };
  return { minutes, byGeneration: by, busyNeighbours: SITE_SIZE / 2 };
}

function live(a: Agent, askedAtMs: number, desired: number, nowMs: number, next: () => number): void {
  if (a.behaviour === "absent") a.silent = true;
  else if (a.behaviour === "vanishes" && a.generation === 2) a.silent = true;
  else if (a.behaviour === "flaps") {
    const was = a.silent;
    a.silent = a.silent ? next() < 0.7 : next() < 0.08;
    if (a.silent && !was) a.spells.push(nowMs);
  }
  if (desired !== a.generation && !a.silent) {
    if (a.doneAtMs < askedAtMs) a.doneAtMs = Math.max(askedAtMs, nowMs) + 20_000 + next() * 60_000;
    else if (nowMs >= a.doneAtMs) Object.assign(a, { generation: desired, claimedSinceMs: nowMs });
  }
  if (a.silent) return;
  // Whoever replays sends the report from before the update again and again; the gateway takes each number once.
  if (!(a.behaviour === "replays" && a.generation === 2)) a.number++;
  if (a.number <= a.taken) return;
  if (nowMs - a.lastSeenMs >= SILENT_AFTER_MS) a.backSinceMs = nowMs;
  Object.assign(a, { taken: a.number, lastSeenMs: nowMs });
}

/** Plays one rollout to its end and classifies every target. */
export function simulateRollout(o: SimOptions): SimResult {
  const next = random(o.seed);
  const plan = planFor(o.agents);
  const roles = cast(o, next);
  const agents: Agent[] = roles.map((behaviour, i) => ({ behaviour, site: Math.floor(i / SITE_SIZE), generation: 1, doneAtMs: -1, claimedSinceMs: 0, lastSeenMs: behaviour === "absent" ? -86_400_000 : 0, taken: 0, number: 0, spells: [], backSinceMs: 0, silent: false }));
  const index = new Map(plan.waves.flatMap((w) => w.targets.map((t) => [t.unit, Number(t.node.slice(2))] as const)));
  const waveOf = new Map(plan.waves.flatMap((w, k) => w.targets.map((t) => [t.unit, k] as const)));
  const desired = plan.waves.flatMap((w) => w.targets).map((t) => ({ t, i: index.get(t.unit) ?? 0, wave: waveOf.get(t.unit) ?? 0, generation: 1, askedAtMs: 0, returnAtMs: null as number | null }));
  const byAssignment = new Map(desired.map((d) => [`a-${d.t.unit}`, d]));
  let progress: RolloutProgress = { waves: noProgress(plan.strategy.spec), sitesBack: [], accepted: [], held: null, evidence: null };
  let phase: RolloutPhase = "running";
  let reason = "";
  let nowMs = 0;
  let passes = 0;
  let plannerMs = 0;
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  let heapPeak = heapBefore;
  const snapshot = (): RolloutSnapshot => ({ nowMs, phase, progress, plan, planDigest: "d", targets: desired.map((d) => targetOf(d, agents[d.i] as Agent, nowMs)), gates: [], stepVerdicts: [], backgroundVerdict: null, frozen: { project: null, sites: {} }, zones: {}, breakGlass: false });
  for (; !isFinal(phase) && nowMs < 48 * 3_600_000; nowMs += TICK_MS) {
    for (const d of desired) live(agents[d.i] as Agent, d.askedAtMs, d.generation, nowMs, next);
    const from = performance.now();
    const decision = planRollout(snapshot());
    plannerMs += performance.now() - from;
    passes++;
    if (passes % 10 === 0) heapPeak = Math.max(heapPeak, process.memoryUsage().heapUsed);
    for (const a of decision.actions) {
      if (a.do === "setGeneration") Object.assign(byAssignment.get(a.assignmentId) ?? {}, { generation: a.generation, askedAtMs: nowMs, returnAtMs: a.returnAtMs });
      else if (a.do === "setTrial") Object.assign(byAssignment.get(a.assignmentId) ?? {}, { returnAtMs: a.returnAtMs });
      else if (a.do === "goTo") progress = { ...progress, waves: progress.waves.map((w, i) => (i === a.wave ? { step: a.step, startedAtMs: nowMs } : w)) };
      else if (a.do === "transition") {
        phase = nextPhase(phase, a.command) ?? phase;
        reason = reason === "" || a.command === "fail" ? a.reason : `${reason} ${a.reason}`;
        if (phase === "holding") return result(o, { phase, reason, nowMs, passes, plannerMs, heapBefore, heapPeak }, snapshot(), agents, desired);
      }
    }
  }
  return result(o, { phase, reason, nowMs, passes, plannerMs, heapBefore, heapPeak }, snapshot(), agents, desired);
}

type Desired = { t: { unit: string; node: string; site: string }; i: number; wave: number; generation: number; askedAtMs: number; returnAtMs: number | null };

function targetOf(d: Desired, a: Agent, nowMs: number): Target {
  const claim = claimOf(a);
  const silent = nowMs - a.lastSeenMs >= SILENT_AFTER_MS;
  const hourAgo = nowMs - 3_600_000;
  return {
    unit: d.t.unit, assignmentId: `a-${d.t.unit}`, node: d.t.node, site: d.t.site, wave: d.wave, desiredGeneration: d.generation, observedGeneration: claim.generation, healthy: claim.healthy, trouble: null, silent, askedAtMs: d.askedAtMs, lastSeenMs: a.lastSeenMs,
    aliveWhenAsked: a.lastSeenMs >= d.askedAtMs - SILENT_AFTER_MS, trial: d.returnAtMs === null ? null : { returnAtMs: d.returnAtMs, returned: false },
    doubt: silent ? null : doubtOf({ ...claim, sinceMs: a.claimedSinceMs }, DIGEST, servedOf(a, nowMs)), flaps: a.spells.filter((x) => x >= hourAgo).length, backSinceMs: a.backSinceMs,
  };
}

function result(o: SimOptions, run: { phase: RolloutPhase; reason: string; nowMs: number; passes: number; plannerMs: number; heapBefore: number; heapPeak: number }, s: RolloutSnapshot, agents: readonly Agent[], desired: readonly Desired[]): SimResult {
  const classes = Object.fromEntries(behaviours.map((b) => [b, {}])) as SimResult["classes"];
  let wrong = 0;
  for (const [k, t] of s.targets.entries()) {
    const behaviour = agents[desired[k]?.i ?? 0]?.behaviour ?? "honest";
    const found = classOf(s, t);
    classes[behaviour][found] = (classes[behaviour][found] ?? 0) + 1;
    if (found !== rightClass[behaviour]) wrong++;
  }
  return {
    phase: run.phase, reason: run.reason, agents: o.agents, simulatedMinutes: Math.round(run.nowMs / MINUTE_MS), passes: run.passes, plannerMs: run.plannerMs, plannerUsPerTargetPass: (run.plannerMs * 1_000) / run.passes / o.agents,
    heapPeakMiB: run.heapPeak / 2 ** 20, heapBytesPerTarget: Math.max(0, run.heapPeak - run.heapBefore) / o.agents, classes, wrong,
  };
}
