import { compileCondition } from "../analysis/compat/condition";
import { defaultSequentialSettings } from "../analysis/sequential/settings";
import { evidenceKinds } from "../analysis/sequential/types";
import { nearest, orList } from "../base/nearest";
import type { AnalysisArgument, AnalysisTemplateSpec, ArgoTemplate, KayentaTemplate, MetricSource, SequentialTemplate, ThresholdTemplate } from "./analysis";
import { duplicates, type MeaningProblem } from "./meaning";

/** Checks what the fields of an analysis template mean together. */
export function checkAnalysis(spec: AnalysisTemplateSpec): MeaningProblem[] {
  switch (spec.judge) {
    case undefined:
    case "thresholds":
      return checkThresholds(spec);
    case "sequential":
      return checkSequential(spec);
    case "kayenta":
      return [...checkMetrics(spec), ...checkKayenta(spec)];
    case "argo":
      return [...checkMetrics(spec), ...checkArgo(spec)];
    case "flagger":
      return [...checkMetrics(spec), ...spec.metrics.flatMap((m, i) => emptyRange(m, i))];
  }
}

function checkThresholds(spec: ThresholdTemplate): MeaningProblem[] {
  const found = duplicates(spec.metrics, (m) => m.name, (i) => ["spec", "metrics", i, "name"], "metric");
  spec.metrics.forEach((m, i) => {
    found.push(...emptyRange(m, i));
    if ((m.metric === "accuracy" || m.metric === "errorRate") && [m.max, m.min].some((v) => v !== undefined && (v < 0 || v > 1))) found.push({ path: ["spec", "metrics", i, m.max !== undefined ? "max" : "min"], message: `${m.metric} is a share from 0 to 1.`, remedy: "Write 0.95 for 95%." });
  });
  return found;
}

const emptyRange = (m: { min?: number | undefined; max?: number | undefined }, i: number): MeaningProblem[] =>
  m.max !== undefined && m.min !== undefined && m.max < m.min ? [{ path: ["spec", "metrics", i, "max"], message: `max ${m.max} is below min ${m.min}: nothing can pass.`, remedy: "Swap them." }] : [];

const MARGINS = { margins: Object.keys(defaultSequentialSettings.margins), promoteMargins: Object.keys(defaultSequentialSettings.promoteMargins) };

function checkSequential(spec: SequentialTemplate): MeaningProblem[] {
  const found: MeaningProblem[] = [];
  for (const field of ["margins", "promoteMargins"] as const)
    for (const key of Object.keys(spec[field] ?? {})) {
      const known = MARGINS[field];
      if (!known.includes(key)) found.push({ path: ["spec", field, key], message: `There is no margin "${key}".`, remedy: nearestOr(key, known) });
    }
  if (spec.roles && evidenceKinds.every((k) => spec.roles?.[k] === "off" || spec.roles?.[k] === "dryRun")) found.push({ path: ["spec", "roles"], message: "No kind of evidence decides anything.", remedy: "Leave at least one critical or counts." });
  return found;
}

const nearestOr = (key: string, known: readonly string[]): string => {
  const meant = nearest(key, [...known]);
  return meant ? `Did you mean ${meant}?` : `There are ${orList([...known])}.`;
};

function checkMetrics(spec: { metrics: readonly { name: string; source: MetricSource }[]; args: readonly AnalysisArgument[] }): MeaningProblem[] {
  const found = [...duplicates(spec.metrics, (m) => m.name, (i) => ["spec", "metrics", i, "name"], "metric"), ...duplicates(spec.args, (a) => a.name, (i) => ["spec", "args", i, "name"], "argument")];
  const known = spec.args.map((a) => a.name);
  spec.metrics.forEach((m, i) => {
    if (m.source.from !== "prometheus") return;
    for (const match of m.source.query.matchAll(/\{\{\s*([^}]*?)\s*\}\}/g)) {
      const name = match[1] ?? "";
      const argument = /^args\.(.+)$/.exec(name)?.[1];
      const at = { path: ["spec", "metrics", i, "source", "query"], character: match.index };
      if (argument === undefined && !["workload", "project", "revision"].includes(name)) found.push({ ...at, message: `There is nothing called {{${name}}}.`, remedy: "Write {{args.NAME}}, {{workload}}, {{project}} or {{revision}}." });
      if (argument !== undefined && !known.includes(argument)) found.push({ ...at, message: `There is no argument "${argument}".`, remedy: known.length ? nearestOr(argument, known) : `Add it: args: [{name: ${argument}, value: …}].` });
    }
  });
  return found;
}

function checkKayenta(spec: KayentaTemplate): MeaningProblem[] {
  const found: MeaningProblem[] = [];
  const groups = [...new Set(spec.metrics.flatMap((m) => m.groups))];
  const sum = Object.values(spec.groupWeights).reduce((s, w) => s + w, 0);
  for (const name of Object.keys(spec.groupWeights)) if (!groups.includes(name)) found.push({ path: ["spec", "groupWeights", name], message: `No metric is in group "${name}".`, remedy: nearestOr(name, groups) });
  if (sum > 100 + 1e-9 || (groups.every((g) => Object.hasOwn(spec.groupWeights, g)) && Math.abs(sum - 100) > 1e-9)) found.push({ path: ["spec", "groupWeights"], message: `The weights add up to ${sum}.`, remedy: "Make them 100 together, or leave groups out to share the rest." });
  if (spec.marginal > spec.pass) found.push({ path: ["spec", "marginal"], message: `marginal ${spec.marginal} is above pass ${spec.pass}.`, remedy: "Swap them." });
  return found;
}

function checkArgo(spec: ArgoTemplate): MeaningProblem[] {
  const found: MeaningProblem[] = [];
  spec.metrics.forEach((m, i) => {
    const at = (field: string) => ["spec", "metrics", i, field];
    for (const field of ["successCondition", "failureCondition"] as const) {
      const text = m[field];
      if (text === undefined) continue;
      const compiled = compileCondition(text);
      if (!compiled.ok) found.push({ path: at(field), message: `The condition can't be read: ${compiled.message}.`, remedy: "Write such as result[0] >= 0.95.", character: compiled.at });
    }
    if (m.count !== undefined && m.count > 1 && m.interval === undefined) found.push({ path: at("count"), message: `${m.count} measurements need an interval.`, remedy: "Add interval, such as 1m." });
    if (m.failureLimit < 0 && m.consecutiveSuccessLimit === 0) found.push({ path: at("failureLimit"), message: "Nothing ever fails it, and nothing ends it.", remedy: "Give failureLimit, or a consecutiveSuccessLimit." });
    if (m.count !== undefined && m.failureLimit >= m.count) found.push({ path: at("failureLimit"), message: `${m.failureLimit} failures are allowed in ${m.count} measurements: it can't fail.`, remedy: "Write less than count." });
  });
  return found;
}
