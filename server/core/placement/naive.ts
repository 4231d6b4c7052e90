/**
 * Placement without any cache, straight from the definitions: every node judged anew for every unit. What the engine must
 * agree with in every case, and what judges a fleet in full when somebody asks about one unit.
 */
import { mix32, hash32 } from "../base/seed";
import type { Ask, Candidate, Judged, PlacedAsk, PlaceOptions } from "./ask";
import { fits, withDemand } from "./demand";
import type { Load } from "./demand";
import { nodeReasons, reasonsAgainst } from "./feasible";
import type { SpreadLimit } from "./feasible";
import type { FleetNode, FleetSnapshot } from "./fleet";
import { scoreParts, scorerOf, shownScore } from "./rank";
import type { RankFacts } from "./rank";
import { reasonCodes, reasonSummary } from "./reasons";
import type { Reason, ReasonCode } from "./reasons";
import { refusedBy, whyHere, whyNowhere } from "./sentences";
import { noneOffered, placeOfShare } from "./shares";
import type { Shape } from "./shape";

/** Ties go by this, smaller first, and then by name: no order of the input matters. */
export const tieOf = (seedHash: number, nameHash: number): number => mix32(nameHash ^ seedHash);

/** Nodes named of each reason. */
const NAMED = 3;

class Group {
  readonly onNode = new Map<string, number>();
  readonly onSite = new Map<string, number>();
  add(node: FleetNode): void {
    this.onNode.set(node.id, (this.onNode.get(node.id) ?? 0) + 1);
    this.onSite.set(node.site, (this.onSite.get(node.site) ?? 0) + 1);
  }
  countOf(over: "site" | "node", node: FleetNode): number {
    return (over === "site" ? this.onSite.get(node.site) : this.onNode.get(node.id)) ?? 0;
  }
}

export interface NaiveDecision {
  /** Index into the snapshot's nodes; -1 when no node can take the unit. */
  node: number;
  /** In billionths; NaN where the node can't take it. */
  scores: Float64Array;
  /** Of each node in scope: the decisive reason, or null. */
  codes: (ReasonCode | null)[];
}

export class NaivePlacement {
  private readonly loads: Load[];
  private readonly groups = new Map<string, Group>();
  private readonly ties: number[];
  private readonly byShape = new Map<Shape, Reason[][]>();

  constructor(
    private readonly snapshot: FleetSnapshot,
    options: PlaceOptions,
  ) {
    this.loads = snapshot.nodes.map((n) => n.load);
    const seed = hash32(options.seed);
    this.ties = snapshot.nodes.map((n) => tieOf(seed, hash32(n.name)));
    const byId = new Map(snapshot.nodes.map((n) => [n.id, n]));
    for (const [name, ids] of [["", options.own] as const, ...(options.groups ?? [])])
      for (const id of ids) {
        const node = byId.get(id);
        if (node) this.groupOf(name).add(node);
      }
  }

  /** Places one unit and remembers it. */
  decide(ask: Ask): NaiveDecision {
    const found = this.judge(ask);
    this.take(found.node, ask);
    return found;
  }

  /** The same with all that is told of a decision. */
  place(ask: Ask): PlacedAsk {
    const { nodes } = this.snapshot;
    const { node: best, scores, codes } = this.judge(ask);
    const counts = new Map<ReasonCode, number[]>();
    let feasible = 0;
    let second = -1;
    codes.forEach((code, i) => {
      if (ask.only !== undefined && nodes[i]?.id !== ask.only) return;
      if (code !== null) {
        const named = counts.get(code);
        if (named) named.push(i);
        else counts.set(code, [i]);
        return;
      }
      feasible++;
      if (i !== best && (second < 0 || this.isAhead(scores, i, second))) second = i;
    });
    const scored = (i: number) => ({ name: nodes[i]?.name ?? "", score: scores[i] as number, parts: scoreParts(ask.shape, nodes[i] as FleetNode, this.facts(ask, i, nodes[i] as FleetNode)) });
    const [first, next] = [best < 0 ? null : scored(best), second < 0 ? null : scored(second)];
    const limits = this.spreadLimits(ask);
    const shared = ask.shape.demand.devices;
    const on = best >= 0 && shared?.shareMillis !== undefined ? placeOfShare((this.loads[best] as Load).shared, shared.model, shared.shareMillis) : null;
    const told = reasonCodes.flatMap((code) => (counts.has(code) ? [{ code, text: reasonSummary[code], nodes: counts.get(code)?.length ?? 0 }] : []));
    const refused = told.flatMap(({ code }) => (counts.get(code) ?? []).slice(0, NAMED).flatMap((i) => {
      const [decisive, ...also] = this.reasons(ask, i, nodes[i] as FleetNode, limits);
      return decisive ? [refusedBy(nodes[i] as FleetNode, decisive, also)] : [];
    }));
    const placed: PlacedAsk = {
      unit: ask.unit, nodeId: nodes[best]?.id ?? null, node: nodes[best]?.name ?? null, ...(on ? { on } : {}), because: first ? whyHere(feasible, first, next) : `${noneOffered(ask.shape.demand, (name) => nodes.some((n) => n.capacity.extra?.[name] !== undefined))}${whyNowhere(told)}`, counts: told, feasible,
      candidates: [...[first, next].flatMap((s): Candidate[] => (s ? [{ node: s.name, site: nodes[s === first ? best : second]?.site ?? "", feasible: true, reason: null, score: shownScore(s.score), parts: s.parts }] : [])), ...refused],
      margin: first && next ? shownScore(first.score - next.score) : null,
    };
    this.take(best, ask);
    return placed;
  }

  private take(i: number, ask: Ask): void {
    const node = this.snapshot.nodes[i];
    if (!node) return;
    this.loads[i] = withDemand(this.loads[i] as Load, ask.shape.demand);
    this.groupOf(ask.group ?? "").add(node);
  }
  private isAhead = (scores: Float64Array, a: number, b: number): boolean => (scores[a] as number) > (scores[b] as number) || (scores[a] === scores[b] && this.before(a, b));

  private judge(ask: Ask): NaiveDecision {
    const nodes = this.snapshot.nodes;
    const scoreOf = scorerOf(ask.shape);
    const limits = this.spreadLimits(ask);
    const scores = new Float64Array(nodes.length).fill(NaN);
    let best = -1;
    const codes = nodes.map((node, i): ReasonCode | null => {
      if (ask.only !== undefined && node.id !== ask.only) return null;
      const reason = this.reasons(ask, i, node, limits)[0];
      if (reason) return reason.code;
      scores[i] = scoreOf(node, this.facts(ask, i, node));
      if (best < 0 || this.isAhead(scores, i, best)) best = i;
      return null;
    });
    return { node: best, scores, codes };
  }

  /** Every node with all that keeps the unit away, or its score. */
  all(ask: Ask): Judged[] {
    const limits = this.spreadLimits(ask);
    const scoreOf = scorerOf(ask.shape);
    return this.snapshot.nodes.map((node, i) => {
      const reasons = this.reasons(ask, i, node, limits);
      return { node, reasons, score: reasons.length === 0 ? shownScore(scoreOf(node, this.facts(ask, i, node))) : null, parts: () => scoreParts(ask.shape, node, this.facts(ask, i, node)) };
    });
  }

  private groupOf(name: string): Group {
    let group = this.groups.get(name);
    if (!group) this.groups.set(name, (group = new Group()));
    return group;
  }

  private fixedReasons(shape: Shape): Reason[][] {
    let found = this.byShape.get(shape);
    if (!found) this.byShape.set(shape, (found = this.snapshot.nodes.map((n) => nodeReasons(shape, n, this.snapshot.nowMs))));
    return found;
  }

  private before(a: number, b: number): boolean {
    const [ta, tb] = [this.ties[a] ?? 0, this.ties[b] ?? 0];
    return ta !== tb ? ta < tb : (this.snapshot.nodes[a]?.name ?? "") < (this.snapshot.nodes[b]?.name ?? "");
  }

  /** For each hard spread: the lowest count among the domains where a unit could be at all. */
  private spreadLimits(ask: Ask): SpreadLimit[] {
    const fixed = this.fixedReasons(ask.shape);
    const group = this.groupOf(ask.group ?? "");
    return (ask.shape.policy?.spread ?? []).map((s) => {
      let least = Infinity;
      this.snapshot.nodes.forEach((node, i) => {
        if (fixed[i]?.length === 0) least = Math.min(least, group.countOf(s.over, node));
      });
      return { over: s.over, maxSkew: s.maxSkew, least: Number.isFinite(least) ? least : 0 };
    });
  }

  private reasons(ask: Ask, i: number, node: FleetNode, limits: readonly SpreadLimit[]): Reason[] {
    const fixed = this.fixedReasons(ask.shape)[i] ?? [];
    const own = this.groupOf(ask.group ?? "");
    // Nearly all nodes of nearly all questions: nothing to say, and nothing to allocate.
    if (fixed.length === 0 && !ask.avoid?.has(node.id) && limits.length === 0 && !ask.shape.apart?.length && fits(node.capacity, this.loads[i] as Load, ask.shape.demand)) return fixed;
    return reasonsAgainst(ask, node, fixed, { load: this.loads[i] as Load, count: (over, name) => (name === null ? own : this.groupOf(name)).countOf(over, node) }, limits);
  }

  private facts(ask: Ask, i: number, node: FleetNode): RankFacts {
    const group = this.groupOf(ask.group ?? "");
    return { load: this.loads[i] as Load, onNode: group.countOf("node", node), onSite: group.countOf("site", node), mix: this.snapshot.mix };
  }
}

/** How one shape fares on every node, without placing anything: for previews and explanations. */
export function evaluate(snapshot: FleetSnapshot, ask: Ask, options: PlaceOptions): Judged[] {
  return new NaivePlacement(snapshot, options).all(ask);
}
