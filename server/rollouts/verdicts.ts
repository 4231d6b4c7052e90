import { gzipSync } from "node:zlib";
import { judgeTemplate, type TemplateEvidence, type TemplateVerdict } from "../core/analysis";
import { parseDurationMs } from "../core/base/duration";
import { canonicalJson } from "../core/base/json";
import { isThresholds, type AnalysisTemplateSpec } from "../core/manifest/analysis";
import type { Target } from "../core/rollout";
import { projects, rolloutControl, rollouts, type Tx } from "../store";
import { gatherEvidence, gatherMinutes, gatherSeries, querySeries, type EvidenceUnit } from "../telemetry";
import { sha256 } from "./build-plan";
import type { RolloutDeps } from "./deps";
import { targetsFrom } from "./facts";
import { phaseOf } from "./views";

/** A verdict and the inputs it was made from, by digest. */
export interface JudgedVerdict {
  verdict: TemplateVerdict;
  template: string;
  bundle: { digest: string; body: string };
}
/** Verdicts of the steps that waves are in, by wave, and of the background template. */
export interface Judged {
  steps: readonly (JudgedVerdict | null)[];
  background: JudgedVerdict | null;
}

/** The verdict that screens show: of a step before the background's. */
export const newestVerdict = (j: Judged): rollouts.KeptVerdict | null => {
  const v = j.steps.find((x) => x !== null) ?? j.background;
  return v ? { ...v.verdict, template: v.template, bundleDigest: v.bundle.digest } : null;
};

/** Verdicts by what they were made from: evidence by the minute is not judged anew within the minute. */
export class VerdictMemory {
  private readonly known = new Map<string, { key: string; verdict: JudgedVerdict }>();
  async recall(slot: string, key: string, make: () => Promise<JudgedVerdict>): Promise<JudgedVerdict> {
    const last = this.known.get(slot);
    if (last?.key === key) return last.verdict;
    const verdict = await make();
    this.known.delete(slot);
    this.known.set(slot, { key, verdict });
    // The oldest go first: a scheduler looks at few rollouts at a time.
    for (const old of this.known.keys()) if (this.known.size > 64) this.known.delete(old);
    return verdict;
  }
}

interface Ask {
  template: string;
  wave: string;
  sinceMs: number;
  deadlinePassed: boolean;
  slot: string;
}

/** Verdicts of the present steps and of the background template, from what was measured since they began. */
export async function judgeNow(deps: RolloutDeps, r: rollouts.RolloutRecord, memory: VerdictMemory): Promise<Judged> {
  if (phaseOf(r.phase) === "rollingBack") return { steps: [], background: null };
  const nowMs = deps.clock.nowMs();
  const spec = r.plan.strategy.spec;
  const units = await rollouts.observedUnitsOf(deps.store.read.client, r.workloadId);
  const targets = targetsFrom(units, r.plan, { nowMs, silentAfterMs: deps.silentAfterMs });
  const run = async (ask: Ask): Promise<JudgedVerdict | null> => {
    const template = r.plan.templates[ask.template]?.spec;
    if (!template) return null;
    const make = async (): Promise<JudgedVerdict> => judged(ask.template, template, await evidenceFor(deps, r, template, ask, units, targets, nowMs));
    if (isThresholds(template)) return make();
    const back = r.progress.sitesBack.map((b) => b.site).join();
    const asked = targets.filter((t) => t.desiredGeneration === r.toGeneration).length;
    return memory.recall(`${r.id} ${ask.slot}`, `${Math.floor((nowMs - 20_000) / 60_000)} ${ask.sinceMs} ${ask.deadlinePassed} ${asked} ${targets.filter((t) => t.silent).length} ${back} ${r.planDigest}`, make);
  };
  const steps: (JudgedVerdict | null)[] = [];
  for (const [w, wave] of spec.waves.entries()) {
    const at = r.progress.waves[w];
    const step = wave.steps[at?.step ?? 0];
    if (step?.do !== "analysis" || !at || at.startedAtMs === null) steps.push(null);
    else steps.push(await run({ template: step.template, wave: wave.name, sinceMs: at.startedAtMs, deadlinePassed: nowMs - at.startedAtMs >= (parseDurationMs(step.deadline) ?? 0), slot: `${w}` }));
  }
  const updated = targets.some((t) => t.desiredGeneration === r.toGeneration);
  const front = spec.waves[r.waveIndex]?.name ?? spec.waves.at(-1)?.name ?? "";
  const background = spec.analysis !== undefined && updated ? await run({ template: spec.analysis, wave: front, sinceMs: r.createdAtMs, deadlinePassed: false, slot: "background" }) : null;
  return { steps, background };
}

/** Everything that a template is judged by, as it is known now. Sites that were sent back are no part of it. */
async function evidenceFor(deps: RolloutDeps, r: rollouts.RolloutRecord, template: AnalysisTemplateSpec, ask: Ask, units: readonly rollouts.ObservedUnit[], targets: readonly Target[], nowMs: number): Promise<TemplateEvidence> {
  const q = deps.store.read.client;
  const window = "window" in template ? (parseDurationMs(template.window) ?? 0) : Infinity;
  // The anytime-valid judge adds up: its evidence begins with the step and is never forgotten.
  const fromMs = template.judge === "sequential" ? ask.sinceMs : Math.max(ask.sinceMs, window === Infinity ? 0 : nowMs - window);
  const back = new Set(r.progress.sitesBack.map((b) => b.site));
  const span = { workloadId: r.workloadId, canary: r.toGeneration, stable: r.fromGeneration, fromMs, toMs: nowMs };
  const common = { canaryGeneration: r.toGeneration, stableGeneration: r.fromGeneration, wave: ask.wave, fromMs, toMs: nowMs, deadlinePassed: ask.deadlinePassed, silentTargets: targets.filter((t) => t.silent).length, measured: [], series: [], minutes: null };
  if (isThresholds(template)) return { ...common, measured: [...(await gatherEvidence(q, { ...span, metrics: template.metrics.map((m) => m.metric) }))] };
  if (template.judge === "sequential") return { ...common, minutes: await gatherMinutes(q, { ...span, startedAtMs: r.createdAtMs, silentAfterMs: deps.silentAfterMs, units: evidenceUnits(r, units, targets).filter((u) => !back.has(u.site)) }) };
  const setting = async (name: string): Promise<string | null> => (await deps.openSecret?.(r.projectId, name)) ?? null;
  const stepMs = template.judge === "kayenta" ? (parseDurationMs(template.step) ?? 60_000) : 60_000;
  const queried = await querySeries(setting, template.metrics, { ...span, workload: r.workload, project: await projects.nameOf(q, r.projectId), args: template.args, stepMs });
  return { ...common, series: [...(await gatherSeries(q, span, template.metrics)), ...queried] };
}

/** Units with the moment from which each is expected on the new revision. One that was out of reach when it was asked says nothing of it. */
function evidenceUnits(r: rollouts.RolloutRecord, units: readonly rollouts.ObservedUnit[], targets: readonly Target[]): EvidenceUnit[] {
  const byId = new Map(targets.map((t) => [t.assignmentId, t]));
  return units.flatMap((u): EvidenceUnit[] => {
    const t = byId.get(u.assignmentId);
    if (!t || t.excluded) return [];
    const unit = { assignmentId: u.assignmentId, nodeId: u.nodeId, site: u.site };
    if (u.generation !== r.toGeneration) return [{ ...unit, canarySinceMs: null }];
    if (u.observed?.generation === r.toGeneration) return [{ ...unit, canarySinceMs: Math.max(u.updatedAtMs, Math.min(u.observed.sinceMs, u.observed.observedAtMs)) }];
    return t.aliveWhenAsked ? [{ ...unit, canarySinceMs: u.updatedAtMs }] : [];
  });
}

/** Judges, and makes the bundle by which anybody can judge again: template and evidence as canonical JSON. */
function judged(name: string, template: AnalysisTemplateSpec, evidence: TemplateEvidence): JudgedVerdict {
  const verdict = judgeTemplate(template, evidence, sha256);
  const body = canonicalJson({ judge: verdict.judge, template, evidence });
  return { verdict, template: name, bundle: { digest: `sha256:${sha256(body)}`, body } };
}

/** Keeps a verdict that decided something, and its inputs once by digest. */
export async function keepDeciding(tx: Tx, r: rollouts.RolloutRecord, wave: string | null, j: JudgedVerdict, nowMs: number): Promise<void> {
  await rolloutControl.keepBundle(tx.client, { projectId: r.projectId, digest: j.bundle.digest, body: gzipSync(j.bundle.body), nowMs });
  await rolloutControl.keepVerdict(tx.client, r.projectId, r.id, { wave, template: j.template, verdict: j.verdict.verdict, sentence: j.verdict.sentence, bundleDigest: j.bundle.digest, atMs: nowMs });
}
