import type { Load } from "./demand";
import type { FleetNode } from "./fleet";
import type { Shape } from "./shape";

/** One part of a score: `value` times `weight`, with the sentence that explains it. */
export interface ScorePart {
  name: string;
  value: number;
  weight: number;
  text: string;
}

export interface RankFacts {
  load: Load;
  /** Units of the same workload on the node, and on its site. */
  onNode: number;
  onSite: number;
}

const GIB = 2 ** 30;
const round = (n: number): number => Math.round(n * 1e6) / 1e6;

/**
 * Scores a feasible node for a shape, part by part; the score is the sum of value x weight. Values run from 0 to 1, but
 * for cost, which is minus the price of one unit for one hour, as the policy's weight says.
 *
 * Without preferences a unit goes where its workload has the fewest units (site before node) and then where most is
 * left. Preferences come first by their weights (up to 100); the two base parts with weight 1 then only break ties.
 */
export function scoreParts(shape: Shape, node: FleetNode, f: RankFacts): ScorePart[] {
  const parts: ScorePart[] = [];
  const add = (name: string, value: number, weight: number, text: string) => void parts.push({ name, value: round(value), weight, text });
  const used = utilisation(shape, node, f.load);
  for (const p of shape.prefer) {
    switch (p.by) {
      case "rule": {
        const matches = p.selector.test(node.subject).matches;
        add("rule", matches ? 1 : 0, p.weight, `${matches ? "Matches" : "Does not match"} ${p.selector.text}.`);
        break;
      }
      case "cost": {
        const cost = (shape.demand.cpuMillis / 1_000) * node.rates.cpuHour + (shape.demand.memoryBytes / GIB) * node.rates.memoryGiBHour;
        add("cost", -cost, p.weight, `Costs ${round(cost)} ${node.rates.currency} an hour at ${node.site}.`);
        break;
      }
      case "spread":
        add(`spread over ${p.over}s`, share(p.over === "site" ? f.onSite : f.onNode), p.weight, countText(p.over, p.over === "site" ? f.onSite : f.onNode));
        break;
      case "pack":
        add("pack", used, p.weight, `${percent(used)} of the node would be in use.`);
        break;
      case "warm": {
        const held = shape.artifacts.filter((a) => node.warm.has(a)).length;
        add("warm", shape.artifacts.length ? held / shape.artifacts.length : 0, p.weight, `Has used ${held} of ${shape.artifacts.length} artifacts lately.`);
        break;
      }
    }
  }
  const base = shape.prefer.length > 0 ? 1 : 10;
  const spreads = new Set(shape.prefer.flatMap((p) => (p.by === "spread" ? [p.over] : [])));
  if (shape.prefer.length === 0) add("spread over sites", share(f.onSite), base, countText("site", f.onSite));
  if (!spreads.has("node") && !shape.prefer.some((p) => p.by === "pack")) add("spread over nodes", share(f.onNode), base, countText("node", f.onNode));
  if (!shape.prefer.some((p) => p.by === "pack")) add("room", 1 - used, base, `${percent(1 - used)} of the node would be left.`);
  return parts;
}

export const scoreOf = (parts: readonly ScorePart[]): number => round(parts.reduce((sum, p) => sum + p.value * p.weight, 0));

const share = (count: number): number => 1 / (1 + count);
const countText = (over: "site" | "node", n: number): string => (n === 0 ? `No unit of the workload on the ${over} yet.` : `${n} ${n === 1 ? "unit" : "units"} of the workload on the ${over} already.`);
const percent = (v: number): string => `${Math.round(v * 100)}%`;

/** Mean share of CPU and memory in use after placing one unit, 0 to 1. */
function utilisation(shape: Shape, node: FleetNode, load: Load): number {
  const of = (used: number, offered: number) => (offered > 0 ? Math.min(1, used / offered) : 1);
  return (of(load.cpuMillis + shape.demand.cpuMillis, node.capacity.cpuMillis) + of(load.memoryBytes + shape.demand.memoryBytes, node.capacity.memoryBytes)) / 2;
}
