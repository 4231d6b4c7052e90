import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readManifests as readAsServer } from "../../server/core/manifest/read";
import { readManifests, splitObjects } from "./manifests";
import { withModel } from "./models";
import { linkShape, NODES, SITES } from "./plan";

const digest = `sha256:${"a".repeat(64)}`;
const folder = join(import.meta.dirname, "..");
const objects = readManifests(folder, () => digest);
const named = (kind: string, name: string) => objects.find((object) => object.kind === kind && object.name === name);

describe("the pilot's manifests", () => {
  // Guarantee: what the pilot applies is what the server's own reader accepts, selectors included.
  it.each(objects.map((object) => [`${object.kind}/${object.name}`, object] as const))("%s is accepted as it is", (_name, object) => {
    const { manifests, errors } = readAsServer(object.text, "default");
    expect(errors).toEqual([]);
    expect(manifests).toHaveLength(1);
  });

  // Guarantee: everything the pilot makes says that it is the pilot's, and simulated links say so.
  it("labels every object and every link", () => {
    for (const { document } of objects) expect((document["metadata"] as { labels: Record<string, string> }).labels).toEqual({ "holdfast.dev/pilot": "true" });
    const links = objects.flatMap(({ document }) => (document["spec"] as { links?: { simulated: boolean }[] }).links ?? []);
    expect(links).toHaveLength(5);
    expect(links.every((link) => link.simulated)).toBe(true);
  });

  it("names only objects that it has", () => {
    for (const { kind, document } of objects) {
      if (kind !== "Workload") continue;
      const { policy, rollout } = document["spec"] as { policy?: string; rollout?: string };
      if (policy !== undefined) expect(named("PlacementPolicy", policy)).toBeDefined();
      if (rollout !== undefined) expect(named("RolloutStrategy", rollout)).toBeDefined();
    }
    const text = JSON.stringify(named("RolloutStrategy", "digits-canary")?.document);
    for (const [, template] of text.matchAll(/"template":"([^"]+)"/g)) expect(named("AnalysisTemplate", template as string)).toBeDefined();
    for (const [, site] of text.matchAll(/site\.name == \\"([^"\\]+)\\"/g)) expect(SITES).toContain(site);
  });

  // Guarantee: two cloud regions, an on-prem cluster and three edge sites with different link classes and jurisdictions.
  it("describes the fleet of the first run", () => {
    const sites = objects.filter((object) => object.kind === "Site").map((object) => object.document["spec"] as { kind: string; jurisdiction: string; uplink: { class: string } });
    expect(sites.map((site) => site.kind)).toEqual(["cloud-region", "cloud-region", "on-prem", "edge", "edge", "edge"]);
    const edges = sites.filter((site) => site.kind === "edge");
    expect(new Set(edges.map((site) => site.uplink.class)).size).toBe(3);
    expect(edges.map((site) => site.jurisdiction)).toEqual(["DE", "NO", "KE"]);
    expect(new Set(objects.filter((object) => object.kind === "Site").map((object) => object.name))).toEqual(new Set(SITES));
    expect(NODES).toHaveLength((named("Workload", "digits")?.document["spec"] as { replicas: number }).replicas);
  });

  it("shapes each relay as the site's manifest says", () => {
    expect(linkShape(named("Site", "edge-nairobi") as (typeof objects)[number])).toEqual({ latencyMs: 280, lossPercent: 0.4, bandwidthMbps: 5, jitterMs: 20 });
    expect(linkShape(named("Site", "cloud-frankfurt") as (typeof objects)[number]).latencyMs).toBe(0.5);
  });

  it("says which file does not parse", () => {
    expect(() => splitObjects("kind: [", "broken.yaml")).toThrow("broken.yaml");
    expect(() => readManifests(folder, () => { throw new Error("no artifact"); })).toThrow("no artifact");
  });
});

describe("applying another model", () => {
  const other = `sha256:${"b".repeat(64)}`;
  // Guarantee: only the model changes; what people made of the manifest stays.
  it("changes the model's digest and nothing else", () => {
    const text = (named("Workload", "digits") as (typeof objects)[number]).text.replace("replicas: 9", "replicas: 5");
    const before = parse(text) as { spec: { template: { artifacts: { name: string; digest: string }[] } } };
    (before.spec.template.artifacts[1] as { digest: string }).digest = other;
    expect(parse(withModel(text, other))).toEqual(before);
  });

  it("refuses a manifest it could only damage", () => {
    const text = (named("Workload", "digits") as (typeof objects)[number]).text;
    expect(() => withModel(text.replace("    ports:", "    env: { A: masked }\n    ports:"), other)).toThrow("masked");
    expect(() => withModel(text.replace("name: model", "name: weights"), other)).toThrow('no artifact "model"');
  });
});
