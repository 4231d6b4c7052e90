import { describe, expect, it } from "vitest";
import { noLoad, withDemand } from "../demand";
import { demand, nodeOf } from "../testing";
import { preempt } from "./preempt";
import type { RunningUnit } from "./preempt";

const unit = (id: string, o: Partial<RunningUnit> = {}): RunningUnit => ({ id, version: 1, unit: id, workloadId: "w", workload: "w", nodeId: "", priority: 10, demand: demand({ cpuMillis: 500 }), startedAtMs: 0, ...o });
/** Full nodes in the order given, with their units; what is asked for is `cpuMillis` at priority 50. */
const told = (here: [string, RunningUnit[]][], cpuMillis = 1_000, budgets: [string, number][] = []) => {
  const sites = here.map(([name, list]) => ({ node: nodeOf({ name }), load: list.reduce((l, u) => withDemand(l, u.demand), noLoad) }));
  const p = preempt({ priority: 50, demand: demand({ cpuMillis, memoryBytes: 0, diskBytes: 0 }) }, sites, new Map(here.map(([name, list]) => [`node-${name}`, list])), new Map(budgets));
  return p && `${p.node}: ${p.victims.map((v) => v.id).join(" ")}`;
};
const whole = (id: string, o: Partial<RunningUnit> = {}) => unit(id, { demand: demand({ cpuMillis: 1_000 }), ...o });

// Guarantee: the least harm, in this order: the most important victim, the sum of priorities, how many, who started last, and the name; in whatever order nodes are given.
describe("which node makes room", () => {
  it.each<[string, [string, RunningUnit[]][], string]>([
    ["whose most important victim matters less", [["a", [whole("x", { priority: 12 })]], ["b", [unit("v", { priority: 11 }), unit("w", { priority: 11 })]]], "b: v w"],
    ["the smaller sum", [["a", [unit("v", { priority: 12 }), unit("w", { priority: 9 })]], ["b", [unit("x", { priority: 12 }), unit("y", { priority: 8 })]]], "b: x y"],
    ["a negative sum is smaller", [["a", [unit("v", { priority: -1 }), unit("w", { priority: -2 })]], ["b", [unit("x", { priority: -1 }), unit("y", { priority: -3 })]]], "b: x y"],
    ["fewer, where sums are equal", [["a", [unit("v", { priority: 0 }), unit("w", { priority: 0 })]], ["b", [whole("x", { priority: 0 })]]], "b: x"],
    ["whose first started later", [["a", [unit("v", { startedAtMs: 3 }), unit("w", { startedAtMs: 9 })]], ["b", [unit("x", { startedAtMs: 4 }), unit("y", { startedAtMs: 5 })]]], "b: x y"],
    ["the first by name", [["b", [whole("y")]], ["a", [whole("x")]], ["c", [whole("z")]]], "a: x"],
    ["one that is free already", [["a", [whole("x")]], ["b", []]], "b: "],
  ])("%s", (_what, here, expected) => {
    expect(told(here)).toBe(expected);
    expect(told([...here].reverse())).toBe(expected);
  });

  it("takes the less important of a node, the one that started last, the last by its id", () => {
    expect(told([["a", [unit("y"), unit("x")]]], 500)).toBe("a: y");
    expect(told([["a", [unit("x"), unit("y")]]], 500)).toBe("a: y");
    expect(told([["a", [unit("x", { startedAtMs: 5 }), unit("y")]]], 500)).toBe("a: x");
    expect(told([["a", [unit("x", { priority: 11 }), unit("y", { startedAtMs: 0 }), unit("z", { priority: 11 })]]], 500)).toBe("a: z y");
  });

  it("spends a budget on the least important", () => {
    expect(told([["a", [unit("x", { priority: 20 }), unit("y", { priority: 1 })]]], 500, [["w", 1]])).toBe("a: y");
    expect(told([["a", [unit("x", { priority: 20 }), unit("y", { priority: 1 })]]], 1_000, [["w", 1]])).toBeNull();
  });
});
