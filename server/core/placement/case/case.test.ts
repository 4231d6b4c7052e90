import fs from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { placementCaseSchema, readCase, runCase } from "./index";

const run = (input: unknown) => {
  const { value, errors } = readCase(input);
  if (!value) throw new Error(JSON.stringify(errors));
  return runCase(value);
};
const node = (name: string, o: object = {}) => ({ name, cpuMillis: 1_000, memory: "1Gi", disk: "1Gi", ...o });
const docs = path.resolve(import.meta.dirname, "../../../../docs");

describe("a placement case", () => {
  it("is answered with placements, reasons and what is refused", () => {
    const a = run({ nodes: [node("a"), node("b", { jurisdiction: "FR" }), node("c", { state: "cordoned" })], policies: { home: { residency: ["DE"] } }, workloads: [{ name: "web", replicas: 1, cpuMillis: 100, policy: "home" }] });
    expect(a.placements).toMatchObject([{ unit: "web-1", node: "a", feasible: 1, because: "a is the only node that can take it.", refused: [{ code: "not_active", nodes: 1 }, { code: "residency", nodes: 1 }] }]);
    expect(a.units).toEqual([{ unit: "web-1", workload: "web", node: "a" }]);
    expect(a.atRest).toBe(true);
  });
  // Guarantee (5), end to end: the least of lower priority goes, and the one that it went for gets the room.
  it("names victims, and places what they make way for", () => {
    const a = run({ nodes: [node("a"), node("b")], workloads: [{ name: "low", replicas: 2, cpuMillis: 900, priority: 1 }, { name: "mid", replicas: 1, cpuMillis: 100, priority: 50 }, { name: "high", replicas: 1, cpuMillis: 500, priority: 99 }], units: [{ unit: "low-1", workload: "low", node: "a" }, { unit: "mid-1", workload: "mid", node: "a" }, { unit: "low-2", workload: "low", node: "b" }] });
    expect(a.victims).toHaveLength(1);
    expect(a.victims[0]?.workload).toBe("low");
    expect(a.units.map((u) => u.unit)).toContain("high-1");
    expect(a.placements.some((p) => p.workload === "low" && p.node === null)).toBe(true);
  });
  it("keeps gangs, quotas and divisions", () => {
    const nodes = [node("k1", { site: "kiel" }), node("k2", { site: "kiel" }), node("l1", { site: "lyon" })];
    expect(run({ nodes, workloads: [{ name: "gang", replicas: 4, cpuMillis: 1_000, gang: { minMember: 4 } }] }).units).toEqual([]);
    expect(run({ nodes, quotas: { q: { nominal: { cpuMillis: 250 } } }, workloads: [{ name: "w", replicas: 4, cpuMillis: 100, quota: "q" }] }).units).toHaveLength(2);
    const divided = run({ nodes, policies: { d: { divide: { by: "static", weights: { kiel: 1, lyon: 2 } } } }, workloads: [{ name: "w", replicas: 3, cpuMillis: 100, policy: "d" }] });
    expect(divided.units.filter((u) => u.node === "l1")).toHaveLength(2);
  });
  it("gives one answer to one case, however its nodes are ordered", () => {
    const nodes = Array.from({ length: 12 }, (_, i) => node(`n${i}`, { site: `s${i % 3}` }));
    const c = { nodes, workloads: [{ name: "a", replicas: 7, cpuMillis: 300 }, { name: "b", replicas: 9, cpuMillis: 200, priority: 200 }] };
    expect(run({ ...c, nodes: [...nodes].reverse() }).units).toEqual(run(c).units);
  });
  it("names what is wrong by its path", () => {
    const errors = readCase({ nodes: [node("a"), node("a")], workloads: [{ name: "w", policy: "p", selector: "nonsense(" }], units: [{ unit: "w-1", workload: "x", node: "z" }] }).errors.map((e) => e.path);
    expect(errors).toEqual(["nodes", "units.0.node", "units.0.workload", "workloads.0.policy", "workloads.0.selector"]);
    expect(readCase({ nodes: [{ name: "a" }] }).errors.map((e) => e.path)).toEqual(["nodes.0.cpuMillis", "workloads"]);
  });
  // Guarantee: of no device more is given than there is, also when units make way and when all is planned at once.
  it("places shares of devices and MIG slices, and says on which device", () => {
    const nodes = [node("a", { devices: { A100: 2 } }), node("b", { devices: { T4: 1 }, slices: { "1g.10gb": 2 } })];
    const share = (name: string, replicas: number, shareMillis: number, o: object = {}) => ({ name, replicas, cpuMillis: 10, devices: { shareMillis }, ...o });
    const a = run({ nodes, workloads: [{ name: "whole", replicas: 1, cpuMillis: 10, devices: { count: 1, model: "A100" }, priority: 300 }, share("half", 4, 500, { priority: 200 }), { name: "cut", replicas: 3, cpuMillis: 10, devices: { slice: "1g.10gb" } }], units: [{ unit: "half-1", workload: "half", node: "a" }, { unit: "half-2", workload: "half", node: "a" }] });
    const halves = a.placements.filter((p) => p.workload === "half");
    expect(halves.map((p) => [p.node, p.device])).toEqual([["b", { slot: 1, model: "" }], ["b", { slot: 1, model: "" }]]);
    expect(a.placements.filter((p) => p.workload === "whole").map((p) => [p.node, p.device])).toEqual([["a", undefined]]);
    expect(a.placements.filter((p) => p.workload === "cut").map((p) => p.node)).toEqual(["b", "b", null]);
    expect(a.victims).toEqual([]);
    const pressed = run({ nodes: [node("a", { devices: { A100: 1 } })], workloads: [share("low", 2, 400, { priority: 1 }), share("high", 1, 500, { priority: 9 })], units: [{ unit: "low-1", workload: "low", node: "a" }, { unit: "low-2", workload: "low", node: "a" }] });
    expect(pressed.victims.map((v) => v.unit)).toHaveLength(1);
    expect(pressed.placements.find((p) => p.unit === "high-1")).toMatchObject({ node: "a", device: { slot: 1, model: "" } });
    expect(pressed.placements.find((p) => p.workload === "low")?.candidates[0]?.because).toBe("a has no device with 400 thousandths left: the most on one is 100.");
  });
  it("starts all of a gang of shares or none", () => {
    const gang = (replicas: number) => run({ nodes: [node("a", { devices: { A100: 2 } })], workloads: [{ name: "g", replicas, cpuMillis: 10, devices: { shareMillis: 400 }, gang: { minMember: replicas } }] }).units.length;
    expect([gang(4), gang(5)]).toEqual([4, 0]);
  });
  it("refuses a share of several devices, and a slice of a model, by their fields", () => {
    expect(readCase({ nodes: [node("a")], workloads: [{ name: "w", devices: { shareMillis: 300, count: 2 } }, { name: "v", devices: { slice: "1g.10gb", model: "A100" } }] }).errors).toMatchObject([
      { path: "workloads.0.devices.shareMillis", message: "A share is of one device, and count is 2.", remedy: "Set count to 1 and run more units, or leave shareMillis out to ask for whole devices." }, { path: "workloads.1.devices.model" },
    ]);
  });
  // Guarantee: the published schema is the one that cases are read by, and the documented example is a case.
  it("is documented as it is read", () => {
    expect(JSON.parse(fs.readFileSync(path.join(docs, "place-case.schema.json"), "utf8"))).toEqual(JSON.parse(JSON.stringify(placementCaseSchema())));
    const example = /```json\n([\s\S]*?)```/.exec(fs.readFileSync(path.join(docs, "place-case.md"), "utf8"))?.[1] ?? "";
    expect(run(JSON.parse(example)).units).toHaveLength(4);
  });
});
