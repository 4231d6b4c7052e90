import { parseDurationMs } from "../../base/duration";
import type { AnalysisArgument } from "../../manifest/analysis";
import { compileCondition } from "../compat/condition";
import { labelOf, type Fields, type ImportOptions, type Imported, type Path, Source } from "./source";

const METADATA_NOTES = { namespace: "a project takes its place", labels: "labels belong to the cluster it comes from", annotations: "annotations belong to the cluster it comes from", creationTimestamp: "made anew here", generateName: "not used" };
const PROVIDER_REMEDY = "Only prometheus is judged here: write the query as PromQL, or use a measured metric.";
const PROMETHEUS_NOTES = {
  timeout: "the Prometheus setting holds the timeout",
  headers: "the Prometheus setting holds headers: put them there",
  authentication: "the Prometheus setting holds credentials: put them there",
};
const LIMITS = ["failureLimit", "inconclusiveLimit", "consecutiveErrorLimit", "consecutiveSuccessLimit"] as const;

/** Argo Rollouts' AnalysisTemplate or ClusterAnalysisTemplate (argoproj.io/v1alpha1) as a template judged as Argo does. */
export function importArgo(document: Fields, prefix: string, taken: Set<string>, o: ImportOptions): Imported {
  const s = new Source(prefix);
  const top = s.fields(document, [], { known: ["apiVersion", "kind", "metadata", "spec"], noted: { status: "what a cluster observed" } });
  const metadata = s.fields(top["metadata"], ["metadata"], { known: ["name"], noted: METADATA_NOTES });
  const spec = s.fields(top["spec"], ["spec"], {
    known: ["args", "metrics", "dryRun"],
    noted: { measurementRetention: "every measurement that a verdict rests on is kept with it" },
    refused: { templates: "Import the templates that it names, and merge their metrics into one." },
  });
  const args = argumentsOf(s, spec["args"], o);
  const values = new Map(args.map((a) => [a.name, a.value]));
  const metrics = s.list(spec["metrics"], ["spec", "metrics"]);
  const dryRun = dryRuns(s, spec["dryRun"], metrics);
  const names = new Set<string>();
  const read = metrics.map((m, i) => metricOf(s, m, ["spec", "metrics", i], { values, dryRun, names, provider: o.provider }));
  const name = s.text(metadata["name"], ["metadata", "name"]);
  if (name === undefined) s.refuse(["metadata", "name"], "The template has no name.", "Write metadata.name.");
  const manifest = s.manifest(labelOf(name ?? "", taken), name, undefined, { judge: "argo", args, metrics: read });
  return { manifests: manifest ? [manifest] : [], notes: s.notes, problems: s.problems };
}

function argumentsOf(s: Source, value: unknown, o: ImportOptions): AnalysisArgument[] {
  return s.list(value, ["spec", "args"]).flatMap((arg, i) => {
    const path: Path = ["spec", "args", i];
    const a = s.fields(arg, path, { known: ["name", "value", "valueFrom"] });
    const name = s.text(a["name"], [...path, "name"]) ?? "";
    const isGiven = o.args[name] !== undefined || (o.canaryArgs[name] !== undefined && o.stableArgs[name] !== undefined);
    if (a["valueFrom"] !== undefined && !isGiven) {
      const from = Object.keys(s.fields(a["valueFrom"], [...path, "valueFrom"], { known: ["secretKeyRef", "fieldRef", "podTemplateHashValue"] }))[0] ?? "";
      const secret = from === "secretKeyRef";
      s.refuse([...path, "valueFrom", from], `${from} can't be carried over: it is looked up in a cluster.`, secret ? "Put the secret into the Prometheus setting, which keeps it encrypted." : `Give --arg ${name}=VALUE, where {{revision}} and {{workload}} may stand.`);
      return [];
    }
    const found = s.argument(name, s.text(a["value"], [...path, "value"]), path, o);
    return found ? [found] : [];
  });
}

/** Whether a metric of a name is a dry run, by regular expressions that may match any part of the name. */
function dryRuns(s: Source, value: unknown, metrics: readonly unknown[]): (name: string) => boolean {
  const names = metrics.map((m) => (typeof m === "object" && m !== null && "name" in m ? String(m.name) : ""));
  const rules = s.list(value, ["spec", "dryRun"]).flatMap((rule, i) => {
    const path: Path = ["spec", "dryRun", i];
    const text = s.text(s.fields(rule, path, { known: ["metricName"] })["metricName"], [...path, "metricName"]) ?? "";
    try {
      const re = new RegExp(text, "u");
      if (!names.some((n) => re.test(n))) s.refuse([...path, "metricName"], `No metric's name matches "${text}".`, "Name a metric, or remove the rule.");
      return [re];
    } catch {
      s.refuse([...path, "metricName"], `"${text}" is no regular expression.`, "Name the metrics one by one.");
      return [];
    }
  });
  return (name) => rules.some((re) => re.test(name));
}

interface Context {
  values: ReadonlyMap<string, string | undefined>;
  dryRun: (name: string) => boolean;
  names: Set<string>;
  provider: string;
}

function metricOf(s: Source, value: unknown, path: Path, c: Context): unknown {
  const m = s.fields(value, path, { known: ["name", "interval", "initialDelay", "count", "successCondition", "failureCondition", "provider", ...LIMITS] });
  const at = (field: string): Path => [...path, field];
  /** Text of a field with arguments filled in, as Argo does everywhere in a metric. */
  const filled = (field: string): string | undefined =>
    s.text(m[field], at(field))?.replace(/\{\{\s*args\.([A-Za-z0-9_-]+)\s*\}\}/g, (whole, name: string) => {
      const known = c.values.get(name);
      if (known === undefined) s.refuse(at(field), `${whole} has no one value here.`, `Declare the argument, or give --arg ${name}=VALUE.`);
      return known ?? whole;
    });
  const name = s.text(m["name"], at("name")) ?? "";
  if (name === "") s.refuse(at("name"), "The metric has no name.", "Write name.");
  const time = (field: string): string | undefined => {
    const text = filled(field);
    return text === undefined || parseDurationMs(text) !== null ? text : s.refuse(at(field), `"${text}" is no duration.`, "Write such as 30s, 5m or 1h.");
  };
  const condition = (field: "successCondition" | "failureCondition"): string | undefined => {
    const text = filled(field);
    if (text === undefined || text === "") return undefined;
    const compiled = compileCondition(text);
    return compiled.ok ? text : s.refuse(at(field), `The condition can't be read: ${compiled.message}.`, "Write it with result, numbers, comparisons, and, or, not, len, isNaN, isInf, isNil, asInt, asFloat, default, all, any, none and one.");
  };
  const limits = Object.fromEntries(LIMITS.flatMap((field) => (m[field] === undefined ? [] : [[field, s.number(filled(field), at(field))]])));
  const label = labelOf(name, c.names);
  return {
    name: label,
    ...(label === name ? {} : { title: name }),
    source: sourceOf(s, m["provider"], at("provider"), c),
    interval: time("interval"),
    initialDelay: time("initialDelay"),
    count: m["count"] === undefined ? undefined : s.number(filled("count"), at("count")),
    successCondition: condition("successCondition"),
    failureCondition: condition("failureCondition"),
    ...limits,
    dryRun: c.dryRun(name),
  };
}

function sourceOf(s: Source, value: unknown, path: Path, c: Context): unknown {
  const provider = s.fields(value, path, { known: ["prometheus"], refused: Object.fromEntries(["job", "web", "datadog", "newRelic", "wavefront", "kayenta", "cloudWatch", "graphite", "influxdb", "skywalking", "plugin"].map((p) => [p, PROVIDER_REMEDY])) });
  if (provider["prometheus"] === undefined) {
    if (Object.keys(provider).length === 0) s.refuse(path, "The metric has no provider.", PROVIDER_REMEDY);
    return undefined;
  }
  const at: Path = [...path, "prometheus"];
  const p = s.fields(provider["prometheus"], at, {
    known: ["query", "address", "insecure"],
    noted: PROMETHEUS_NOTES,
    refused: { rangeQuery: "Write the query over a range as one value, such as max_over_time(…[5m:1m])." },
  });
  if (p["insecure"] === true) s.refuse([...at, "insecure"], "insecure can't be carried over: certificates are always checked.", "Remove it, and give the server a certificate that can be checked.");
  const address = s.text(p["address"], [...at, "address"]);
  if (address !== undefined) s.note([...at, "address"], `the Prometheus setting "${c.provider}" holds the address ${address}`);
  const query = s.text(p["query"], [...at, "query"]);
  if (query === undefined) return s.refuse([...at, "query"], "There is no query.", "Write query.");
  return { from: "prometheus", provider: c.provider, query: query.trim() };
}
