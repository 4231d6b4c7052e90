import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { analysisTemplateSpec } from "../manifest/analysis";
import { readManifests } from "../manifest";
import { judgeTemplate, type TemplateEvidence } from "./template";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const MINUTE = 60_000;
const evidence: TemplateEvidence = {
  canaryGeneration: 2, stableGeneration: 1, wave: "canary", fromMs: 0, toMs: 20 * MINUTE, deadlinePassed: false, silentTargets: 0,
  measured: [["accuracy", { canary: { value: 0.5, sample: 1000 }, stable: { value: 0.95, sample: 1000 }, bySite: [] }]],
  series: [{ metric: "m", canary: Array.from({ length: 20 }, (_, i) => ({ atMs: (i + 1) * MINUTE, values: [0.5] })), stable: [] }],
  minutes: null,
};
const source = { from: "measured", metric: "accuracy" };

/** Guarantee: one function judges by every kind of template, and a template that names no judge sets limits, as ever. */
describe("judgeTemplate", () => {
  test.each([
    ["no judge", { metrics: [{ name: "m", metric: "accuracy", min: 0.9 }] }, "thresholds", "rollBack", /accuracy of r2 was 0\.500/i],
    ["thresholds", { judge: "thresholds", metrics: [{ name: "m", metric: "accuracy", min: 0.4 }] }, "thresholds", "promote", /0\.500/],
    ["argo", { judge: "argo", metrics: [{ name: "m", source, interval: "1m", successCondition: "result[0] > 0.9" }] }, "argo", "rollBack", /m is failed/],
    ["flagger", { judge: "flagger", threshold: 2, metrics: [{ name: "m", source, min: 0.9 }] }, "flagger", "rollBack", /2 failed checks/],
    ["kayenta", { judge: "kayenta", interval: "10m", metrics: [{ name: "m", source, groups: ["g"] }] }, "kayenta", "rollBack", /half of the metrics or more have no data/],
  ])("%s", (_name, spec, kind, verdict, sentence) => {
    const v = judgeTemplate(analysisTemplateSpec.parse(spec), evidence, sha256);
    expect(v).toMatchObject({ judge: kind, verdict, sequential: null, guilty: [] });
    expect(v.sentence).toMatch(sentence);
  });

  test("while a metric's source can't be asked nothing is decided, and the sentence says why", () => {
    const template = analysisTemplateSpec.parse({ judge: "argo", metrics: [{ name: "m", source, interval: "1m", successCondition: "result[0] > 0.9" }] });
    const away = { ...evidence, series: [{ metric: "m", canary: [], stable: [], unavailable: "prometheus.example.com did not answer within 10000 ms." }] };
    expect(judgeTemplate(template, away, sha256)).toMatchObject({ verdict: "notEnoughEvidence", sentence: "m could not be asked for. prometheus.example.com did not answer within 10000 ms. Nothing is decided without it." });
    expect(judgeTemplate(template, { ...away, deadlinePassed: true }, sha256).verdict).toBe("hold");
  });

  test("a value that has not arrived yet is no gap", () => {
    const template = analysisTemplateSpec.parse({ judge: "flagger", threshold: 1, iterations: 100, metrics: [{ name: "m", source, min: 0.4 }] });
    const upTo = (minutes: number): TemplateEvidence => ({ ...evidence, series: [{ metric: "m", stable: [], canary: (evidence.series[0]?.canary ?? []).slice(0, minutes) }] });
    expect(judgeTemplate(template, upTo(19), sha256)).toMatchObject({ verdict: "notEnoughEvidence", toMs: 20 * MINUTE });
    expect(judgeTemplate(template, upTo(17), sha256).verdict).toBe("rollBack");
  });

  test("the anytime-valid judge says nothing of no evidence, and keeps the digest of what it was given", () => {
    const v = judgeTemplate(analysisTemplateSpec.parse({ judge: "sequential", alpha: 0.05, roles: { accuracy: "critical" } }), evidence, sha256);
    expect(v.verdict).toBe("notEnoughEvidence");
    expect(v.sequential?.inputsDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(v.sequential?.limit).toBe(20);
  });
});

describe("analysis templates", () => {
  const errors = (spec: string): string[] => readManifests(`apiVersion: holdfast.dev/v1\nkind: AnalysisTemplate\nmetadata: {name: a}\nspec: ${spec}\n`, "default").errors.map((e) => `${e.path}: ${e.message} ${e.remedy}`);
  const argo = (metric: string, args = ""): string => `{judge: argo, ${args} metrics: [{name: m, source: {from: prometheus, provider: p, query: 'up{a="{{args.who}}"}'}, ${metric}}]}`;

  // Guarantee: a mistake in a template is told by field and remedy before anything is judged by it.
  test.each<[string, RegExp]>([
    ["{judge: argos, metrics: []}", /spec\.judge: .*Did you mean argo\?/],
    ["{judge: sequential, margins: {errorRato: 2}}", /spec\.margins\.errorRato: There is no margin "errorRato"\. Did you mean errorRatio\?/],
    ["{judge: sequential, roles: {errors: off, latency: dryRun, tail: off, reporting: off, accuracy: off}}", /spec\.roles: No kind of evidence decides anything/],
    [argo("interval: 1m"), /spec\.metrics\[0\]\.source\.query: There is no argument "who"\. Add it/],
    [argo("interval: 1m", "args: [{name: whom, value: x}],"), /Did you mean whom\?/],
    [argo("successCondition: 'result[0] >', interval: 1m", "args: [{name: who, value: x}],"), /successCondition: The condition can't be read: it ends too early/],
    [argo("count: 5", "args: [{name: who, value: x}],"), /5 measurements need an interval/],
    [argo("failureLimit: -1, interval: 1m", "args: [{name: who, value: x}],"), /Nothing ever fails it/],
    [argo("failureLimit: 5, count: 5, interval: 1m", "args: [{name: who, value: x}],"), /it can't fail/],
    [argo("interval: 1m", "args: [{name: who}],"), /spec\.args\[0\]: .*give value, or both canary and stable/i],
    ["{judge: flagger, metrics: [{name: m, source: {from: measured, metric: errorRate}, min: 2, max: 1}]}", /max 1 is below min 2/],
    ["{judge: flagger, metrics: [{name: m, source: {from: mesured, metric: errorRate}, min: 2}]}", /Did you mean measured\?/],
    ["{judge: kayenta, groupWeights: {a: 60, b: 50}, metrics: [{name: m, groups: [a], source: {from: measured, metric: errorRate}}]}", /No metric is in group "b"/],
    ["{judge: kayenta, groupWeights: {a: 60}, metrics: [{name: m, groups: [a], source: {from: measured, metric: errorRate}}]}", /The weights add up to 60/],
    ["{judge: kayenta, pass: 50, metrics: [{name: m, groups: [a], source: {from: measured, metric: errorRate}}]}", /marginal 75 is above pass 50/],
  ])("%s", (spec, expected) => expect(errors(spec).join("\n")).toMatch(expected));

  test("good ones are accepted", () => {
    expect(errors(argo("interval: 1m, successCondition: 'result[0] >= 0.95'", "args: [{name: who, canary: b, stable: a}],"))).toEqual([]);
    expect(errors("{judge: sequential, alpha: 0.05, margins: {errorRatio: 1.5}}")).toEqual([]);
  });
});
