import { describe, expect, test } from "vitest";
import { manifestYaml, readManifests } from "../../manifest";
import { importAnalysis, type ImportOptions } from "./index";

/**
 * Guarantee: the examples of Argo Rollouts' documentation and Kayenta's sample configurations import, and whatever
 * can't be carried over is refused by its field with a remedy; nothing is dropped in silence.
 */
const options: ImportOptions = { provider: "main", args: {}, canaryArgs: {}, stableArgs: {} };
const service = { ...options, args: { "service-name": "guestbook-svc.default.svc.cluster.local" } };
const said = (text: string, o: ImportOptions = options): string => importAnalysis(text, o).problems.map((p) => `${p.path}: ${p.message} ${p.remedy}`).join("\n");

// Argo Rollouts documentation, docs/features/analysis.md and docs/analysis/prometheus.md (argoproj/argo-rollouts, Apache-2.0).
const QUERY = `sum(irate(
            istio_requests_total{reporter="source",destination_service=~"{{args.service-name}}",response_code!~"5.*"}[5m]
          )) /
          sum(irate(
            istio_requests_total{reporter="source",destination_service=~"{{args.service-name}}"}[5m]
          ))`;
const prometheus = `provider:
      prometheus:
        address: "http://prometheus.example.com:{{args.prometheus-port}}"
        timeout: 40
        headers: [{key: X-Scope-OrgID, value: tenant_a}]
        query: |
          ${QUERY}`;
const template = (metrics: string, more = ""): string => `apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata:
  name: success-rate
spec:
  args:
  - name: service-name
  - name: prometheus-port
    value: 9090
${more}  metrics:
${metrics}`;
const successRate = template(`  - name: success-rate
    interval: 5m
    # NOTE: prometheus queries return results in the form of a vector.
    successCondition: result[0] >= 0.95
    failureLimit: 3
    ${prometheus}
`);

describe("Argo Rollouts", () => {
  test("the success-rate template of the documentation, with arguments, interval and failureLimit", () => {
    const r = importAnalysis(successRate, service);
    expect(r.problems).toEqual([]);
    expect(r.manifests).toHaveLength(1);
    expect(r.manifests[0]).toMatchObject({ kind: "AnalysisTemplate", metadata: { name: "success-rate" }, spec: { judge: "argo", args: [{ name: "service-name", value: "guestbook-svc.default.svc.cluster.local" }, { name: "prometheus-port", value: "9090" }], metrics: [{ name: "success-rate", interval: "5m", successCondition: "result[0] >= 0.95", failureLimit: 3, consecutiveErrorLimit: 4, source: { from: "prometheus", provider: "main" } }] } });
    expect(r.notes.map((n) => n.path)).toEqual(["timeout", "headers", "address"].map((f) => `spec.metrics[0].provider.prometheus.${f}`));
    // What is printed can be applied as it stands.
    expect(readManifests(r.manifests.map((m) => manifestYaml(m)).join("---\n"), "default").errors).toEqual([]);
  });

  test("count, interval, initialDelay, limits and several metrics at once, two of them dry runs by a regular expression", () => {
    const text = template(
      ["total-5xx-errors", "total-4xx-errors", "latency"]
        .map((name) => `  - name: ${name}\n    initialDelay: 1m\n    interval: 5m\n    count: "10"\n    failureCondition: result[0] >= {{args.limit}}\n    failureLimit: 3\n    inconclusiveLimit: 2\n    consecutiveErrorLimit: 5\n    consecutiveSuccessLimit: 4\n    ${prometheus}\n`)
        .join(""),
      "  - name: limit\n    value: '10'\n  dryRun:\n  - metricName: total-.*\n  measurementRetention:\n  - metricName: .*\n    limit: 20\n",
    );
    const r = importAnalysis(text, service);
    expect(r.problems).toEqual([]);
    const spec = r.manifests[0]?.spec;
    expect(spec?.judge === "argo" && spec.metrics.map((m) => [m.name, m.dryRun, m.count, m.failureCondition, m.failureLimit, m.inconclusiveLimit, m.consecutiveErrorLimit, m.consecutiveSuccessLimit])).toEqual([
      ["total-5xx-errors", true, 10, "result[0] >= 10", 3, 2, 5, 4],
      ["total-4xx-errors", true, 10, "result[0] >= 10", 3, 2, 5, 4],
      ["latency", false, 10, "result[0] >= 10", 3, 2, 5, 4],
    ]);
    expect(r.notes.map((n) => n.path)).toContain("spec.measurementRetention");
  });

  test("a ClusterAnalysisTemplate and several documents; equal names get numbers", () => {
    const r = importAnalysis(`${successRate}\n---\n${successRate.replace("kind: Analysis", "kind: ClusterAnalysis")}`, service);
    expect(r.problems).toEqual([]);
    expect(r.manifests.map((m) => m.metadata.name)).toEqual(["success-rate", "success-rate-2"]);
  });

  test("an argument may differ between canary and stable, and replaces what a cluster would look up", () => {
    const text = successRate.replace("  - name: service-name\n", "  - name: service-name\n    valueFrom:\n      podTemplateHashValue: Latest\n");
    expect(said(text)).toMatch(/spec\.args\[0\]\.valueFrom\.podTemplateHashValue: .*--arg service-name=VALUE/);
    const r = importAnalysis(text, { ...options, canaryArgs: { "service-name": "r{{revision}}" }, stableArgs: { "service-name": "r1" } });
    expect(r.manifests[0]?.spec).toMatchObject({ args: [{ name: "service-name", canary: "r{{revision}}", stable: "r1" }, {}] });
  });

  // examples/analysis-templates.yaml of Argo Rollouts judges by Kubernetes jobs.
  const job = "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: pass}\nspec:\n  metrics:\n  - name: pass\n    count: 1\n    provider:\n      job: {spec: {}}\n";
  test.each<[string, string, ImportOptions, RegExp]>([
    ["an argument without a value", successRate, options, /spec\.args\[0\]: The argument "service-name" has no value\. Give --arg service-name=VALUE/],
    ["a job", job, service, /spec\.metrics\[0\]\.provider\.job: job can't be carried over\. Only prometheus/],
    ["a secret", successRate.replace("  - name: service-name\n", "  - name: t\n    valueFrom: {secretKeyRef: {name: a, key: b}}\n  - name: service-name\n"), service, /spec\.args\[0\]\.valueFrom\.secretKeyRef: .*keeps it encrypted/],
    ["a range query", successRate.replace("        timeout: 40\n", "        rangeQuery: {start: now(), end: now(), step: 1m}\n"), service, /prometheus\.rangeQuery: rangeQuery can't be carried over\. Write the query over a range as one value/],
    ["unchecked certificates", successRate.replace("        timeout: 40\n", "        insecure: true\n"), service, /prometheus\.insecure: .*certificate/],
    ["a condition beyond the grammar", successRate.replace("result[0] >= 0.95", "max(result) >= 0.95"), service, /spec\.metrics\[0\]\.successCondition: The condition can't be read: there is no function "max"/],
    ["an argument that is not declared", successRate.replace("failureLimit: 3", 'failureLimit: "{{args.f}}"'), service, /failureLimit: \{\{args\.f\}\} has no one value here/],
    ["a dry run of nothing", successRate.replace("  metrics:", "  dryRun: [{metricName: nothing}]\n  metrics:"), service, /spec\.dryRun\[0\]\.metricName: No metric's name matches "nothing"/],
    ["templates of templates", successRate.replace("  metrics:", "  templates: [{templateName: a}]\n  metrics:"), service, /spec\.templates: templates can't be carried over\. Import the templates/],
    ["a field nobody knows", successRate.replace("    interval: 5m", "    intervall: 5m"), service, /spec\.metrics\[0\]\.intervall: intervall can't be carried over/],
    ["a duration of Go", successRate.replace("interval: 5m", "interval: 5us"), service, /interval: "5us" is no duration/],
    ["a Rollout", successRate.replace("kind: AnalysisTemplate", "kind: Rollout"), service, /kind: Rollout can't be carried over/],
    ["something else", "kind: Deployment\napiVersion: apps/v1\n", options, /apiVersion: This is neither/],
    ["no YAML", "a: [1", options, /neither YAML nor JSON/],
    ["nothing", "", options, /There is no object/],
  ])("%s is refused by name", (_name, text, o, expected) => {
    expect(said(text, o)).toMatch(expected);
    expect(importAnalysis(text, o).manifests).toEqual([]);
  });
});

// Kayenta, scratch/prometheus_canary_config.json (spinnaker/kayenta, Apache-2.0).
const sample = { name: "MySamplePrometheusCanaryConfig", description: "Example Automated Canary Analysis (ACA) Configuration using Prometheus", configVersion: 1.0, judge: { name: "dredd-v1.0", judgeConfigurations: {} }, metrics: [{ name: "cpu", query: { type: "prometheus", metricName: "node_cpu", aggregationPeriod: "60s", labelBindings: ['mode=~"user|system"', 'job="node"'], sumByFields: ["mode"] }, analysisConfigurations: {}, groups: ["system"] }], classifier: { groupWeights: { system: 100.0 }, scoreThresholds: { pass: 95.0, marginal: 75.0 } } };
// Kayenta, kayenta-integration-tests/…/canary-configs/prometheus/integration-test-cpu.json and muted-metric.json.
const metric = (name: string, metricName: string, canary: object) => ({ name, query: { type: "prometheus", metricName, customFilterTemplate: "standard-template" }, analysisConfigurations: { canary }, groups: ["pod-group"], scopeName: "default" });
const integration = { name: "integration-test-canary-config", description: "A very simple config for integration testing", judge: { judgeConfigurations: {}, name: "NetflixACAJudge-v1.0" }, metrics: [metric("Failing metric", "integration_failing_metric", { critical: true, muted: true, direction: "increase" }), metric("Successful metric", "integration_successful_metric", { critical: true, direction: "increase" })], templates: { "standard-template": "namespace='${namespace}', scope='${scope}'" }, classifier: { groupWeights: { "pod-group": 100 }, scoreThresholds: { marginal: 50, pass: 75 } } };
const scopes = { ...options, args: { namespace: "prod" }, canaryArgs: { scope: "web-{{revision}}" }, stableArgs: { scope: "web-{{revision}}" } };

describe("Kayenta", () => {
  test("the sample configuration of the scratch folder, with the scope that its requests give", () => {
    const r = importAnalysis(JSON.stringify(sample), { ...scopes, scopeLabel: "instance" });
    expect(r.problems).toEqual([]);
    expect(r.manifests[0]).toMatchObject({ metadata: { name: "mysampleprometheuscanaryconfig", title: "MySamplePrometheusCanaryConfig" }, spec: { judge: "kayenta", pass: 95, marginal: 75, groupWeights: { system: 100 }, metrics: [{ name: "cpu", groups: ["system"], direction: "either", nanStrategy: "remove", critical: false, source: { query: 'avg(node_cpu{instance="{{args.scope}}",mode=~"user|system",job="node"})' } }] } });
    expect(r.notes.map((n) => n.path)).toEqual(["configVersion", "judge.name", "metrics[0].query.aggregationPeriod", "metrics[0].query.sumByFields"]);
    expect(readManifests(r.manifests.map((m) => manifestYaml(m)).join("---\n"), "default").errors).toEqual([]);
  });

  test("a configuration with groups, critical and muted metrics and a filter template", () => {
    const r = importAnalysis(JSON.stringify(integration), scopes);
    expect(r.problems).toEqual([]);
    expect(r.manifests[0]?.spec).toMatchObject({
      pass: 75, marginal: 50,
      args: [{ name: "namespace", value: "prod" }, { name: "scope", canary: "web-{{revision}}", stable: "web-{{revision}}" }],
      metrics: [{ name: "failing-metric", title: "Failing metric", muted: true, critical: true, direction: "increase", source: { query: "avg(integration_failing_metric{namespace='{{args.namespace}}', scope='{{args.scope}}'})" } }, { name: "successful-metric", muted: false }],
    });
  });

  const changed = (query: object, canary: object = {}, more: object = {}): string => JSON.stringify({ ...integration, ...more, metrics: [{ ...metric("m", "up", { direction: "increase", ...canary }), query: { type: "prometheus", metricName: "up", customInlineTemplate: "a='${scope}'", ...query } }] });
  test("NaN strategy, effect sizes, outliers, and a whole expression", () => {
    const r = importAnalysis(changed({ customInlineTemplate: "PromQL:histogram_quantile(0.99, sum(rate(d_bucket{a='$\\{scope}'}[1m])) by (le))" }, { nanStrategy: "replace", effectSize: { measure: "cles", allowedIncrease: 0.6, criticalIncrease: "0.8" }, outliers: { strategy: "remove", outlierFactor: 2 }, mustHaveData: true }), scopes);
    expect(r.problems).toEqual([]);
    expect(r.manifests[0]?.spec).toMatchObject({ metrics: [{ nanStrategy: "replace", mustHaveData: true, effectSize: { measure: "cles", allowedIncrease: 0.6, criticalIncrease: 0.8 }, outliers: { strategy: "remove", factor: 2 }, source: { query: "histogram_quantile(0.99, sum(rate(d_bucket{a='{{args.scope}}'}[1m])) by (le))" } }] });
  });

  test.each<[string, string, ImportOptions, RegExp]>([
    ["a metric without scope", JSON.stringify(sample), scopes, /metrics\[0\]\.query: .*--scope-label LABEL/],
    ["a scope without value", JSON.stringify(integration), options, /metrics\[0\]\.query: The argument "scope" has no value/],
    ["another store", changed({ type: "stackdriver" }), scopes, /metrics\[0\]\.query\.type: Metrics of stackdriver can't be carried over/],
    ["groups of series", changed({ groupByFields: ["zone"] }), scopes, /groupByFields: .*a metric for each/],
    ["a resource type", changed({ resourceType: "gce_instance" }), scopes, /resourceType: .*customInlineTemplate/],
    ["a template that computes", changed({ customInlineTemplate: "<#if scope??>a</#if>" }), scopes, /The template computes/],
    ["a template that is not there", changed({ customInlineTemplate: undefined, customFilterTemplate: "x" }), scopes, /customFilterTemplate: There is no template "x"/],
    ["another direction", changed({}, { direction: "up" }), scopes, /direction: "up" is not known here\. Write one of increase, decrease, either/],
    ["a field of the judge nobody knows", changed({}, { tolerance: 0.1 }), scopes, /analysisConfigurations\.canary\.tolerance: tolerance can't be carried over/],
    ["another judge", changed({}, {}, { judge: { name: "RandomDummyJudge" } }), scopes, /judge\.name: The judge "RandomDummyJudge" is not known here/],
    ["no limits", changed({}, {}, { classifier: {} }), scopes, /classifier\.scoreThresholds\.pass: .*from each request/],
    ["weights that don't fit", changed({}, {}, { classifier: { groupWeights: { other: 50 }, scoreThresholds: { pass: 95, marginal: 75 } } }), scopes, /groupWeights\.other: No metric is in group "other"/],
  ])("%s is refused by name", (_name, text, o, expected) => {
    expect(said(text, o)).toMatch(expected);
    expect(importAnalysis(text, o).manifests).toEqual([]);
  });
});
