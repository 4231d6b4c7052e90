import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { judge } from "../core/analysis";
import { parseDurationMs } from "../core/base/duration";
import { canonicalJson } from "../core/base/json";
import type { NamedVerdict } from "../core/rollout";
import { isThresholds } from "../core/manifest/analysis";
import { rolloutControl, rollouts, type Tx } from "../store";
import { gatherEvidence } from "../telemetry";
import type { RolloutDeps } from "./deps";
import { targetsFrom } from "./facts";
import { phaseOf } from "./views";

/** A verdict and the inputs it was made from, by digest. */
export interface JudgedVerdict {
  verdict: NamedVerdict;
  template: string;
  bundle: { digest: string; body: string } | null;
}
/** Verdicts of the steps that waves are in, by wave, and of the background template. */
export interface Judged {
  steps: readonly (JudgedVerdict | null)[];
  background: JudgedVerdict | null;
}

/** The verdict that screens show: of a step before the background's. */
export const newestVerdict = (j: Judged): NamedVerdict | null => (j.steps.find((v) => v !== null) ?? j.background)?.verdict ?? null;

/** Verdicts of the present steps and of the background template, from what was measured since they began. */
export async function judgeNow(deps: RolloutDeps, r: rollouts.RolloutRecord): Promise<Judged> {
  if (phaseOf(r.phase) === "rollingBack") return { steps: [], background: null };
  const nowMs = deps.clock.nowMs();
  const spec = r.plan.strategy.spec;
  const units = await rollouts.observedUnitsOf(deps.store.read.client, r.workloadId);
  const targets = targetsFrom(units, r.plan, { nowMs, silentAfterMs: deps.silentAfterMs });
  const silentTargets = targets.filter((t) => t.silent).length;
  const run = async (name: string, wave: string, sinceMs: number, deadlinePassed: boolean): Promise<JudgedVerdict | null> => {
    const template = r.plan.templates[name]?.spec;
    if (!template || !isThresholds(template)) return null;
    const fromMs = Math.max(sinceMs, nowMs - (parseDurationMs(template.window) ?? 0));
    const evidence = await gatherEvidence(deps.store.read.client, { workloadId: r.workloadId, canary: r.toGeneration, stable: r.fromGeneration, fromMs, toMs: nowMs, metrics: template.metrics.map((m) => m.metric) });
    const input = { template, evidence, canaryGeneration: r.toGeneration, stableGeneration: r.fromGeneration, wave, fromMs, toMs: nowMs, deadlinePassed, silentTargets };
    const verdict = judge(input);
    const body = canonicalJson({ judge: "thresholds", input: { ...input, evidence: [...evidence] } });
    return { verdict, template: name, bundle: { digest: `sha256:${createHash("sha256").update(body).digest("hex")}`, body } };
  };
  const steps: (JudgedVerdict | null)[] = [];
  for (const [w, wave] of spec.waves.entries()) {
    const at = r.progress.waves[w];
    const step = wave.steps[at?.step ?? 0];
    if (step?.do !== "analysis" || !at || at.startedAtMs === null) steps.push(null);
    else steps.push(await run(step.template, wave.name, at.startedAtMs, nowMs - at.startedAtMs >= (parseDurationMs(step.deadline) ?? 0)));
  }
  const updated = targets.some((t) => t.desiredGeneration === r.toGeneration);
  const front = spec.waves[r.waveIndex]?.name ?? spec.waves.at(-1)?.name ?? "";
  const background = spec.analysis !== undefined && updated ? await run(spec.analysis, front, r.createdAtMs, false) : null;
  return { steps, background };
}

/** Keeps a verdict that decided something, and its inputs once by digest. */
export async function keepDeciding(tx: Tx, r: rollouts.RolloutRecord, wave: string | null, j: JudgedVerdict, nowMs: number): Promise<void> {
  if (!j.bundle) return;
  await rolloutControl.keepBundle(tx.client, { projectId: r.projectId, digest: j.bundle.digest, body: gzipSync(j.bundle.body), nowMs });
  await rolloutControl.keepVerdict(tx.client, r.projectId, r.id, { wave, template: j.template, verdict: j.verdict.verdict, sentence: j.verdict.sentence, bundleDigest: j.bundle.digest, atMs: nowMs });
}
