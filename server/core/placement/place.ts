import { counted } from "../fleet/age";
import { hash32 } from "../base/seed";
import { fits, withDemand } from "./demand";
import type { Load } from "./demand";
import { nodeReasons, roomReasons } from "./feasible";
import type { FleetNode, FleetSnapshot } from "./fleet";
import { scoreParts, scorerOf } from "./rank";
import type { RankFacts, ScorePart } from "./rank";
import { reasonCodes, reasonSummary } from "./reasons";
import type { Reason, ReasonCode } from "./reasons";
import type { Shape } from "./shape";

/** One unit that needs a node. */
export interface Ask {
  unit: string;
  shape: Shape;
  /** Nodes it must not go to, because it moves away from there or has a copy there. */
  avoid?: ReadonlySet<string>;
  /** The only node it may go to: for daemons. */
  only?: string;
}

export interface PlaceOptions {
  /** Breaks ties: the same snapshot, asks and seed give the same plan. */
  seed: string;
  /** Units of the workload that stay where they are, by node id: what spread is counted over. */
  own: readonly string[];
  /** Candidates kept in each decision, besides the counts that always cover every node. */
  keep?: number;
}

export interface Candidate {
  node: string;
  site: string;
  feasible: boolean;
  reason: Reason | null;
  score: number | null;
  parts: ScorePart[];
}

/** What was decided for one ask, and why, for every candidate (counts) and the most telling of them (candidates). */
export interface PlacedAsk {
  unit: string;
  nodeId: string | null;
  node: string | null;
  because: string;
  candidates: Candidate[];
  counts: { code: ReasonCode; text: string; nodes: number }[];
  feasible: number;
}

export interface PlacementPlan {
  placements: PlacedAsk[];
}

/**
 * Places units one after the other: of the nodes that can take a unit, the one with the highest score. A unit for which
 * there is such a node is always placed. Pure: same snapshot, asks and options, same plan; nothing is changed.
 */
export function place(snapshot: FleetSnapshot, asks: readonly Ask[], options: PlaceOptions): PlacementPlan {
  const state = new PlacementState(snapshot, options);
  return { placements: asks.map((ask) => state.decide(ask)) };
}

class PlacementState {
  private readonly loads: Load[];
  private readonly onNode = new Map<string, number>();
  private readonly onSite = new Map<string, number>();
  private readonly ties: number[];
  private readonly byShape = new Map<Shape, Reason[][]>();

  constructor(
    private readonly snapshot: FleetSnapshot,
    private readonly options: PlaceOptions,
  ) {
    this.loads = snapshot.nodes.map((n) => n.load);
    this.ties = snapshot.nodes.map((n) => hash32(`${options.seed}/${n.name}`));
    const byId = new Map(snapshot.nodes.map((n) => [n.id, n]));
    for (const id of options.own) {
      const node = byId.get(id);
      if (node) this.count(node);
    }
  }

  decide(ask: Ask): PlacedAsk {
    const nodes = this.snapshot.nodes;
    const fixed = this.fixedReasons(ask.shape);
    const spread = this.spreadLimits(ask.shape, fixed);
    let best = -1;
    let bestScore = -Infinity;
    const scores = new Float64Array(nodes.length).fill(NaN);
    const scoreOf = scorerOf(ask.shape);
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i] as FleetNode;
      if (!this.isFeasible(ask, i, node, fixed, spread)) continue;
      const score = scoreOf(node, this.facts(i, node));
      scores[i] = score;
      if (best < 0 || score > bestScore || (score === bestScore && this.before(i, best))) [best, bestScore] = [i, score];
    }
    const decided = this.describe(ask, fixed, spread, scores, best);
    if (best >= 0) {
      this.loads[best] = withDemand(this.loads[best] as Load, ask.shape.demand);
      this.count(nodes[best] as FleetNode);
    }
    return decided;
  }

  /** Every node with all that keeps the unit away, or its score. */
  all(ask: Ask): Judged[] {
    const fixed = this.fixedReasons(ask.shape);
    const spread = this.spreadLimits(ask.shape, fixed);
    const scoreOf = scorerOf(ask.shape);
    return this.snapshot.nodes.map((node, i) => {
      const reasons = this.reasons(ask, i, node, fixed, spread);
      return { node, reasons, score: reasons.length === 0 ? scoreOf(node, this.facts(i, node)) : null, parts: () => this.parts(ask.shape, i, node) };
    });
  }

  private count(node: FleetNode): void {
    this.onNode.set(node.id, (this.onNode.get(node.id) ?? 0) + 1);
    this.onSite.set(node.site, (this.onSite.get(node.site) ?? 0) + 1);
  }

  private fixedReasons(shape: Shape): Reason[][] {
    let found = this.byShape.get(shape);
    if (!found) this.byShape.set(shape, (found = this.snapshot.nodes.map((n) => nodeReasons(shape, n, this.snapshot.nowMs))));
    return found;
  }

  /** Ties go by the seed, and then by name, so that no order of the input matters. */
  private before(a: number, b: number): boolean {
    const [ta, tb] = [this.ties[a] ?? 0, this.ties[b] ?? 0];
    return ta !== tb ? ta < tb : (this.snapshot.nodes[a]?.name ?? "") < (this.snapshot.nodes[b]?.name ?? "");
  }

  /** For each hard spread: the highest count that a domain may have before it gets one more. */
  private spreadLimits(shape: Shape, fixed: Reason[][]): { over: "site" | "node"; maxSkew: number; least: number }[] {
    return (shape.policy?.spread ?? []).map((s) => {
      let least = Infinity;
      this.snapshot.nodes.forEach((node, i) => {
        // Only places where a unit could be at all count as empty ones.
        if (fixed[i]?.length === 0) least = Math.min(least, this.countOf(s.over, node));
      });
      return { over: s.over, maxSkew: s.maxSkew, least: Number.isFinite(least) ? least : 0 };
    });
  }
  private countOf(over: "site" | "node", node: FleetNode): number {
    return (over === "site" ? this.onSite.get(node.site) : this.onNode.get(node.id)) ?? 0;
  }

  private isFeasible(ask: Ask, i: number, node: FleetNode, fixed: Reason[][], spread: ReturnType<PlacementState["spreadLimits"]>): boolean {
    if ((fixed[i]?.length ?? 0) > 0) return false;
    if (ask.only !== undefined && node.id !== ask.only) return false;
    if (ask.avoid?.has(node.id)) return false;
    if (!fits(node.capacity, this.loads[i] as Load, ask.shape.demand)) return false;
    return spread.every((s) => this.countOf(s.over, node) + 1 - s.least <= s.maxSkew);
  }

  /** All that keeps the unit away from a node, the decisive one first; empty exactly when the node is feasible. */
  private reasons(ask: Ask, i: number, node: FleetNode, fixed: Reason[][], spread: ReturnType<PlacementState["spreadLimits"]>): Reason[] {
    const found = [...(fixed[i] ?? [])];
    if (ask.avoid?.has(node.id)) found.push({ code: "leaving", text: `${node.name} is what the unit moves away from.` });
    found.push(...roomReasons(ask.shape, node, this.loads[i] as Load));
    for (const s of spread) {
      const count = this.countOf(s.over, node);
      if (count + 1 - s.least > s.maxSkew) found.push({ code: "spread", text: `${s.over === "site" ? node.site : node.name} has ${counted(count, "unit")}, and another ${s.over} has ${s.least}: one more would exceed a skew of ${s.maxSkew}.` });
    }
    return found;
  }

  private facts(i: number, node: FleetNode): RankFacts {
    return { load: this.loads[i] as Load, onNode: this.onNode.get(node.id) ?? 0, onSite: this.onSite.get(node.site) ?? 0 };
  }
  private parts(shape: Shape, i: number, node: FleetNode): ScorePart[] {
    return scoreParts(shape, node, this.facts(i, node));
  }

  private describe(ask: Ask, fixed: Reason[][], spread: ReturnType<PlacementState["spreadLimits"]>, scores: Float64Array, best: number): PlacedAsk {
    const keep = this.options.keep ?? 40;
    const nodes = this.snapshot.nodes;
    const inScope = nodes.map((_, i) => i).filter((i) => ask.only === undefined || nodes[i]?.id === ask.only);
    const feasible = inScope.filter((i) => !Number.isNaN(scores[i])).sort((a, b) => (scores[b] as number) - (scores[a] as number) || (this.before(a, b) ? -1 : 1));
    const tally = new Map<ReasonCode, number[]>();
    for (const i of inScope) {
      if (!Number.isNaN(scores[i])) continue;
      const code = this.decisive(ask, i, nodes[i] as FleetNode, fixed, spread);
      const list = tally.get(code);
      if (list) list.push(i);
      else tally.set(code, [i]);
    }
    const counts = reasonCodes.flatMap((code) => {
      const list = tally.get(code);
      return list ? [{ code, text: reasonSummary[code], nodes: list.length }] : [];
    });
    const candidates: Candidate[] = feasible.slice(0, keep).map((i) => {
      const node = nodes[i] as FleetNode;
      return { node: node.name, site: node.site, feasible: true, reason: null, score: scores[i] as number, parts: this.parts(ask.shape, i, node) };
    });
    // Of each reason a few examples, so that no reason is crowded out by another.
    const each = Math.max(3, Math.floor(keep / Math.max(1, counts.length)));
    for (const [, list] of tally)
      for (const i of list.slice(0, each)) {
        const node = nodes[i] as FleetNode;
        const [decisive, ...also] = this.reasons(ask, i, node, fixed, spread);
        if (decisive) candidates.push({ node: node.name, site: node.site, feasible: false, reason: { code: decisive.code, text: also.length ? `${decisive.text} Also: ${also.map((r) => r.text).join(" ")}` : decisive.text }, score: null, parts: [] });
      }
    const winner = best < 0 ? null : (nodes[best] as FleetNode);
    return { unit: ask.unit, nodeId: winner?.id ?? null, node: winner?.name ?? null, because: winner ? this.whyHere(ask, best, winner, feasible, scores) : whyNowhere(counts, inScope.length), candidates, counts, feasible: feasible.length };
  }

  private decisive(ask: Ask, i: number, node: FleetNode, fixed: Reason[][], spread: ReturnType<PlacementState["spreadLimits"]>): ReasonCode {
    const first = fixed[i]?.[0]?.code ?? this.reasons(ask, i, node, fixed, spread)[0]?.code;
    if (!first) throw new Error(`${node.name} is infeasible without a reason`);
    return first;
  }

  private whyHere(ask: Ask, best: number, node: FleetNode, feasible: readonly number[], scores: Float64Array): string {
    if (feasible.length === 1) return `${node.name} is the only node that can take it.`;
    const runnerUp = feasible.find((i) => i !== best);
    const second = runnerUp === undefined ? null : (this.snapshot.nodes[runnerUp] as FleetNode);
    const mine = this.parts(ask.shape, best, node);
    const theirs = second && runnerUp !== undefined ? this.parts(ask.shape, runnerUp, second) : [];
    const lead = mine
      .map((p, i) => ({ name: p.name, text: p.text, by: p.value * p.weight - (theirs[i]?.value ?? 0) * (theirs[i]?.weight ?? 0) }))
      .filter((p) => p.by > 1e-6)
      .sort((a, b) => b.by - a.by)[0];
    const tied = runnerUp !== undefined && scores[runnerUp] === scores[best];
    return `${node.name} scores highest of the ${counted(feasible.length, "node")} that can take it (${scores[best]?.toFixed(2)}${second ? `; ${second.name} ${(scores[runnerUp as number] as number).toFixed(2)}` : ""})${tied ? ", chosen among equals by the seed" : lead ? `, mostly for ${lead.name}: ${lead.text.replace(/\.$/, "")}` : ""}.`;
  }
}

function whyNowhere(counts: PlacedAsk["counts"], total: number): string {
  if (total === 0) return "There is no node in the fleet.";
  return `No node can take it: ${counts.map((c) => `${c.nodes} ${c.text}`).join("; ")}.`;
}

/** How one shape fares on one node. `parts` are made when asked for: most of a large fleet is only counted. */
export interface Judged {
  node: FleetNode;
  /** All that keeps the unit away, the decisive reason first; empty exactly when the node is feasible. */
  reasons: Reason[];
  score: number | null;
  parts(): ScorePart[];
}

/** How one shape fares on every node, without placing anything: for previews and explanations. */
export function evaluate(snapshot: FleetSnapshot, ask: Ask, options: PlaceOptions): Judged[] {
  return new PlacementState(snapshot, options).all(ask);
}
