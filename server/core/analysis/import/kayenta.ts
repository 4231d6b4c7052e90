import type { AnalysisArgument } from "../../manifest/analysis";
import { labelOf, type Fields, type ImportOptions, type Imported, isFields, type Path, Source } from "./source";

const JUDGE = "NetflixACAJudge-v1.0";
const NOTES = { id: "made anew here", configVersion: "of the format it comes from", applications: "who may use it is said by the project", createdTimestamp: "made anew here", updatedTimestamp: "made anew here", createdTimestampIso: "made anew here", updatedTimestampIso: "made anew here" };

/** A canary configuration of Kayenta (JSON) as a template judged as its NetflixACAJudge does. */
export function importKayenta(document: Fields, prefix: string, taken: Set<string>, o: ImportOptions): Imported {
  const s = new Source(prefix);
  const top = s.fields(document, [], { known: ["name", "description", "judge", "metrics", "templates", "classifier"], noted: NOTES });
  judgeOf(s, top["judge"]);
  const classifier = s.fields(top["classifier"], ["classifier"], { known: ["groupWeights", "scoreThresholds"] });
  const limits = s.fields(classifier["scoreThresholds"], ["classifier", "scoreThresholds"], { known: ["pass", "marginal"] });
  for (const limit of ["pass", "marginal"]) if (limits[limit] === undefined) s.refuse(["classifier", "scoreThresholds", limit], `The configuration has no ${limit} score; Kayenta takes it from each request.`, `Write classifier.scoreThresholds.${limit}.`);
  const weights = isFields(classifier["groupWeights"]) ? classifier["groupWeights"] : {};
  const args = new Map<string, AnalysisArgument>();
  const names = new Set<string>();
  const context: Context = { templates: isFields(top["templates"]) ? top["templates"] : {}, args, names, o };
  const metrics = s.list(top["metrics"], ["metrics"]).map((m, i) => metricOf(s, m, ["metrics", i], context));
  const name = s.text(top["name"], ["name"]) ?? "canary";
  const manifest = s.manifest(labelOf(name, taken), name, s.text(top["description"], ["description"]), {
    judge: "kayenta",
    args: [...args.values()],
    metrics,
    groupWeights: Object.fromEntries(Object.entries(weights).map(([g, w]) => [g, s.number(w, ["classifier", "groupWeights", g])])),
    pass: s.number(limits["pass"], ["classifier", "scoreThresholds", "pass"]),
    marginal: s.number(limits["marginal"], ["classifier", "scoreThresholds", "marginal"]),
  });
  return { manifests: manifest ? [manifest] : [], notes: s.notes, problems: s.problems };
}

function judgeOf(s: Source, value: unknown): void {
  const judge = s.fields(value, ["judge"], { known: ["name", "judgeConfigurations"] });
  const name = s.text(judge["name"], ["judge", "name"]) ?? JUDGE;
  if (name === "dredd-v1.0") s.note(["judge", "name"], `${name} was never published; it is judged as ${JUDGE}, which took its place`);
  else if (name !== JUDGE) s.refuse(["judge", "name"], `The judge "${name}" is not known here.`, `Use ${JUDGE}.`);
  const settings = judge["judgeConfigurations"];
  if (isFields(settings)) for (const key of Object.keys(settings)) s.refuse(["judge", "judgeConfigurations", key], `${key} can't be carried over.`, `${JUDGE} has no settings: remove it.`);
}

interface Context {
  templates: Fields;
  args: Map<string, AnalysisArgument>;
  names: Set<string>;
  o: ImportOptions;
}

function metricOf(s: Source, value: unknown, path: Path, c: Context): unknown {
  const m = s.fields(value, path, { known: ["name", "query", "groups", "analysisConfigurations", "scopeName"], noted: { id: "made anew here" } });
  const scope = s.text(m["scopeName"], [...path, "scopeName"]) ?? "default";
  if (scope !== "default") s.refuse([...path, "scopeName"], `The scope "${scope}" can't be carried over: a template has one pair of scopes.`, "Import the metrics of each scope as a configuration of their own.");
  const all = s.fields(m["analysisConfigurations"], [...path, "analysisConfigurations"], { known: ["canary"] });
  const at: Path = [...path, "analysisConfigurations", "canary"];
  const canary = s.fields(all["canary"], at, { known: ["direction", "nanStrategy", "critical", "mustHaveData", "muted", "effectSize", "outliers"] });
  const name = s.text(m["name"], [...path, "name"]) ?? "";
  if (name === "") s.refuse([...path, "name"], "The metric has no name.", "Write name.");
  const label = labelOf(name, c.names);
  const groups = s.list(m["groups"], [...path, "groups"]).map((g, i) => s.text(g, [...path, "groups", i]));
  if (groups.length === 0) s.refuse([...path, "groups"], "The metric is in no group, and would count for nothing.", "Put it into a group.");
  return {
    name: label,
    ...(label === name ? {} : { title: name.slice(0, 120) }),
    source: { from: "prometheus", provider: c.o.provider, query: queryOf(s, m["query"], [...path, "query"], c) },
    groups,
    direction: s.choice(canary["direction"], [...at, "direction"], ["increase", "decrease", "either"]),
    nanStrategy: s.choice(canary["nanStrategy"], [...at, "nanStrategy"], ["remove", "replace"]),
    critical: s.flag(canary["critical"], [...at, "critical"]),
    mustHaveData: s.flag(canary["mustHaveData"], [...at, "mustHaveData"]),
    muted: s.flag(canary["muted"], [...at, "muted"]),
    effectSize: effectOf(s, canary["effectSize"], [...at, "effectSize"]),
    outliers: outliersOf(s, canary["outliers"], [...at, "outliers"]),
  };
}

function effectOf(s: Source, value: unknown, path: Path): unknown {
  if (value === undefined) return undefined;
  const sizes = ["allowedIncrease", "allowedDecrease", "criticalIncrease", "criticalDecrease"];
  const e = s.fields(value, path, { known: ["measure", ...sizes] });
  return { measure: s.choice(e["measure"], [...path, "measure"], ["meanRatio", "cles"]), ...Object.fromEntries(sizes.map((k) => [k, s.number(e[k], [...path, k])])) };
}

function outliersOf(s: Source, value: unknown, path: Path): unknown {
  if (value === undefined) return undefined;
  const x = s.fields(value, path, { known: ["strategy", "outlierFactor"] });
  return { strategy: s.choice(x["strategy"], [...path, "strategy"], ["keep", "remove"]), factor: s.number(x["outlierFactor"], [...path, "outlierFactor"]) };
}

const IGNORED = "Kayenta's Prometheus source has no such field and passes over it, and so is it here";

/** The PromQL that Kayenta would ask: a whole expression after "PromQL:", or the mean of a metric under all filters. */
function queryOf(s: Source, value: unknown, path: Path, c: Context): string | undefined {
  const q = s.fields(value, path, {
    known: ["type", "serviceType", "metricName", "labelBindings", "groupByFields", "customInlineTemplate", "customFilterTemplate", "customFilter", "resourceType"],
    noted: { aggregationPeriod: IGNORED, sumByFields: IGNORED },
  });
  const type = s.text(q["type"] ?? q["serviceType"], [...path, "type"]);
  if (type !== "prometheus") return s.refuse([...path, "type"], `Metrics of ${type ?? "an unnamed store"} can't be carried over.`, "Only prometheus is judged here: write the query for Prometheus.");
  if (q["resourceType"] !== undefined) s.refuse([...path, "resourceType"], "resourceType can't be carried over: it stands for labels of a cloud's machines.", "Write the labels as customInlineTemplate.");
  if (s.list(q["groupByFields"], [...path, "groupByFields"]).length > 0) s.refuse([...path, "groupByFields"], "groupByFields can't be carried over: it makes one metric into several.", "Write a metric for each, with its labels as customInlineTemplate.");
  const filter = filterOf(s, q, path, c);
  if (filter?.startsWith("PromQL:")) return filled(s, filter.slice(7).trim(), path, c);
  const metric = s.text(q["metricName"], [...path, "metricName"]);
  if (metric === undefined || metric === "") return s.refuse([...path, "metricName"], "There is neither a metric nor a whole expression.", "Write metricName, or customInlineTemplate: PromQL:….");
  const labels = s.list(q["labelBindings"], [...path, "labelBindings"]).map((l, i) => s.text(l, [...path, "labelBindings", i]) ?? "");
  if (filter === undefined && c.o.scopeLabel === undefined) return s.refuse(path, "The metric says neither by resource type nor by filter which instances are canary and which control; Kayenta takes it from each request.", "Give --scope-label LABEL with --canary-arg scope=VALUE and --stable-arg scope=VALUE, or write customInlineTemplate.");
  const scope = filter ?? `${c.o.scopeLabel ?? ""}="\${scope}"`;
  return filled(s, `avg(${metric}{${[scope, ...labels].filter(Boolean).join(",")}})`, path, c);
}

function filterOf(s: Source, q: Fields, path: Path, c: Context): string | undefined {
  const inline = s.text(q["customInlineTemplate"], [...path, "customInlineTemplate"]);
  if (inline !== undefined && inline !== "") return inline.replaceAll("$\\{", "${");
  const named = s.text(q["customFilterTemplate"], [...path, "customFilterTemplate"]);
  if (named === undefined) return s.text(q["customFilter"], [...path, "customFilter"]);
  const template = s.text(c.templates[named], ["templates", named]);
  return template ?? s.refuse([...path, "customFilterTemplate"], `There is no template "${named}".`, "Write it under templates.");
}

/** Placeholders as arguments: ${scope} becomes {{args.scope}}, with the value that the importer gave. */
function filled(s: Source, text: string, path: Path, c: Context): string {
  if (/<#|<@|\$\{[^}]*[^A-Za-z0-9_}][^}]*\}/.test(text)) s.refuse(path, "The template computes, which can't be carried over.", "Write plain placeholders such as ${scope}.");
  return text.replace(/\$\{([A-Za-z0-9_]+)\}/g, (_, name: string) => {
    if (!c.args.has(name)) {
      const found = s.argument(name, undefined, path, c.o);
      // Asked for once is enough: the placeholder may stand in every metric.
      c.args.set(name, found ?? { name, value: "" });
    }
    return `{{args.${name}}}`;
  });
}
