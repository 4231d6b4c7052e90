import type { Sha256Hex } from "../base/json";
import { isThresholds, type AnalysisMetric, type AnalysisTemplateSpec, type SequentialTemplate } from "../manifest/analysis";
import { argoVerdict, flaggerVerdict, kayentaVerdict, withoutSource, type MetricSeries } from "./compat/verdicts";
import { judge, type Evidence, type Verdict } from "./judge";
import { judgeSequential } from "./sequential/judge";
import { defaultSequentialSettings } from "./sequential/settings";
import type { SequentialInput, SequentialSettings, SequentialVerdict } from "./sequential/types";

/** Everything a template is judged by: plain data, so that its canonical JSON identifies the evidence. */
export interface TemplateEvidence {
  canaryGeneration: number;
  stableGeneration: number;
  wave: string;
  fromMs: number;
  toMs: number;
  /** True when no more evidence will be waited for. */
  deadlinePassed: boolean;
  silentTargets: number;
  /** For `thresholds`: by measured metric; one that is absent was not measured at all. */
  measured: readonly (readonly [AnalysisMetric["metric"], Evidence])[];
  /** For `kayenta`, `argo` and `flagger`: values over time by the template's metric. */
  series: readonly MetricSeries[];
  /** For `sequential`: evidence by site and minute. */
  minutes: Omit<SequentialInput, "settings" | "deadlinePassed"> | null;
}

export interface TemplateVerdict extends Verdict {
  judge: "thresholds" | "sequential" | "kayenta" | "argo" | "flagger";
  /** What the anytime-valid judge says beyond the sentence; null for the others. */
  sequential: SequentialVerdict | null;
  /** Sites to which the cause is traced; only the anytime-valid judge names any. */
  guilty: readonly string[];
}

/** What was measured arrives a little later: judges that take a gap for a fault look at nothing younger than this. */
const SETTLE_MS = 30_000;

/** Judges a canary by a template of any kind. */
export function judgeTemplate(template: AnalysisTemplateSpec, e: TemplateEvidence, sha256: Sha256Hex): TemplateVerdict {
  if (isThresholds(template)) return { ...judge({ ...e, template, evidence: new Map(e.measured) }), judge: "thresholds", sequential: null, guilty: [] };
  if (template.judge === "sequential") return sequentialVerdict(template, e, sha256);
  const settled = { ...e, toMs: Math.max(e.fromMs, e.toMs - SETTLE_MS) };
  const verdict = withoutSource(e) ?? (template.judge === "kayenta" ? kayentaVerdict(template, settled) : template.judge === "argo" ? argoVerdict(template, settled) : flaggerVerdict(template, settled));
  return { ...verdict, toMs: e.toMs, judge: template.judge, sequential: null, guilty: [] };
}

/** The anytime-valid judge's settings of a template: its own over the defaults. */
export function sequentialSettings(t: SequentialTemplate): SequentialSettings {
  const d = defaultSequentialSettings;
  return {
    ...d,
    alpha: t.alpha ?? d.alpha,
    promoteThreshold: t.promoteThreshold ?? d.promoteThreshold,
    siteLevel: t.siteLevel ?? d.siteLevel,
    roles: { ...d.roles, ...given(t.roles) },
    weights: { ...d.weights, ...given(t.weights) },
    margins: { ...d.margins, ...t.margins },
    promoteMargins: { ...d.promoteMargins, ...t.promoteMargins },
    coverage: { ...d.coverage, ...given(t.coverage) },
    latencyDirection: t.latencyDirection ?? d.latencyDirection,
  };
}

/** Members that have a value. */
const given = <T extends object>(o: T | undefined): { [K in keyof T]: Exclude<T[K], undefined> } => Object.fromEntries(Object.entries(o ?? {}).filter(([, v]) => v !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };

function sequentialVerdict(template: SequentialTemplate, e: TemplateEvidence, sha256: Sha256Hex): TemplateVerdict {
  const minute = (ms: number): number => Math.floor(ms / 60_000);
  const minutes = e.minutes ?? { sites: [], from: minute(e.fromMs), to: minute(e.toMs), minutes: [] };
  const v = judgeSequential({ ...minutes, settings: sequentialSettings(template), deadlinePassed: e.deadlinePassed }, sha256);
  return { verdict: v.verdict, sentence: v.sentence, fromMs: e.fromMs, toMs: e.toMs, atMs: e.toMs, silentTargets: e.silentTargets, metrics: [], judge: "sequential", sequential: v, guilty: v.guilty };
}
