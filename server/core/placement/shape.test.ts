import { describe, expect, it } from "vitest";
import { placementPolicySpec } from "../manifest/placement-policy";
import { workloadSpec } from "../manifest/workload";
import { networkOf, nowhere, populationOf } from "./clients";
import { admitted, preferenceOf, previewShape, shapeOf, weighsMixture } from "./shape";
import { shape } from "./testing";

const digest = `sha256:${"a".repeat(64)}`;
const spec = (o: object = {}, template: object = {}) => workloadSpec.parse({ kind: "service", template: { engine: { type: "process", command: ["x"] }, ...template }, ...o });
const policySpec = (o: object = {}) => placementPolicySpec.parse(o);

// Guarantee: a shape asks for what the manifest and its policy say, and for nothing that they leave open.
describe("the shape of a revision", () => {
  it("is of the manifest alone where there is no policy", () => {
    expect(shapeOf("web", spec(), null)).toEqual({
      demand: { cpuMillis: 100, memoryBytes: 64 * 2 ** 20, diskBytes: 64 * 2 ** 20, devices: null }, engine: "process", arch: null, os: null, selector: null, artifacts: [], policy: null, prefer: [],
    });
  });

  it("holds platform, selector, artifacts and devices", () => {
    const s = shapeOf("web", spec({ platform: { arch: ["arm64"], os: ["linux"] }, selector: 'site.kind == "edge"' }, { artifacts: [{ name: "m", digest }], resources: { cpuMillis: 250, memory: "1Gi", disk: "2Gi", devices: { count: 2, model: "A" } } }), null);
    expect(s).toMatchObject({ arch: ["arm64"], os: ["linux"], artifacts: [digest], demand: { cpuMillis: 250, memoryBytes: 2 ** 30, diskBytes: 2 ** 31, devices: { count: 2, model: "A" } } });
    expect(s.selector?.text).toBe('site.kind == "edge"');
    expect(shapeOf("web", spec({ platform: { os: ["linux"] } }), null)).toMatchObject({ arch: null, os: ["linux"] });
    expect(shapeOf("web", spec({ platform: { arch: ["x64"] } }), null)).toMatchObject({ arch: ["x64"], os: null });
  });

  it("holds the rules and preferences of its policy", () => {
    const rule = 'node.labels["rack"] == "a"';
    const s = shapeOf("web", spec(), { name: "near", spec: policySpec({ require: [{ rule, because: "asked for" }, { rule }], residency: ["DE"], trustTierMin: "tpm", tolerate: [{ key: "gpu" }], spread: [{ over: "site", maxSkew: 2 }], prefer: [{ by: "rule", rule, weight: 3 }, { by: "pack", weight: 5 }, { by: "latency", clients: { kiel: 1 }, weight: 7 }] }) });
    expect(s.policy).toMatchObject({ name: "near", require: [{ selector: { text: rule }, because: "asked for" }, { selector: { text: rule }, because: null }], residency: ["DE"], trustTierMin: "tpm", tolerate: [{ key: "gpu" }], spread: [{ over: "site", maxSkew: 2 }] });
    expect(s.prefer).toMatchObject([{ by: "rule", selector: { text: rule }, weight: 3 }, { by: "pack", weight: 5 }, { by: "latency", clients: { sites: ["kiel"] }, weight: 7 }]);
    expect(shapeOf("web", spec(), { name: "open", spec: policySpec({ residency: [] }) }).policy).toEqual({ name: "open", require: [], residency: null, trustTierMin: null, tolerate: [], spread: [] });
  });

  // Guarantee: a workload's own name, or none, means its own units; what is sent to nobody goes to clients outside.
  it("says whom its units keep apart from, stay with and send to", () => {
    const s = shapeOf("web", spec({ affinity: { apart: [{ over: "node" }, { from: "web", over: "site" }, { from: "db", over: "site" }], together: [{ with: "web", over: "site" }, { with: "cache", over: "node" }] }, traffic: [{ gibPerHour: 3 }, { to: "kiel", gibPerHour: 4 }] }), null);
    expect(s.apart).toEqual([{ from: null, over: "node" }, { from: null, over: "site" }, { from: "db", over: "site" }]);
    expect(s.together).toEqual([{ with: null, over: "site" }, { with: "cache", over: "node" }]);
    expect(s.sent).toEqual([{ to: null, gibPerHour: 3 }, { to: "kiel", gibPerHour: 4 }]);
    expect(shapeOf("web", spec({ affinity: {}, traffic: [] }), null)).toEqual(shapeOf("web", spec(), null));
  });

  it("of a preview asks for nothing but what is given", () => {
    const nothing = { demand: { cpuMillis: 0, memoryBytes: 0, diskBytes: 0, devices: null }, engine: "process", arch: null, os: null, selector: null, artifacts: [], policy: null, prefer: [] };
    expect(previewShape({})).toEqual(nothing);
    const selector = admitted("true");
    expect(previewShape({ selector })).toEqual({ ...nothing, selector });
    const policy = { name: "p", require: [], residency: ["DE"], trustTierMin: null, tolerate: [], spread: [] };
    expect(previewShape({ policy })).toEqual({ ...nothing, policy });
  });

  it("is weighed by a mixture where it prefers balance or little fragmentation", () => {
    expect((["pack", "warm", "cost", "balance", "fragmentation"] as const).filter((by) => weighsMixture(shape({ prefer: [{ by: "cost", weight: 1 }, { by, weight: 1 }] })))).toEqual(["balance", "fragmentation"]);
  });

  it("throws for a selector that was never admitted", () => {
    expect(() => admitted("node.")).toThrow(/^a stored selector does not compile: .+ \(node\.\)$/);
  });

  // Guarantee: without a network no client is linked to any site, and a client at the site itself waits for nothing.
  it("knows no way between sites where no network is given", () => {
    expect([nowhere.sites, nowhere.roundTrip("kiel", "fra")]).toEqual([[], Infinity]);
    const p = preferenceOf({ by: "latency", clients: { kiel: 1, fra: 3 }, weight: 1 }, nowhere);
    expect(p.by === "latency" && p.clients.waits).toEqual(new Map([["fra", { meanMs: 2_500, unreached: ["kiel"] }], ["kiel", { meanMs: 7_500, unreached: ["fra"] }]]));
  });
});

describe("clients", () => {
  const network = networkOf(["oslo", "kiel", "fra"], [{ siteA: "kiel", siteB: "fra", latencyMs: 20 }]);
  // Guarantee: populations that wait alike for every site have one key, in whatever order they were written; others have another.
  it("are known by what they wait", () => {
    const key = (clients: Record<string, number>, n = network) => populationOf(clients, n).key;
    expect(key({ kiel: 1, fra: 2 })).toBe(key({ fra: 2, kiel: 1 }));
    expect(new Set([key({ kiel: 1, fra: 2 }), key({ kiel: 2, fra: 1 }), key({ kiel: 1, oslo: 2 }), key({ kiel: 1 }), key({ kiel: 1, fra: 2 }, nowhere), key({ kiel: 1, fra: 2 }, networkOf(["kiel", "fra", "oslo"], []))]).size).toBe(6);
    expect(key({ kiel: 1 })).toBe(key({ kiel: 1 }, networkOf(["kiel", "fra", "oslo"], [{ siteA: "fra", siteB: "kiel", latencyMs: 20 }])));
    expect(JSON.parse(key({ kiel: 1 }))).toEqual([[["kiel", 1]], [["fra", 20], ["kiel", 0], ["oslo", 10_000]]]);
  });

  it("that are none wait for nothing", () => expect(populationOf({}, network).waits.get("kiel")).toEqual({ meanMs: 0, unreached: [] }));
});
