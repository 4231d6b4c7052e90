import { gunzipSync } from "node:zlib";
import { createJudge } from "../core/analysis/sequential/process";
import type { SequentialInput, SiteMinute } from "../core/analysis/sequential/types";
import type { TemplateEvidence } from "../core/analysis";
import { sequentialSettings } from "../core/analysis/template";
import type { AnalysisTemplateSpec } from "../core/manifest/analysis";
import { makeVerdict } from "../core/analysis/sequential/verdict";
import type { AnalysisHistory, EvidenceSeries } from "../core/views";
import { rolloutControl, type Queryable } from "../store";

/** So many points a line has at most: more than that no screen shows. */
const POINTS = 90;
const MINUTE_MS = 60_000;
const KEPT = 50;

/** How the evidence of a kept input grew, minute by minute, as the judge would have seen it then. */
export function evidenceSeries(input: SequentialInput): EvidenceSeries[] {
  const judge = createJudge(input.settings, input.sites);
  const byArrival = new Map<number, SiteMinute[]>();
  for (const cell of input.minutes) {
    const at = Math.max(cell.minute, cell.arrived ?? cell.minute);
    if (cell.minute < input.from || at >= input.to) continue;
    byArrival.set(at, [...(byArrival.get(at) ?? []), cell]);
  }
  const every = Math.max(1, Math.ceil((input.to - input.from) / POINTS));
  const lines = new Map<string, EvidenceSeries>();
  for (let minute = input.from; minute < input.to; minute++) {
    judge.minute(minute, byArrival.get(minute) ?? []);
    if ((minute - input.from) % every !== 0 && minute !== input.to - 1) continue;
    const v = makeVerdict(judge, { from: input.from, to: minute + 1, deadlinePassed: false, inputsDigest: "" });
    const all = [{ site: null, kinds: v.kinds }, ...v.sites.map((s) => ({ site: s.site, kinds: s.kinds }))];
    for (const { site, kinds } of all) {
      for (const k of kinds) {
        const key = `${site ?? ""} ${k.kind}`;
        const line = lines.get(key) ?? { kind: k.kind, site, scale: k.effect.scale, points: [] };
        lines.set(key, line);
        line.points.push({ atMs: (minute + 1) * MINUTE_MS, value: k.effect.value, low: k.effect.low, high: k.effect.high, margin: k.margin, against: k.against, notWorse: k.notWorse, canary: k.sample.canary, stable: k.sample.stable });
      }
    }
  }
  return [...lines.values()];
}

/** The verdicts of a rollout that decided something, and how the evidence of one of them (the newest by default) grew. */
export async function analysisHistory(q: Queryable, projectId: string, rolloutId: string, digest: string | undefined): Promise<AnalysisHistory> {
  const kept = (await rolloutControl.verdictsOf(q, rolloutId, KEPT)) as AnalysisHistory["kept"];
  const of = (digest === undefined ? kept[0] : kept.find((k) => k.bundleDigest === digest)) ?? null;
  const text = of ? await unpacked(q, projectId, of.bundleDigest) : null;
  const body = text === null ? null : (JSON.parse(text) as { template: AnalysisTemplateSpec; evidence: TemplateEvidence });
  const minutes = body?.evidence.minutes ?? null;
  return { kept, of, series: body?.template.judge === "sequential" && minutes ? evidenceSeries({ ...minutes, settings: sequentialSettings(body.template), deadlinePassed: body.evidence.deadlinePassed }) : [] };
}

/** The inputs that a verdict of this rollout rests on; null when it keeps none by that digest. */
export async function bundleOf(q: Queryable, projectId: string, rolloutId: string, digest: string): Promise<string | null> {
  const kept = await rolloutControl.verdictsOf(q, rolloutId, KEPT);
  return kept.some((k) => k.bundleDigest === digest) ? unpacked(q, projectId, digest) : null;
}

async function unpacked(q: Queryable, projectId: string, digest: string): Promise<string | null> {
  const bundle = await rolloutControl.bundle(q, projectId, digest);
  return bundle ? gunzipSync(bundle.body).toString("utf8") : null;
}
