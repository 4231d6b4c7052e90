import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "../base/json";
import { HIDDEN_VALUE, diffManifests, fillHidden, hideEnvironment, manifestDigest, manifestJsonSchema, manifestYaml, readManifests, templateDigest } from "./index";
import type { Manifest, WorkloadManifest } from "./index";

const sha256 = (t: string) => createHash("sha256").update(t).digest("hex");
const digest = `sha256:${"a".repeat(64)}`;
const good = `apiVersion: holdfast.dev/v1
kind: Workload
metadata:
  name: digits
spec:
  kind: inference
  replicas: 3
  selector: site.kind == "edge"
  template:
    engine:
      type: process
      command: ["\${node}", "serve.cjs", "\${artifact.model}"]
    artifacts:
      - name: model
        digest: ${digest}
    env:
      MODE: fast
      KEY: {secret: api-key}
    ports:
      - name: http
    health:
      probe: {type: http, path: /health}
`;
const only = (text: string) => readManifests(text, "default");
const workload = (text = good): WorkloadManifest => only(text).manifests[0]?.manifest as WorkloadManifest;

describe("reading manifests", () => {
  // Guarantee: a good manifest is read with its defaults filled in, and belongs to the project it is applied to.
  it("reads YAML and JSON alike", () => {
    const yaml = only(good);
    expect(yaml.errors).toEqual([]);
    const m = workload();
    expect(m.metadata.project).toBe("default");
    expect(m.spec.template.resources).toEqual({ cpuMillis: 100, memory: "64Mi", disk: "64Mi" });
    const json = only(JSON.stringify(m));
    expect(json.errors).toEqual([]);
    expect(json.manifests[0]?.manifest).toEqual(m);
  });

  // Guarantee: every error names the field, line and column, and what to write instead.
  it.each([
    ["an unknown field", good.replace("replicas: 3", "replica: 3"), "spec.replica", 7, 3, /no field "replica"/, /mean replicas/],
    ["an unknown nested field", good.replace("digest: sha", "digst: sha"), "spec.template.artifacts[0].digst", 15, 9, /no field "digst"/, /mean digest/],
    ["a wrong type", good.replace("replicas: 3", "replicas: three"), "spec.replicas", 7, 13, /a text, and should be a (whole )?number/, /number/],
    ["a missing field", good.replace(/ {6}command: .*\n/, ""), "spec.template.engine.command", 11, 7, /command is missing/, /list/],
    ["a value outside its range", good.replace("replicas: 3", "replicas: -1"), "spec.replicas", 7, 13, /too small/, /at least 0/],
    ["a value outside its list", good.replace("kind: inference", "kind: inferense"), "spec.kind", 6, 9, /can't be "inferense"/, /mean inference/],
    ["an unknown kind", good.replace("kind: Workload", "kind: Worklod"), "kind", 2, 7, /no kind "Worklod"/, /mean Workload/],
    ["a missing kind", good.replace("kind: Workload\n", ""), "kind", 1, 1, /kind is missing/, /Workload, PlacementPolicy/],
    ["a number as environment value", good.replace("MODE: fast", "MODE: 8080"), "spec.template.env.MODE", 17, 13, /environment value/, /"8080"/],
    ["a malformed digest", good.replace(digest, "sha256:abc"), "spec.template.artifacts[0].digest", 15, 17, /digest can't be/, /64 lower-case hex/],
    ["a bad name", good.replace("name: digits", "name: Digits_1"), "metadata.name", 4, 9, /name can't be/, /lower-case/],
    ["a bad version", good.replace("holdfast.dev/v1", "holdfast.dev/v2"), "apiVersion", 1, 13, /can't be/, /holdfast.dev\/v1/],
    ["a selector's attribute", good.replace('site.kind == "edge"', 'site.kimd == "edge"'), "spec.selector", 8, 18, /no "kimd"/, /mean kind/],
    ["a selector in quotes", good.replace('site.kind == "edge"', "'site.kimd == \"edge\"'"), "spec.selector", 8, 19, /no "kimd"/, /mean kind/],
    ["a selector in a block", good.replace('selector: site.kind == "edge"', 'selector: |\n    site.kind == "edge" &&\n    node.memoryMB > 5'), "spec.selector", 10, 10, /no "memoryMB"/, /mean memoryMiB/],
    ["a share of several devices", good.replace("  template:\n", "  template:\n    resources: {devices: {count: 2, shareMillis: 300}}\n"), "spec.template.resources.devices.shareMillis", 10, 50, /count is 2/, /count to 1/],
    ["a port that is not declared", good.replace("- name: http\n", "- name: web\n"), "spec.template.health.probe.port", 22, 14, /no port "http"/, /Declare it/],
    ["an artifact that is not declared", good.replace("${artifact.model}", "${artifact.modle}"), "spec.template.engine.command[2]", 12, 42, /no artifact "modle"/, /model/],
    ["status", `${good}status: {}\n`, "status", 23, 1, /no status/, /Leave/],
    ["another project", good.replace("name: digits", "name: digits\n  project: other"), "metadata.project", 5, 12, /project other/, /apply to other/],
    ["a duplicate key", good.replace("replicas: 3", "replicas: 3\n  replicas: 4"), "", 8, 3, /unique/, /Keep one/],
    ["a tab", good.replace("  replicas: 3", "\treplicas: 3"), "", 7, 1, /Tabs/i, /spaces/],
    ["an unknown step", "apiVersion: holdfast.dev/v1\nkind: RolloutStrategy\nmetadata: {name: s}\nspec:\n  waves:\n    - name: a\n      steps:\n        - {do: updat, percent: 5}\n", "spec.waves[0].steps[0].do", 8, 16, /no do "updat"/, /mean update/],
    ["waves after one that takes all", "apiVersion: holdfast.dev/v1\nkind: RolloutStrategy\nmetadata: {name: s}\nspec:\n  waves:\n    - name: a\n      steps: [{do: update, percent: 100}]\n    - name: b\n      steps: [{do: update, percent: 100}]\n", "spec.waves[0].name", 6, 13, /takes all units/, /selector/],
    ["an impossible limit", "apiVersion: holdfast.dev/v1\nkind: AnalysisTemplate\nmetadata: {name: a}\nspec:\n  metrics:\n    - {name: acc, metric: accuracy, min: 95}\n", "spec.metrics[0].min", 6, 42, /share from 0 to 1/, /0\.95/],
    ["no limit at all", "apiVersion: holdfast.dev/v1\nkind: AnalysisTemplate\nmetadata: {name: a}\nspec:\n  metrics:\n    - {name: acc, metric: accuracy}\n", "spec.metrics[0]", 6, 7, /can't be/, /at least one of max, min/],
    ["a jurisdiction", "apiVersion: holdfast.dev/v1\nkind: PlacementPolicy\nmetadata: {name: p}\nspec:\n  residency: [DE, Germany]\n", "spec.residency[1]", 5, 19, /no jurisdiction/, /ISO 3166/],
    ["a rule that forbids what another asks for", good.replace("replicas: 3", "replicas: 3\n  affinity: {apart: [{over: node}], together: [{with: digits, over: node}]}"), "spec.affinity.together[0]", 8, 48, /can't be together with digits over node/, /Leave one/],
    ["a preference for nobody", "apiVersion: holdfast.dev/v1\nkind: PlacementPolicy\nmetadata: {name: p}\nspec:\n  prefer: [{by: latency, clients: {}, weight: 5}]\n", "spec.prefer[0].clients", 5, 35, /clients can't be/, /Names 1 to 200 sites/],
    ["a time zone", "apiVersion: holdfast.dev/v1\nkind: Site\nmetadata: {name: s}\nspec:\n  kind: edge\n  jurisdiction: DE\n  timeZone: Mars/Olympus\n  uplink: {class: lte}\n", "spec.timeZone", 7, 13, /no time zone/, /IANA/],
    ["nothing", "# only a comment\n", "", 1, 1, /no object/, /apiVersion/],
    ["a list", "- a\n- b\n", "", 1, 1, /mapping/, /---/],
  ])("points at %s", (_what, text, path, line, column, message, remedy) => {
    const { errors } = only(text);
    expect(errors.map((e) => e.path)).toContain(path);
    const e = errors.find((x) => x.path === path);
    expect(e?.message).toMatch(message);
    expect(e?.remedy).toMatch(remedy);
    expect([e?.line, e?.column]).toEqual([line, column]);
  });

  // Guarantee: several objects are read in order, and one name twice is refused.
  it("reads several objects and refuses a name twice", () => {
    expect(only(`${good}---\n${good.replace("name: digits", "name: other")}`).manifests).toHaveLength(2);
    const twice = only(`${good}---\n${good}`);
    expect(twice.errors[0]).toMatchObject({ path: "metadata.name", line: 27, column: 9 });
  });

  // Guarantee: no text, however hostile, makes the reader throw.
  it("never throws", () => {
    const bits = ["apiVersion: holdfast.dev/v1\n", "kind: Workload\n", "kind: Site\n", "metadata:\n", "  name: a\n", "spec:\n", "  replicas: 1\n", "- x\n", "a: &a [*a]\n", "---\n", "? {a: b}\n", "\t", "'", '"', "{", "[", ": ", "!!binary x\n", "<<: *b\n", "__proto__: {a: 1}\n"];
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 200 }), fc.array(fc.constantFrom(...bits), { maxLength: 14 }).map((b) => b.join(""))), (text) => {
        const r = readManifests(text, "default");
        expect(Array.isArray(r.errors)).toBe(true);
        if (r.errors.length === 0) expect(r.manifests.length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });
  it("stops an alias bomb", () => {
    const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]", ...["b", "c", "d", "e", "f", "g"].map((n, i) => `${n}: &${n} [${Array(9).fill(`*${"abcdef"[i]}`).join(",")}]`)].join("\n");
    expect(only(bomb).errors.length).toBeGreaterThan(0);
  });
});

describe("digests, differences and hidden values", () => {
  // Guarantee: the digest depends on what is said, not on order, comments or spelled-out defaults.
  it("is the same for the same meaning", () => {
    const a = workload();
    const b = workload(good.replace("  replicas: 3\n", "").replace("  kind: inference", "  # a comment\n  kind: inference\n  priority: 100\n  replicas: 3"));
    expect(manifestDigest(a, sha256)).toBe(manifestDigest(b, sha256));
    expect(manifestDigest(workload(good.replace("MODE: fast", "MODE: slow")), sha256)).not.toBe(manifestDigest(a, sha256));
  });
  // Guarantee: only a changed kind or unit template asks for a restart of units.
  it("keeps the template's digest over replicas and policy", () => {
    expect(templateDigest(workload(good.replace("replicas: 3", "replicas: 9\n  policy: p")).spec, sha256)).toBe(templateDigest(workload().spec, sha256));
    expect(templateDigest(workload(good.replace("MODE: fast", "MODE: slow")).spec, sha256)).not.toBe(templateDigest(workload().spec, sha256));
  });
  // Guarantee: canonical JSON is RFC 8785 (its own example, section 3.2.3).
  it("writes canonical JSON", () => {
    expect(canonicalJson({ "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis" })).toBe(
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    );
    expect(canonicalJson([1e30, 4.5, 0.002, 1e-27, -0])).toBe("[1e+30,4.5,0.002,1e-27,0]");
  });
  // Guarantee: a difference names each changed field once; items are told apart by name.
  it("compares field by field", () => {
    const before = workload();
    const after = workload(good.replace("replicas: 3", "replicas: 5").replace(`- name: model\n        digest: ${digest}`, `- name: labels\n        digest: sha256:${"b".repeat(64)}\n      - name: model\n        digest: ${digest}`).replace("MODE: fast", "MODE: slow"));
    expect(diffManifests(before, after)).toEqual([
      { path: "spec.replicas", before: "3", after: "5" },
      { path: "spec.template.artifacts[labels].digest", before: null, after: `sha256:${"b".repeat(64)}` },
      { path: "spec.template.artifacts[labels].name", before: null, after: "labels" },
      { path: "spec.template.artifacts[labels].unpack", before: null, after: "none" },
      { path: "spec.template.env.MODE", before: "(hidden)", after: "(hidden, changed)" },
    ]);
    expect(diffManifests(before, before)).toEqual([]);
  });
  // Guarantee: what is shown has no environment values, and can be applied again without losing them.
  it("hides values and keeps them", () => {
    const m = workload();
    const shown = manifestYaml(m);
    expect(shown).not.toContain("MODE: fast");
    expect(shown).toContain(HIDDEN_VALUE);
    const again = only(shown);
    expect(again.errors).toEqual([]);
    const filled = fillHidden(again.manifests[0]?.manifest as Manifest, m);
    expect(filled).toEqual({ manifest: m, errors: [] });
    expect(fillHidden(hideEnvironment(m), null).errors).toHaveLength(1);
  });
  // Guarantee: the published schema is one, knows all five kinds and names no field twice.
  it("publishes one JSON Schema", () => {
    const text = JSON.stringify(manifestJsonSchema());
    for (const kind of ["Workload", "PlacementPolicy", "Site", "RolloutStrategy", "AnalysisTemplate"]) expect(text).toContain(`"const":"${kind}"`);
  });
});
