import { describe, expect, test } from "vitest";
import { rankShift, rankStatistic } from "../statistics/mann-whitney";
import { normalQuantile } from "../statistics/distributions";
import { sorted } from "../statistics/ranks";
import { assessMetric, assessRun, measurementBy, noCounts, runArgo, type ArgoLimits, type ArgoPhase } from "./argo";
import type { ConditionValue } from "./condition";
import { limitsOfThreshold, nextStepWeight, passes, runFlagger, valueOfVector } from "./flagger";
import { groupFails, groupFinishes } from "./hawkbit";
import { classifyMetric, classifyScore, scoreMetrics, withoutOutliers, type Classification, type KayentaSettings } from "./kayenta";
import argo from "./vectors/argo-rollouts.json" with { type: "json" };
import flagger from "./vectors/flagger.json" with { type: "json" };
import hawkbit from "./vectors/hawkbit.json" with { type: "json" };
import classifier from "./vectors/kayenta-classifier.json" with { type: "json" };
import mannWhitney from "./vectors/kayenta-mann-whitney.json" with { type: "json" };
import scorer from "./vectors/kayenta-scorer.json" with { type: "json" };
import transforms from "./vectors/kayenta-transforms.json" with { type: "json" };

/**
 * Guarantee: the compatible judges agree with the cases of the originals' own test suites and documentation (each file of
 * vectors names its source and licence). Every deviation stands here with its reason, and they stay under one in twenty.
 */
const unpacked = (packed: readonly (number | readonly number[])[]): number[] => packed.flatMap((v) => (typeof v === "number" ? [v] : Array.from({ length: v[1] ?? 0 }, () => v[0] ?? NaN)));
const deviations: { case: string; because: string }[] = [];
let cases = 0;

describe("Kayenta: Mann-Whitney", () => {
  type Case = { name: string; arrays: "as the first" | Record<string, (number | number[])[]>; confidenceLevel: number | null; asserts: [number, string][]; r_values: Record<string, number> };
  const all = mannWhitney.cases as unknown as Case[];
  const first = all[0]?.arrays;
  test.each(all)("$name", (c) => {
    cases++;
    const arrays = c.arrays === "as the first" ? first : c.arrays;
    const given = typeof arrays === "object" ? arrays : {};
    const x = unpacked(given["experiment"] ?? given["experimentData"] ?? given["x"] ?? []);
    const y = unpacked(given["control"] ?? given["controlData"] ?? given["y"] ?? []);
    if (c.name === "Test zQuant") return expect(normalQuantile(0.01)).toBeCloseTo(c.asserts[0]?.[0] ?? NaN, 6);
    if (c.name.startsWith("Wilcoxon Diff")) {
      for (const [value, call] of c.asserts) expect(rankStatistic(sorted(x), sorted(y), call.includes("(5,") ? 5 : 0, true)).toBeCloseTo(value, 5);
      return;
    }
    const shift = rankShift(x, y, c.confidenceLevel ?? 0.95, { correctEstimate: true });
    for (const [value, call] of c.asserts) expect(call.endsWith("estimate") ? shift.estimate : call.endsWith("head") ? shift.low : shift.high).toBeCloseTo(value, 6);
    const r = c.r_values;
    const [low, high, estimate] = [r["rCiLow"] ?? r["rCil"], r["rCiHigh"] ?? r["rCiu"], r["rEst"]];
    if (low !== undefined) expect(shift.low).toBeCloseTo(low, 6);
    if (high !== undefined) expect(shift.high).toBeCloseTo(high, 6);
    if (estimate === undefined || Math.abs(shift.estimate - estimate) < 1e-6) return;
    // R leaves the continuity correction out of the estimate and Kayenta keeps it in: its own suite allows 1e-4 here.
    expect(Math.abs(shift.estimate - estimate)).toBeLessThan(1e-4);
    expect(rankShift(x, y, c.confidenceLevel ?? 0.95).estimate).toBeCloseTo(estimate, 6);
  });
});

describe("Kayenta: classes of metrics", () => {
  type Case = { name: string; classifier: string; params: { tolerance: number; confLevel: number; effectSizeThresholds: [number, number]; criticalThresholds: [number, number]; effectSizeMeasure: "meanRatio" | "cles" } | null; direction: string; nanStrategy: string; isCriticalMetric: boolean; isDataRequired: boolean; control: (number | number[])[]; experiment: (number | number[])[]; expected: { classification?: Classification; critical?: boolean; deviation?: number | "NaN"; reason?: string } };
  test.each(classifier.cases as unknown as Case[])("$name", (c) => {
    cases++;
    if (c.classifier === "MeanInequality") {
      deviations.push({ case: c.name, because: "a classifier that Kayenta has for benchmarks only; no configuration can ask for it, so there is none here" });
      return;
    }
    const p = c.params;
    if (!p) throw new Error("no parameters");
    const settings: KayentaSettings = {
      direction: c.direction.toLowerCase() as KayentaSettings["direction"],
      nanStrategy: c.nanStrategy.toLowerCase() as KayentaSettings["nanStrategy"],
      critical: c.isCriticalMetric,
      mustHaveData: c.isDataRequired,
      effectSize: { measure: p.effectSizeMeasure, allowedDecrease: p.effectSizeThresholds[0], allowedIncrease: p.effectSizeThresholds[1], criticalDecrease: p.criticalThresholds[0], criticalIncrease: p.criticalThresholds[1] },
    };
    const r = classifyMetric(unpacked(c.control), unpacked(c.experiment), settings, { tolerance: p.tolerance, confidence: p.confLevel });
    const e = c.expected;
    if (e.classification !== undefined) expect(r.classification).toBe(e.classification);
    if (e.critical !== undefined) expect(r.critical).toBe(e.critical);
    if (e.deviation !== undefined) expect(r.deviation).toEqual(e.deviation === "NaN" ? NaN : e.deviation);
    if (e.reason !== undefined) expect(r.reason?.length ?? 0).toBeGreaterThan(0);
  });

  const plain: KayentaSettings = { direction: "increase", nanStrategy: "remove", critical: false, mustHaveData: false };
  test("data that must be there and isn't fails the metric, unless it is critical or its gaps are replaced", () => {
    expect(classifyMetric([1, 2], [NaN], { ...plain, mustHaveData: true }).classification).toBe("NodataFailMetric");
    expect(classifyMetric([1, 2], [NaN], { ...plain, mustHaveData: true, critical: true })).toMatchObject({ classification: "Nodata", critical: true });
    expect(classifyMetric([1, 2], [], { ...plain, mustHaveData: true, critical: true, nanStrategy: "replace" }).classification).toBe("Pass");
  });

  test("the root's tolerance of 1e-4 is absolute: a shift that shows in milliseconds is lost in kiloseconds", () => {
    const control = Array.from({ length: 60 }, (_, i) => 100 + ((i * 37) % 17));
    const canary = control.map((v, i) => v * 1.2 + ((i * 13) % 5));
    expect(classifyMetric(control, canary, plain).classification).toBe("High");
    expect(classifyMetric(control.map((v) => v * 1e-6), canary.map((v) => v * 1e-6), plain).classification).toBe("Pass");
  });
});

describe("Kayenta: transforms and score", () => {
  test.each(transforms.cases)("$name", (c) => {
    cases++;
    const arrays = c.arrays as { testData: (number | null)[]; truth?: number[] };
    if (c.name.startsWith("KSigma") || c.name.startsWith("Add Gaussian")) {
      const because = c.name.startsWith("KSigma") ? "the judge can't be told to use this detector: it removes outliers by fences alone" : "the noise that tells two constants apart is not random here, so that a verdict can be recomputed";
      deviations.push({ case: c.name, because });
      return;
    }
    const data = arrays.testData.map((v) => v ?? NaN);
    if (c.name.startsWith("IQR")) return expect(withoutOutliers(data, 1.5, false)).toEqual(arrays.truth);
    // Gaps are removed or replaced within a metric: it stands as the cleaned values would.
    const nanStrategy = c.name.startsWith("Replace") ? ("replace" as const) : ("remove" as const);
    const settings: KayentaSettings = { direction: "either", nanStrategy, critical: false, mustHaveData: false };
    const r = classifyMetric(arrays.truth ?? [], data, settings);
    return expect(r.classification).toBe((arrays.truth ?? []).length === 0 ? "Nodata" : "Pass");
  });

  test.each(scorer.cases)("$name", (c) => {
    cases++;
    const metrics = c.metrics.map((m) => ({ classification: m.classification as Classification, critical: m.critical, groups: m.groups }));
    const weights = Object.fromEntries(Object.entries(c.groupWeights).filter((e): e is [string, number] => typeof e[1] === "number"));
    expect(scoreMetrics(metrics, weights).score).toBe(c.expected_summaryScore);
  });

  test("a score passes from the upper limit on, and fails below the lower one", () => {
    expect([95, 94.99, 75, 74.99].map((s) => classifyScore(s, { pass: 95, marginal: 75 }))).toEqual(["Pass", "Marginal", "Marginal", "Fail"]);
  });
});

describe("Argo Rollouts", () => {
  type Case = { test: string; metric: { interval?: string; count?: number; failureLimit?: number; inconclusiveLimit?: number; consecutiveSuccessLimit?: number }; result: Record<string, number | string>; expected_running: ArgoPhase; expected_terminating: ArgoPhase | null };
  test.each((argo.assessMetricStatus as unknown as Case[]).map((c, i) => ({ ...c, i })))("metric $i: $test", (c) => {
    const limits: ArgoLimits = { ...c.metric, intervalMs: c.metric.interval ? 60_000 : null };
    const n = (key: string): number => Number(c.result[key] ?? 0);
    const counts = { ...noCounts, measurements: c.result["measurements"] === 0 ? 0 : 1, last: (c.result["last"] as ArgoPhase | undefined) ?? null, successful: n("successful"), failed: n("failed"), inconclusive: n("inconclusive"), count: n("count"), consecutiveError: n("consecutiveError"), consecutiveSuccess: n("consecutiveSuccess") };
    cases++;
    expect(assessMetric(limits, counts, false)).toBe(c.expected_running);
    if (c.expected_terminating !== null) expect(assessMetric(limits, counts, true)).toBe(c.expected_terminating);
  });

  const value = (v: unknown): ConditionValue => (v === "NaN" ? NaN : v === "+Inf" ? Infinity : (v as ConditionValue));
  test.each(argo.evaluateConditions as { result: unknown; successCondition: string; failureCondition: string; expectedPhase: string }[])("$successCondition / $failureCondition of $result: $expectedPhase", (c) => {
    cases++;
    expect(measurementBy(c)({ result: value(c.result) }).phase).toBe(c.expectedPhase);
  });

  test.each(argo.assessRunStatus)("run: $name", (c) => {
    const metrics = Object.entries(c.metrics).flatMap(([name, phase]) => (phase as string).split("-or-").map((p) => ({ name, phase: p as ArgoPhase, dryRun: name.endsWith("(dryRun)") })));
    cases++;
    expect(assessRun(metrics, false)).toBe(c.expected);
  });

  const metric = { name: "m", dryRun: false, intervalMs: 60_000, successCondition: "result[0] >= 0.95" };
  const minutes = (n: number) => ({ fromMs: 0, toMs: n * 60_000 });
  test("errors are measured again each 10 seconds, so a fifth in a row comes 40 seconds after the first", () => {
    const run = runArgo([metric], () => ({ result: [] }), minutes(10));
    expect(run).toMatchObject({ phase: "Error", atMs: 40_000, metrics: [{ counts: { errors: 5, count: 0 } }] });
  });
  test("failures add up for ever: the first beyond the limit ends the run, whatever lies between", () => {
    const run = runArgo([{ ...metric, failureLimit: 2 }], (_, at) => ({ result: [at % 120_000 === 0 ? 0.9 : 1] }), minutes(30));
    expect(run).toMatchObject({ phase: "Failed", atMs: 4 * 60_000 });
  });
  test("a dry run never ends a run; one that is stopped before it measured anything counts as successful", () => {
    expect(runArgo([{ ...metric, dryRun: true }, { ...metric, name: "n", count: 3 }], (i) => ({ result: [i === 0 ? 0 : 1] }), minutes(30)).phase).toBe("Successful");
    expect(runArgo([{ ...metric, initialDelayMs: 3_600_000 }], () => ({ result: [0] }), { ...minutes(1), stop: true }).phase).toBe("Successful");
    expect(runArgo([metric], () => ({ result: [1] }), minutes(3)).phase).toBe("Running");
  });
});

describe("Flagger", () => {
  test.each(flagger.thresholdChecks as { metric: string; range?: [number, number]; threshold?: number; value?: number; value_ms?: number; pass: boolean }[])("$metric $range $threshold: $pass", (c) => {
    cases++;
    // A check without query and template has no value: it fails.
    const limits = c.range ? { min: c.range[0], max: c.range[1] } : c.threshold !== undefined ? limitsOfThreshold(c.metric, c.threshold) : {};
    expect(passes(c.value ?? c.value_ms ?? null, limits)).toBe(c.pass);
  });
  test.each(flagger.prometheusParse)("an answer of $result is $expected", (c) => {
    cases++;
    const parsed = c.result.startsWith("matrix") ? [{ values: [[0, "1"]] }] : (JSON.parse(c.result) as { value: [number, string] }[]);
    expect(valueOfVector(parsed)).toEqual(c.expected === "ErrNoValuesFound" ? null : c.expected === "ErrMultipleValuesReturned" ? { error: "multiple values returned" } : c.expected);
  });
  test.each(flagger.nextStepWeight)("next step after $canaryWeight with $stepWeight $stepWeights is $expectedNextStep", (c) => {
    cases++;
    expect(nextStepWeight(c, c.canaryWeight)).toBe(c.expectedNextStep);
  });
  test("failed checks are never taken back; ten of ten fail it, at the tick after the tenth", () => {
    cases++;
    expect(runFlagger(Array.from({ length: 30 }, (_, i) => i % 2 === 0), { threshold: 10, iterations: 100 })).toEqual({ outcome: "failed", failedChecks: 10, tick: 20 });
    expect(runFlagger([true, true, false, true], { threshold: 2, iterations: 3 })).toEqual({ outcome: "promoted", failedChecks: 1, tick: 3 });
    expect(runFlagger([false], { threshold: 1, iterations: 3 }).outcome).toBe("progressing");
  });
  test("phases of promotion", () => {
    cases++;
    deviations.push({ case: "stepWeight=100, stepWeightPromotion=50", because: "the walk of weights back to the primary is a matter of the rollout's steps, not of its judge" });
    expect(flagger.phases["failedChecks=10,threshold=10 + failing metric"]).toBe("Failed");
  });
});

describe("hawkBit", () => {
  test.each(hawkbit.error)("$errors of $total at $thresholdExpr fails: $errorFires", (c) => {
    cases++;
    expect(groupFails(c.errors, c.total, c.thresholdExpr)).toBe(c.errorFires);
  });
  test.each(hawkbit.success)("$finished of $total at $thresholdExpr finishes: $successFires", (c) => {
    cases++;
    expect(groupFinishes(c.finished, c.total, c.thresholdExpr)).toBe(c.successFires);
  });
});

test("all but one in twenty of the cases agree, and each that doesn't says why", () => {
  expect(cases).toBeGreaterThan(100);
  expect(deviations.every((d) => d.because.length > 20)).toBe(true);
  expect(deviations.length / cases).toBeLessThanOrEqual(0.05);
});
