import type { Load } from "./demand";
import type { FleetNode } from "./fleet";
import type { Preference, Shape } from "./shape";

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

type Term = Preference | { by: "room"; weight: number };

/**
 * What a shape is scored by. Preferences come first by their weights (up to 100). Beside them two base terms with weight 1
 * break ties: fewer units of the workload on the node, and room. Without preferences the base terms have weight 10, and
 * fewer units on the site count too: so a unit goes where its workload has least, and then where most is left.
 */
function termsOf(shape: Shape): Term[] {
  const terms: Term[] = [...shape.prefer];
  const packs = shape.prefer.some((p) => p.by === "pack");
  const spreads = (over: string) => shape.prefer.some((p) => p.by === "spread" && p.over === over);
  const base = shape.prefer.length > 0 ? 1 : 10;
  if (shape.prefer.length === 0) terms.push({ by: "spread", over: "site", weight: base });
  if (!packs && !spreads("node")) terms.push({ by: "spread", over: "node", weight: base });
  if (!packs) terms.push({ by: "room", weight: base });
  return terms;
}

/** Values run from 0 to 1, but for cost: minus the price of one unit for one hour, so that the weight is per currency unit. */
function valueOf(term: Term, shape: Shape, node: FleetNode, f: RankFacts): number {
  switch (term.by) {
    case "rule":
      return term.selector.test(node.subject).matches ? 1 : 0;
    case "cost":
      return -((shape.demand.cpuMillis / 1_000) * node.rates.cpuHour + (shape.demand.memoryBytes / GIB) * node.rates.memoryGiBHour);
    case "spread":
      return 1 / (1 + (term.over === "site" ? f.onSite : f.onNode));
    case "pack":
      return utilisation(shape, node, f.load);
    case "room":
      return 1 - utilisation(shape, node, f.load);
    case "warm":
      return shape.artifacts.length ? shape.artifacts.filter((a) => node.warm.has(a)).length / shape.artifacts.length : 0;
  }
}

/** Scores one shape on many nodes without making a text: what the search for the best node runs through. */
export function scorerOf(shape: Shape): (node: FleetNode, f: RankFacts) => number {
  const terms = termsOf(shape);
  return (node, f) => {
    let sum = 0;
    for (const t of terms) sum += round(valueOf(t, shape, node, f)) * t.weight;
    return round(sum);
  };
}

/** The same score part by part, each with its sentence: for the candidates that are kept. */
export function scoreParts(shape: Shape, node: FleetNode, f: RankFacts): ScorePart[] {
  return termsOf(shape).map((t) => {
    const value = round(valueOf(t, shape, node, f));
    return { value, weight: t.weight, ...words(t, value, shape, node, f) };
  });
}

function words(t: Term, value: number, shape: Shape, node: FleetNode, f: RankFacts): { name: string; text: string } {
  switch (t.by) {
    case "rule":
      return { name: "rule", text: `${value === 1 ? "Matches" : "Does not match"} ${t.selector.text}.` };
    case "cost":
      return { name: "cost", text: `Costs ${round(-value)} ${node.rates.currency} an hour at ${node.site}.` };
    case "spread":
      return { name: `spread over ${t.over}s`, text: countText(t.over, t.over === "site" ? f.onSite : f.onNode) };
    case "pack":
      return { name: "pack", text: `${percent(value)} of the node would be in use.` };
    case "room":
      return { name: "room", text: `${percent(value)} of the node would be left.` };
    case "warm":
      return { name: "warm", text: `Has used ${shape.artifacts.filter((a) => node.warm.has(a)).length} of ${shape.artifacts.length} artifacts lately.` };
  }
}

const countText = (over: "site" | "node", n: number): string => (n === 0 ? `No unit of the workload on the ${over} yet.` : `${n} ${n === 1 ? "unit" : "units"} of the workload on the ${over} already.`);
const percent = (v: number): string => `${Math.round(v * 100)}%`;

/** Mean share of CPU and memory in use after placing one unit, 0 to 1. */
function utilisation(shape: Shape, node: FleetNode, load: Load): number {
  const of = (used: number, offered: number) => (offered > 0 ? Math.min(1, used / offered) : 1);
  return (of(load.cpuMillis + shape.demand.cpuMillis, node.capacity.cpuMillis) + of(load.memoryBytes + shape.demand.memoryBytes, node.capacity.memoryBytes)) / 2;
}
