import { nearest } from "../base/nearest";
import { parseDurationMs } from "../base/duration";
import { compileSelector } from "../selector/compile";
import { checkAnalysis } from "./check-analysis";
import { checkStrategy, isTimeZone } from "./check-strategy";
import { parseBytes } from "./common";
import type { Manifest } from "./kinds";
import { duplicates, type MeaningProblem } from "./meaning";
import type { PlacementPolicySpec } from "./placement-policy";
import type { QuotaManifest } from "./quota";
import type { SiteManifest } from "./site";
import { devicesProblem } from "./workload";
import type { WorkloadSpec } from "./workload";

/** Checks what the fields of one manifest mean together. References to other objects are not its business. */
export function checkMeaning(m: Manifest): MeaningProblem[] {
  switch (m.kind) {
    case "Workload":
      return [...checkWorkload(m.spec), ...checkAffinity(m.metadata.name, m.spec)];
    case "PlacementPolicy":
      return checkPolicy(m.spec);
    case "RolloutStrategy":
      return checkStrategy(m.spec);
    case "AnalysisTemplate":
      return checkAnalysis(m.spec);
    case "Site":
      return checkSite(m);
    case "Quota":
      return checkQuota(m);
  }
}

function checkWorkload(spec: WorkloadSpec): MeaningProblem[] {
  const found: MeaningProblem[] = [];
  if (spec.selector !== undefined) found.push(...checkSelector(spec.selector, ["spec", "selector"]));
  const t = spec.template;
  const at = (...rest: (string | number)[]) => ["spec", "template", ...rest];
  found.push(...duplicates(t.ports, (p) => p.name, (i) => at("ports", i, "name"), "port"));
  found.push(...duplicates(t.ports, (p) => p.env, (i) => at("ports", i, "env"), "environment variable of a port"));
  found.push(...duplicates(t.artifacts, (a) => a.name, (i) => at("artifacts", i, "name"), "artifact"));
  const portNames = t.ports.map((p) => p.name);
  const probe = t.health?.probe;
  if (probe && probe.type !== "exec" && !portNames.includes(probe.port)) {
    const meant = nearest(probe.port, portNames);
    found.push({ path: at("health", "probe", "port"), message: `The workload declares no port "${probe.port}".`, remedy: meant ? `Did you mean ${meant}?` : `Declare it: ports: [{name: ${probe.port}}].` });
  }
  const artifactNames = t.artifacts.map((a) => a.name);
  t.engine.command.forEach((word, i) => {
    for (const match of word.matchAll(/\$\{([^}]*)\}/g)) {
      const name = match[1] ?? "";
      const problem = checkPlaceholder(name, artifactNames);
      if (problem) found.push({ path: at("engine", "command", i), ...problem, character: match.index });
    }
  });
  for (const p of t.ports) if (Object.hasOwn(t.env, p.env)) found.push({ path: at("env", p.env), message: `${p.env} is set by the agent to port "${p.name}".`, remedy: "Leave it out, or give the port another env." });
  for (const name of Object.keys(t.env)) if (name.startsWith("HOLDFAST_")) found.push({ path: at("env", name), message: `${name} is set by the agent.`, remedy: "Names that start with HOLDFAST_ are reserved: use another." });
  const devices = devicesProblem(t.resources.devices);
  if (devices) found.push({ path: at("resources", "devices", devices.field), message: devices.message, remedy: devices.remedy });
  for (const field of ["memory", "disk"] as const) if (parseBytes(t.resources[field]) <= 0) found.push({ path: at("resources", field), message: `${field} is zero.`, remedy: "Write a size such as 64Mi." });
  const base = parseDurationMs(t.restart.backoff) ?? 0;
  if ((parseDurationMs(t.restart.backoffMax) ?? 0) < base) found.push({ path: at("restart", "backoffMax"), message: "backoffMax is shorter than backoff.", remedy: `Write at least ${t.restart.backoff}.` });
  found.push(...checkSets(spec));
  if (spec.kind === "batch" && spec.rollout !== undefined) found.push({ path: ["spec", "rollout"], message: "A batch workload runs to completion and has no rollout.", remedy: "Leave rollout out." });
  return found;
}

function checkPlaceholder(name: string, artifacts: readonly string[]): { message: string; remedy: string } | null {
  if (name === "node") return null;
  const artifact = /^artifact\.(.+)$/.exec(name)?.[1];
  if (artifact === undefined) return { message: `There is nothing called \${${name}}.`, remedy: "Write ${node} or ${artifact.NAME}; $$ is not needed for a plain dollar sign without a brace." };
  if (artifacts.includes(artifact)) return null;
  const meant = nearest(artifact, artifacts);
  return { message: `The workload has no artifact "${artifact}".`, remedy: meant ? `Did you mean \${artifact.${meant}}?` : "Add it to artifacts with its digest." };
}

function checkPolicy(spec: PlacementPolicySpec): MeaningProblem[] {
  const found: MeaningProblem[] = [];
  spec.require.forEach((r, i) => found.push(...checkSelector(r.rule, ["spec", "require", i, "rule"])));
  spec.prefer.forEach((p, i) => {
    if (p.by === "rule") found.push(...checkSelector(p.rule, ["spec", "prefer", i, "rule"]));
  });
  spec.residency?.forEach((code, i) => {
    if (!/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/.test(code)) found.push({ path: ["spec", "residency", i], message: `"${code}" is no jurisdiction.`, remedy: "Write an ISO 3166 code such as DE or US-CA." });
  });
  if (spec.divide?.by === "static" && !Object.values(spec.divide.weights ?? {}).some((w) => w > 0)) found.push({ path: ["spec", "divide", "weights"], message: "A static division needs weights, and no site has one above 0.", remedy: "Write weights: {kiel: 2, lyon: 1}, or divide by dynamic." });
  if (spec.divide && spec.divide.by !== "static" && spec.divide.weights) found.push({ path: ["spec", "divide", "weights"], message: `Dividing by ${spec.divide.by} takes no weights.`, remedy: "Leave weights out, or divide by static." });
  found.push(...duplicates(spec.spread, (s) => s.over, (i) => ["spec", "spread", i, "over"], "spread over"));
  return found;
}

/** What a workload says of its units together. */
function checkSets(spec: WorkloadSpec): MeaningProblem[] {
  const found: MeaningProblem[] = [];
  if (spec.gang && spec.kind === "daemon") found.push({ path: ["spec", "gang"], message: "A daemon has one unit on each node and is no gang.", remedy: "Leave gang out." });
  else if (spec.gang && spec.gang.minMember > spec.replicas) found.push({ path: ["spec", "gang", "minMember"], message: `minMember ${spec.gang.minMember} is more than the ${spec.replicas} replicas: the gang could never start.`, remedy: `Write at most ${spec.replicas}, or more replicas.` });
  if (spec.duration && spec.kind !== "batch") found.push({ path: ["spec", "duration"], message: `A workload of kind ${spec.kind} runs until somebody ends it.`, remedy: "Leave duration out, or make it a batch." });
  if (spec.duration && (parseDurationMs(spec.duration.max) ?? 0) < (parseDurationMs(spec.duration.min) ?? 0)) found.push({ path: ["spec", "duration", "max"], message: "max is shorter than min.", remedy: `Write at least ${spec.duration.min}.` });
  return found;
}

/** What units may share a place with: rules that say it twice, or forbid what they ask for. */
export function checkAffinity(name: string, spec: Pick<WorkloadSpec, "kind" | "affinity">): MeaningProblem[] {
  const { apart = [], together = [] } = spec.affinity ?? {};
  const at = (...rest: (string | number)[]) => ["spec", "affinity", ...rest];
  const from = (r: { from?: string | undefined }) => r.from ?? name;
  const found = [...duplicates(apart, (r) => `${from(r)} over ${r.over}`, (i) => at("apart", i), "rule apart from"), ...duplicates(together, (r) => `${r.with} over ${r.over}`, (i) => at("together", i), "rule together with")];
  together.forEach((t, i) => {
    // Whoever shares a node shares its site: apart over sites forbids both.
    const against = apart.find((a) => from(a) === t.with && (a.over === "site" || t.over === "node"));
    if (against) found.push({ path: at("together", i), message: `It can't be together with ${t.with} over ${t.over} and apart from it over ${against.over}.`, remedy: t.over === "site" ? "Keep apart over node, or leave one of the two out." : "Leave one of the two out." });
    if (spec.kind === "daemon" && t.with === name) found.push({ path: at("together", i), message: "A daemon has a unit on each matching node, so its own units are not kept together.", remedy: "Leave it out, or name another workload." });
  });
  apart.forEach((a, i) => {
    if (spec.kind === "daemon" && from(a) === name) found.push({ path: at("apart", i), message: "A daemon has one unit on each matching node.", remedy: "Leave it out, or write from: with another workload." });
  });
  return found;
}

function checkQuota(m: QuotaManifest): MeaningProblem[] {
  return m.spec.parent === m.metadata.name ? [{ path: ["spec", "parent"], message: "A quota is not part of itself.", remedy: "Name another quota, or leave parent out." }] : [];
}

function checkSite(m: SiteManifest): MeaningProblem[] {
  const found = duplicates(m.spec.links, (l) => l.to, (i) => ["spec", "links", i, "to"], "link to");
  m.spec.links.forEach((l, i) => {
    if (l.to === m.metadata.name) found.push({ path: ["spec", "links", i, "to"], message: "A site has no link to itself.", remedy: "Name the other site." });
  });
  if (!isTimeZone(m.spec.timeZone)) found.push({ path: ["spec", "timeZone"], message: `There is no time zone "${m.spec.timeZone}".`, remedy: "Write an IANA name such as Europe/Berlin, or UTC." });
  return found;
}

function checkSelector(text: string, path: (string | number)[]): MeaningProblem[] {
  const result = compileSelector(text);
  return result.ok ? [] : [{ path, message: result.error.message, remedy: result.error.remedy, character: result.error.start }];
}
