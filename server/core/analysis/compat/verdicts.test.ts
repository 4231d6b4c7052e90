import { describe, expect, test } from "vitest";
import { analysisTemplateSpec, type ArgoTemplate, type FlaggerTemplate, type KayentaTemplate } from "../../manifest/analysis";
import { argoVerdict, flaggerVerdict, kayentaVerdict, type SeriesEvidence, type SeriesPoint, type SeriesValue } from "./verdicts";

/** Guarantee: a compatible template's verdict is the original's decision, with a sentence that names metric, value and limit. */
const MINUTE = 60_000;
const points = (n: number, value: (i: number) => SeriesValue | null | "broken"): SeriesPoint[] =>
  Array.from({ length: n }, (_, i) => {
    const v = value(i);
    return v === "broken" ? { atMs: (i + 1) * MINUTE, error: "the server answered 503" } : { atMs: (i + 1) * MINUTE, values: v === null ? [] : [v] };
  });
const evidence = (minutes: number, canary: (i: number) => SeriesValue | null | "broken", stable: (i: number) => SeriesValue | null = () => 1, deadlinePassed = false): SeriesEvidence => ({ fromMs: 0, toMs: minutes * MINUTE, deadlinePassed, silentTargets: 0, series: [{ metric: "m", canary: points(minutes, canary), stable: points(minutes, stable) }] });
const source = { from: "prometheus", provider: "main", query: "up" };
const parse = <T>(spec: unknown): T => analysisTemplateSpec.parse(spec) as T;

describe("kayenta", () => {
  const t = (more: object = {}, all: object = {}): KayentaTemplate => parse({ judge: "kayenta", metrics: [{ name: "m", source, groups: ["latency"], direction: "increase", ...more }], ...all });
  const noise = (i: number): number => 100 + ((i * 37) % 17);

  test("a canary as good as stable passes at the deadline, and not before", () => {
    expect(kayentaVerdict(t(), evidence(30, noise, noise)).verdict).toBe("notEnoughEvidence");
    expect(kayentaVerdict(t(), evidence(90, noise, (i) => noise(i + 5)))).toMatchObject({ verdict: "notEnoughEvidence", sentence: "The score was 100 of 100 after 1h; the last look decides." });
    expect(kayentaVerdict(t(), evidence(90, noise, (i) => noise(i + 5), true))).toMatchObject({ verdict: "promote", sentence: "The score is 100 of 100, where 95 passes." });
  });
  test("a higher latency fails at the first look, which is named", () => {
    const v = kayentaVerdict(t(), evidence(150, (i) => noise(i) * 1.3, noise));
    expect(v).toMatchObject({ verdict: "rollBack", atMs: 60 * MINUTE, sentence: "The score was 0 of 100 after 1h, not above the limit 75: m is higher than stable." });
    expect(v.metrics[0]).toMatchObject({ outcome: "fail", metric: "query", sentence: "m is higher than stable (1.300 times stable)." });
  });
  test("between the limits it goes on, and fails at the end; a muted metric counts for nothing", () => {
    const both = (muted: boolean): KayentaTemplate => parse({ judge: "kayenta", pass: 95, marginal: 40, metrics: [{ name: "m", source, groups: ["g"], direction: "increase", muted }, { name: "n", source, groups: ["g"], nanStrategy: "replace" }] });
    expect(kayentaVerdict(both(false), evidence(60, (i) => noise(i) * 1.3, noise, true))).toMatchObject({ verdict: "rollBack", sentence: "The last score is 50 of 100, below the 95 that pass: m is higher than stable." });
    expect(kayentaVerdict(both(false), evidence(90, (i) => noise(i) * 1.3, noise)).verdict).toBe("notEnoughEvidence");
    expect(kayentaVerdict(both(true), evidence(60, (i) => noise(i) * 1.3, noise, true)).verdict).toBe("promote");
  });
  test("no data at all is a failure, as Kayenta has it, unless gaps are replaced", () => {
    expect(kayentaVerdict(t(), evidence(60, () => null, noise)).sentence).toBe("The score was 0 of 100 after 1h, not above the limit 75: half of the metrics or more have no data.");
    expect(kayentaVerdict(t({ nanStrategy: "replace" }), evidence(60, () => "NaN", () => "NaN", true)).verdict).toBe("promote");
  });
  test("a lookback forgets what was before it", () => {
    const late = evidence(120, (i) => (i < 60 ? noise(i) : noise(i) * 1.3), noise, true);
    expect(kayentaVerdict(t({}, { lookback: "60m" }), late)).toMatchObject({ verdict: "rollBack", atMs: 120 * MINUTE });
  });
});

describe("argo", () => {
  const t = (more: object): ArgoTemplate => parse({ judge: "argo", metrics: [{ name: "m", source, interval: "5m", successCondition: "result[0] >= 0.95", ...more }] });
  test("enough good measurements promote; one failure too many rolls back, at its time", () => {
    expect(argoVerdict(t({ count: 3 }), evidence(20, () => 1))).toMatchObject({ verdict: "promote", sentence: "m is successful: 3 successful, 0 failed, 0 inconclusive, 0 in error." });
    expect(argoVerdict(t({ failureLimit: 1 }), evidence(30, (i) => (i > 8 ? 0.9 : 1)))).toMatchObject({ verdict: "rollBack", atMs: 16 * MINUTE, metrics: [{ outcome: "fail", limit: "result[0] >= 0.95" }] });
  });
  test("no data is an error, and the fifth in a row rolls back; the sentence says why", () => {
    const v = argoVerdict(t({}), evidence(20, (i) => (i >= 9 ? null : 1)));
    expect(v).toMatchObject({ verdict: "rollBack", atMs: 11 * MINUTE + 40_000 });
    expect(v.sentence).toContain("5 in error; the result is empty: there is no data");
    expect(argoVerdict(t({}), evidence(20, () => "broken")).sentence).toContain("the server answered 503");
  });
  test("an inconclusive run holds; one that goes on for ever is never promoted by the deadline", () => {
    expect(argoVerdict(t({ failureCondition: "result[0] < 0.5" }), evidence(20, () => 0.7)).verdict).toBe("hold");
    expect(argoVerdict(t({}), evidence(20, () => 1)).verdict).toBe("notEnoughEvidence");
    expect(argoVerdict(t({}), evidence(20, () => 1, () => 1, true)).verdict).toBe("hold");
  });
  test("a dry run is shown and decides nothing", () => {
    const dry: ArgoTemplate = parse({ judge: "argo", metrics: [{ name: "m", source, interval: "1m", successCondition: "result[0] > 1", dryRun: true }, { name: "n", source, count: 1 }] });
    const v = argoVerdict(dry, evidence(5, () => 0));
    expect(v.verdict).toBe("promote");
    expect(v.metrics[0]?.sentence).toMatch(/^m is failed: .*; it is a dry run\.$/);
  });
});

describe("flagger", () => {
  const t: FlaggerTemplate = parse({ judge: "flagger", threshold: 3, iterations: 10, metrics: [{ name: "m", source, min: 99 }] });
  test("failed checks add up, and what has no value fails", () => {
    expect(flaggerVerdict(t, evidence(30, (i) => (i % 4 === 0 ? null : 100)))).toMatchObject({ verdict: "rollBack", atMs: 10 * MINUTE, sentence: "There were 3 failed checks, where 3 roll back. m failed 8 of 30 checks, 8 of them for want of a value." });
    expect(flaggerVerdict(t, evidence(12, (i) => (i === 2 ? 98.9 : 99)))).toMatchObject({ verdict: "promote" });
    expect(flaggerVerdict(t, evidence(5, () => "broken"))).toMatchObject({ verdict: "rollBack", atMs: 4 * MINUTE });
    expect(flaggerVerdict(t, evidence(5, () => 100, () => 1, true))).toMatchObject({ verdict: "hold", sentence: "5 of 10 good checks so far, with 0 failed checks, where 3 roll back." });
  });
});
