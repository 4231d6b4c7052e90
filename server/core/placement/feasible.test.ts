import { describe, expect, it } from "vitest";
import { misplacement, nodeReasons, reasonsAgainst } from "./feasible";
import type { Standing } from "./feasible";
import type { FleetNode } from "./fleet";
import type { ApartRule, Shape } from "./shape";
import { noLoad } from "./demand";
import { demand, nodeOf, policy, selectorOf, shape } from "./testing";

const MIB = 2 ** 20;
const NOW = 1_000_000;
const texts = (s: Shape, node: FleetNode) => nodeReasons(s, node, NOW).map((r) => `${r.code}: ${r.text}`);

// Guarantee: every rule about a node that a unit breaks is named, in words that say what the node is and what was asked.
describe("what a node alone has against a unit", () => {
  const rack = (because: string | null) => policy({ require: [{ selector: selectorOf('node.labels["rack"] == "a"'), because }] });
  it.each<[string, Partial<Shape>, Parameters<typeof nodeOf>[0], string[]]>([
    ["nothing", {}, { name: "a" }, []],
    ["state", {}, { name: "a", desiredState: "draining" }, ["not_active: a is draining."]],
    ["silence", {}, { name: "a", contact: "silent", lastSeenMs: NOW - 120_000 }, ["silent: a has been silent for 2 min."]],
    ["silence since nobody knows when", {}, { name: "a", contact: "silent", lastSeenMs: null }, ["silent: a has been silent for less than 1 s."]],
    ["nothing but that it never came", { arch: ["arm64"], os: ["darwin"] }, { name: "a", contact: "never", engines: [] }, ["not_connected: a has not connected yet."]],
    ["engines", {}, { name: "a", engines: ["docker", "podman"] }, ["engine: a offers docker, podman, and the unit needs process."]],
    ["no engine", {}, { name: "a", engines: [] }, ["engine: a offers no engine, and the unit needs process."]],
    ["architecture", { arch: ["arm64", "riscv"] }, { name: "a" }, ["arch: a is x64, and the unit was built for arm64, riscv."]],
    ["an architecture that is not known", { arch: ["arm64"] }, { name: "a", arch: "" }, ["arch: a is of unknown architecture, and the unit was built for arm64."]],
    ["system", { os: ["darwin", "freebsd"] }, { name: "a" }, ["os: a runs linux, and the unit was built for darwin, freebsd."]],
    ["a system that is not known", { os: ["darwin"] }, { name: "a", os: "" }, ["os: a runs an unknown system, and the unit was built for darwin."]],
    ["trust", { policy: policy({ trustTierMin: "tpm" }) }, { name: "a" }, ["trust: a has trust tier software, and policy p asks for tpm at least."]],
    ["a tier nobody knows, which is the lowest", { policy: policy({ trustTierMin: "software" }) }, { name: "a", trustTier: "odd" }, ["trust: a has trust tier odd, and policy p asks for software at least."]],
    ["residency", { policy: policy({ residency: ["FR", "US-CA"] }) }, { name: "a" }, ["residency: a is in DE, and policy p allows FR, US-CA."]],
    ["a part of what is allowed is allowed", { policy: policy({ residency: ["DE"] }) }, { name: "a", jurisdiction: "DE-BY" }, []],
    ["the whole of which a part is allowed is not", { policy: policy({ residency: ["DE-BY"] }) }, { name: "a" }, ["residency: a is in DE, and policy p allows DE-BY."]],
    ["a code that only begins alike is another", { policy: policy({ residency: ["D"] }) }, { name: "a" }, ["residency: a is in DE, and policy p allows D."]],
    ["the first taint that is not tolerated", { policy: policy({ tolerate: [{ key: "gpu", value: "x" }] }) }, { name: "a", taints: [{ key: "gpu", value: "x" }, { key: "gpu", value: "y" }, { key: "edge" }] }, ["taint: a has the taint gpu=y, which is not tolerated."]],
    ["a taint without a value", {}, { name: "a", taints: [{ key: "edge" }] }, ["taint: a has the taint edge, which is not tolerated."]],
    ["another taint than the one that is tolerated", { policy: policy({ tolerate: [{ key: "gpu" }] }) }, { name: "a", taints: [{ key: "edge" }] }, ["taint: a has the taint edge, which is not tolerated."]],
    ["a rule with its reason", { policy: rack("power") }, { name: "a", labels: { rack: "b" } }, ['rule: a does not satisfy "power" of policy p.']],
    ["a rule without one", { policy: rack(null) }, { name: "a", labels: { rack: "b" } }, ['rule: a does not satisfy node.labels["rack"] == "a" of policy p.']],
    ["the selector", { selector: selectorOf('node.name == "b"') }, { name: "a" }, ['selector: a does not match node.name == "b".']],
    ["several things, the decisive one first", { arch: ["arm64"], policy: policy({ residency: ["FR"] }), selector: selectorOf('node.name == "b"') }, { name: "a", desiredState: "cordoned" }, ["not_active: a is cordoned.", "arch: a is x64, and the unit was built for arm64.", "residency: a is in DE, and policy p allows FR.", 'selector: a does not match node.name == "b".']],
  ])("%s", (_what, s, node, expected) => expect(texts(shape(s), nodeOf(node))).toEqual(expected));

  it("says why a rule could not be judged", () => {
    const strange = selectorOf('node.labels["rack"] == "a"');
    const node = nodeOf({ name: "a" });
    const { note } = strange.test(node.subject);
    expect(note).toBeTruthy();
    expect(texts(shape({ selector: strange, policy: policy({ require: [{ selector: strange, because: "named so" }] }) }), node)).toEqual([`rule: a does not satisfy "named so" of policy p: ${note}.`, `selector: a does not match ${strange.text}: ${note}.`]);
  });

  const at = (...names: string[]) => new Set(names);
  it.each<[NonNullable<Shape["together"]>[number], string | null]>([
    [{ with: "db", over: "site" }, null],
    [{ with: "db", over: "site", at: at("kiel", "fra") }, null],
    [{ with: "db", over: "node", at: at("node-a") }, null],
    [{ with: "db", over: "site", at: at() }, "a has no unit of db beside it: none runs, and the unit stays with them."],
    [{ with: null, over: "site", at: at("fra") }, "a is at kiel, which has no unit of its workload, and the unit stays at sites that have one (fra)."],
    [{ with: "db", over: "site", at: at("lyon", "fra", "bern") }, "a is at kiel, which has no unit of db, and the unit stays at sites that have one (bern, fra, lyon)."],
    [{ with: "db", over: "site", at: at("oslo", "lyon", "fra", "bern", "rome") }, "a is at kiel, which has no unit of db, and the unit stays at sites that have one (bern, fra, lyon and 2 more)."],
    [{ with: "db", over: "node", at: at("node-b", "kiel") }, "a has no unit of db, and the unit stays on nodes that have one."],
    [{ with: null, over: "site", at: at("fra"), starts: true }, "a is at kiel, and the units of its workload stay together at one site: they start at another (fra)."],
    [{ with: null, over: "site", at: at(), starts: true }, "a is at kiel, and the units of its workload stay together at one site: they start at another."],
    [{ with: null, over: "node", at: at("node-b"), starts: true }, "The units of its workload stay together on one node, and they start on another than a."],
  ])("together %j: %s", (rule, text) => expect(nodeReasons(shape({ together: [rule] }), nodeOf({ name: "a" }), NOW).map((r) => r.text)).toEqual(text === null ? [] : [text]));
});

// Guarantee: whether a unit may stay depends on what the node is now, however often it was asked before.
describe("misplacement", () => {
  const s = shape({ arch: ["x64"], os: ["linux"], policy: policy({ trustTierMin: "software", residency: ["DE"] }) });
  const node = nodeOf({ name: "a" });
  it.each<[Partial<FleetNode>, string | undefined]>([
    [{ arch: "arm64" }, "arch"],
    [{ os: "darwin" }, "os"],
    [{ trustTier: "none" }, "trust"],
    [{ jurisdiction: "FR" }, "residency"],
    [{ engines: [] }, "engine"],
    [{ contact: "never" }, undefined],
    [{ desiredState: "cordoned" }, undefined],
    [{ taints: [{ key: "new" }] }, undefined],
  ])("after %j", (change, code) => {
    const before = { ...node, arch: "x64" };
    expect(misplacement(s, before, NOW)).toBeUndefined();
    expect(misplacement(s, { ...before, version: 9 }, NOW)).toBeUndefined();
    expect(misplacement(s, { ...before, ...change }, NOW)?.code).toBe(code);
    expect(misplacement(s, before, NOW)).toBeUndefined();
  });
  it("calls a node by the name that it has now, and judges one once it has come", () => {
    const wrong = { ...node, arch: "arm64" };
    expect(misplacement(s, wrong, NOW)?.text).toContain("a is arm64");
    expect(misplacement(s, { ...wrong, name: "b" }, NOW)?.text).toContain("b is arm64");
    expect(misplacement(s, { ...wrong, contact: "never" }, NOW)).toBeUndefined();
    expect(misplacement(s, wrong, NOW)?.code).toBe("arch");
    expect(misplacement(s, { ...wrong, contact: "silent" }, NOW)?.code).toBe("arch");
  });
  it("remembers what it found as long as nothing of it has changed", () => {
    const wrong = { ...node, arch: "arm64" };
    const found = misplacement(s, wrong, NOW);
    expect(misplacement(s, { ...wrong, version: 2, load: { ...noLoad, cpuMillis: 5 } }, NOW)).toBe(found);
    expect(misplacement(shape({ arch: ["arm64"] }), wrong, NOW)).toBeUndefined();
  });
});

describe("what stands in the way at the moment", () => {
  const node = nodeOf({ name: "a", capacity: { cpuMillis: 1_000, memoryBytes: 10 * MIB, diskBytes: 10 * MIB, devices: { A: 2 }, extra: { licence: 1, "mig-1g.10gb": 2, "mig-7g.80gb": 1 } } });
  const now = (o: Partial<Standing> = {}): Standing => ({ load: noLoad, count: () => 0, ...o });
  const told = (s: Partial<Shape>, standing = now(), limits: Parameters<typeof reasonsAgainst>[4] = [], avoid?: ReadonlySet<string>) => reasonsAgainst({ unit: "u", shape: shape(s), ...(avoid ? { avoid } : {}) }, node, [], standing, limits).map((r) => `${r.code}: ${r.text}`);

  // Guarantee: what is short is said with what is left and what was asked for, in the unit people write it in.
  it.each<[string, Partial<Shape["demand"]>, Partial<Standing["load"]>, string[]]>([
    ["nothing", {}, {}, []],
    ["CPU", { cpuMillis: 600 }, { cpuMillis: 500 }, ["cpu: a has 500m of CPU left, and the unit asks for 600m."]],
    ["less than none", { cpuMillis: 600 }, { cpuMillis: 1_500 }, ["cpu: a has 0m of CPU left, and the unit asks for 600m."]],
    ["memory", { memoryBytes: 12 * MIB }, { memoryBytes: 2.5 * MIB }, ["memory: a has 7 MiB of memory left, and the unit asks for 12 MiB."]],
    ["disk", { diskBytes: 11 * MIB }, {}, ["disk: a has 10 MiB of disk left, and the unit asks for 11 MiB."]],
    ["devices", { devices: { count: 3, model: null } }, { devices: { A: 1 } }, ["device: a has 1 of devices left, and the unit asks for 3."]],
    ["devices of a model", { devices: { count: 1, model: "B" } }, {}, ["device: a has 0 of devices left of model B, and the unit asks for 1."]],
    ["a share", { devices: { count: 1, model: "A", shareMillis: 600 } }, { devices: { A: 2 }, shared: [{ slot: 1, model: "A", millis: 500 }] }, ["device: a has no device of model A with 600 thousandths left: the most on one is 500."]],
    ["a share of any", { devices: { count: 1, model: null, shareMillis: 600 } }, { devices: { A: 2 } }, ["device: a has no device with 600 thousandths left: the most on one is 0."]],
    ["other things", { extra: { licence: 2 } }, {}, ["resource: a has 1 of licence left, and the unit asks for 2."]],
    ["slices that are taken", { extra: { "mig-1g.10gb": 2 } }, { extra: { "mig-1g.10gb": 1 } }, ["resource: a has 1 of its 2 slices 1g.10gb left, and the unit asks for 2."]],
    ["more slices than there are", { extra: { "mig-7g.80gb": 1 } }, { extra: { "mig-7g.80gb": 2 } }, ["resource: a has 0 of its 1 slice 7g.80gb left, and the unit asks for 1."]],
    ["a slice that is not offered", { extra: { "mig-2g.20gb": 1 } }, {}, ["resource: a offers no slice 2g.20gb."]],
  ])("%s", (_what, asks, load, expected) => expect(told({ demand: demand(asks) }, now({ load: { ...noLoad, ...load } }))).toEqual(expected));

  it("is where the unit moves away from", () => {
    expect(told({}, now(), [], new Set(["node-a"]))).toEqual(["leaving: a is what the unit moves away from."]);
    expect(told({}, now(), [], new Set(["node-b"]))).toEqual([]);
  });

  it("is a spread that one more would exceed", () => {
    const count: Standing["count"] = (over) => (over === "site" ? 3 : 1);
    expect(told({}, now({ count }), [{ over: "site", maxSkew: 2, least: 2 }, { over: "node", maxSkew: 2, least: 0 }])).toEqual([]);
    expect(told({}, now({ count }), [{ over: "site", maxSkew: 1, least: 2 }, { over: "node", maxSkew: 1, least: 0 }])).toEqual(["spread: kiel has 3 units, and another site has 2: one more would exceed a skew of 1.", "spread: a has 1 unit, and another node has 0: one more would exceed a skew of 1."]);
  });

  it("is who has to be elsewhere", () => {
    const count: Standing["count"] = (over, group) => (group === "db" ? 2 : group === null && over === "node" ? 1 : 0);
    const apart: ApartRule[] = [{ from: "db", over: "site" }, { from: null, over: "node" }, { from: null, over: "site" }, { from: "db", over: "node", theirs: true }];
    expect(told({ apart }, now({ count }))).toEqual(["apart: kiel has 2 units of db, which it keeps apart from.", "apart: a has 1 unit of its workload, which it keeps apart from.", "apart: a has 2 units of db, which keep apart from it."]);
    expect(told({ apart: [{ from: "db", over: "node", theirs: true }] }, now({ count: () => 1 }))).toEqual(["apart: a has 1 unit of db, which keeps apart from it."]);
  });
});
