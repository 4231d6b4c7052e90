import { describe, expect, it } from "vitest";
import type { Ask } from "./ask";
import type { FleetNode } from "./fleet";
import { applied, oneLess } from "./flip";
import type { Problem } from "./flip";
import { weightChange } from "./flip-weights";
import { evaluate } from "./naive";
import { place } from "./place";
import type { Preference } from "./shape";
import { nodeOf, selectorOf, shape } from "./testing";

const named = (name: string, weight: number): Preference => ({ by: "rule", selector: selectorOf(`node.name == "${name}"`), weight });
const dear = (name: string, cpuHour: number, o: Partial<FleetNode> = {}) => nodeOf({ name, rates: { currency: "EUR", cpuHour, memoryGiBHour: 0 }, ...o });
const problem = (nodes: FleetNode[], prefer: Preference[], ask: Partial<Ask> = {}, seed = "s"): Problem => ({ snapshot: { nowMs: 0, nodes }, ask: { unit: "u", shape: shape({ prefer }), ...ask }, options: { seed, own: [] } });
const change = (p: Problem, name: string) => {
  const judged = evaluate(p.snapshot, p.ask, p.options);
  const target = judged.find((j) => j.node.name === name);
  if (!target) throw new Error(name);
  return weightChange(p, judged, target);
};
const winner = (p: Problem) => place(p.snapshot, [p.ask], p.options).placements[0]?.node;

// Guarantee: the weight that is named makes the node win, one thousandth less of the change does not, and no other weight would do with less.
describe("the weight that sends a unit elsewhere", () => {
  const three = [dear("a", 1), dear("b", 2), dear("c", 3)];
  it.each<[string, FleetNode[], Preference[], string]>([
    ["more for a rule", three, [{ by: "cost", weight: 50 }, named("b", 0)], "b"],
    ["more for a rule that repels already", three, [{ by: "cost", weight: 50 }, named("c", -20)], "c"],
    ["less for what speaks against it", three, [{ by: "cost", weight: 50 }, named("c", 2)], "c"],
    ["less than nothing for a rule", [nodeOf({ name: "a" }), nodeOf({ name: "b" })], [named("a", 1)], "b"],
    ["the one of two that has to change less", three, [{ by: "cost", weight: 5 }, named("a", 40), named("b", 10)], "b"],
    ["past two rivals at once", three, [{ by: "cost", weight: 20 }, named("a", 10), named("c", 1)], "c"],
  ])("%s", (_what, nodes, prefer, name) => {
    for (const seed of ["s", "t", "u", "v"]) {
      const p = problem(nodes, prefer, {}, seed);
      const found = change(p, name);
      expect(winner(p)).not.toBe(name);
      if (!found) throw new Error("none");
      expect(winner(applied(p, found.change))).toBe(name);
      const less = oneLess(found.change);
      if (less) expect(winner(applied(p, less))).not.toBe(name);
      // No weight, changed by less, would do.
      if (found.change.on !== "weight") throw new Error(found.change.on);
      const { steps } = found.change;
      expect(found.cost).toBe(Math.abs(steps) / 100_000);
      prefer.forEach((x, index) => {
        const from = Math.round(x.weight * 1_000);
        for (const by of [Math.abs(steps) - 1, 1 - Math.abs(steps)]) {
          if (by === 0 || (x.by !== "rule" && from + by < 0)) continue;
          expect(winner(applied(p, { on: "weight", index, from, steps: by }))).not.toBe(name);
        }
      });
    }
  });

  it.each<[string, Problem, string]>([
    ["without preferences", problem(three, []), "b"],
    ["where the node is worst by all of them", problem(three, [{ by: "cost", weight: 5 }]), "b"],
    ["where it would take more than a weight can be", problem([nodeOf({ name: "a" }), nodeOf({ name: "b" })], [named("a", 100), { by: "rule", selector: selectorOf('node.name == "a" || node.name == "b"'), weight: 1 }, named("a", 100), named("a", 100)]), "b"],
    ["for the node that wins already", problem(three, [{ by: "cost", weight: 5 }]), "a"],
    ["for a preference that makes no difference, where another node leads", problem(three, [{ by: "cost", weight: 5 }, { by: "rule", selector: selectorOf("true"), weight: 5 }]), "b"],
  ])("is none %s", (_what, p, name) => expect(change(p, name)).toBeNull());

  it("counts no rival that can't take it, or may not", () => {
    const nodes = [dear("a", 1, { desiredState: "cordoned" }), dear("b", 2), dear("c", 3)];
    expect(change(problem(nodes, [{ by: "cost", weight: 50 }, named("c", 0)]), "c")).toEqual(change(problem(nodes.slice(1), [{ by: "cost", weight: 50 }, named("c", 0)]), "c"));
    expect(change(problem(three, [{ by: "cost", weight: 50 }, named("b", 0)], { only: "node-b" }), "b")).toBeNull();
    expect(change(problem(three, [{ by: "cost", weight: 50 }, named("c", 0)], { only: "node-c" }), "c")).toBeNull();
  });

  // Of nodes with one score the seed decides; a weight has to put its node ahead only where the seed does not.
  it("goes one thousandth further where a tie would be lost", () => {
    const steps = ["s", "t", "u", "v", "w", "x"].map((seed) => (change(problem([nodeOf({ name: "a" }), nodeOf({ name: "b" })], [named("a", 10), named("b", 4)], {}, seed), "b")?.change as { steps: number } | undefined)?.steps);
    expect(new Set(steps.map((n) => Math.abs(n ?? 0)))).toEqual(new Set([6_000, 6_001]));
  });
});
