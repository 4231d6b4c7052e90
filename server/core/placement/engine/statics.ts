/**
 * What holds for a shape on a node whatever runs there: hard rules, preferred rules, warmth. Found once for each kind of
 * node, not once for each node: a fleet has few kinds, and a rule in CEL costs microseconds.
 */
import { mentioned } from "../../selector/mentions";
import type { Mention } from "../../selector/mentions";
import type { Selector } from "../../selector/compile";
import { isTogether, nodeReasons } from "../feasible";
import type { FleetNode } from "../fleet";
import { MICRO, siteScore, warmMicros, weighingOf } from "../rank";
import type { Shape } from "../shape";
import { CODES, codeOf } from "./columns";
import type { Columns } from "./columns";
import { agreeing, partitionBy, samplesOf } from "./partition";
import type { Partition } from "./partition";

const RULE = codeOf("rule");
const SELECTOR = codeOf("selector");
const TOGETHER = codeOf("together");

/** Everything of a shape but what it takes: shapes with one text here are judged alike on every node. */
export function staticKeyOf(shape: Shape): string {
  const p = shape.policy;
  const warm = shape.prefer.some((x) => x.by === "warm");
  return JSON.stringify([
    shape.engine, shape.arch, shape.os, shape.selector?.text ?? null, warm ? shape.artifacts : [],
    p && [p.require.map((r) => r.selector.text), p.residency, p.trustTierMin, p.tolerate],
    shape.prefer.map((x) => (x.by === "rule" ? [x.selector.text, x.weight] : x.by === "warm" ? ["warm", x.weight] : x.by === "latency" ? ["latency", x.weight, x.clients.key] : x.by === "cost" && shape.sent ? ["cost", x.weight, shape.sent] : 0)),
    (shape.together ?? []).map((t) => [t.over, t.at ? [...t.at].sort() : null]),
  ]);
}

/** What a static key came to on each node: an index into two short tables. */
export interface StaticResults {
  resultOf: Int32Array;
  /** Decisive reason, 0 for none. */
  code: number[];
  /** Part of the score, in billionths. */
  score: number[];
}

const byAlike = new WeakMap<object, Statics>();

/** Kinds of nodes of one fleet, and verdicts by kind. */
export class Statics {
  private readonly plainOf: Int32Array;
  private readonly plainFirst: Int32Array;
  /** Nodes that agree in one thing that selectors ask for. */
  private readonly byMention = new Map<string, Partition>();
  private readonly found = new Map<string, StaticResults>();

  /** Those of all columns that are alike: loads play no part here. */
  static of(columns: Columns): Statics {
    let statics = byAlike.get(columns.alike);
    if (!statics) byAlike.set(columns.alike, (statics = new Statics(columns)));
    return statics;
  }

  private constructor(private readonly columns: Columns) {
    const { nodes } = columns;
    // What `nodeReasons` looks at, selectors apart.
    const tells: ((n: FleetNode) => unknown)[] = [(n) => n.desiredState, (n) => n.contact, (n) => n.arch, (n) => n.os, (n) => n.trustTier, (n) => n.jurisdiction, (n) => n.engines.join(), (n) => (n.taints.length ? JSON.stringify(n.taints) : "")];
    const plain = agreeing(nodes.length, tells.map((tell) => partitionBy(nodes, tell)));
    this.plainOf = plain.of;
    this.plainFirst = samplesOf(plain);
  }

  results(shape: Shape, staticKey: string = staticKeyOf(shape)): StaticResults {
    let results = this.found.get(staticKey);
    if (!results) this.found.set(staticKey, (results = this.judge(shape)));
    return results;
  }

  private judge(shape: Shape): StaticResults {
    const { nodes, nowMs } = this.columns;
    const bare: Shape = { ...shape, selector: null, together: [], policy: shape.policy && { ...shape.policy, require: [] } };
    const plain = this.plainFirst.map((i) => {
      const reason = nodeReasons(bare, nodes[i] as FleetNode, nowMs)[0];
      return reason ? codeOf(reason.code) : 0;
    });
    const rules = this.ruleTests(shape);
    const weighing = weighingOf(shape);
    const bySite = weighing.latency.length > 0 || (weighing.cost > 0 && shape.sent !== undefined);
    const together = shape.together ?? [];
    const out: StaticResults = { resultOf: new Int32Array(nodes.length), code: [], score: [] };
    const index = new Map<number, number>();
    for (let i = 0; i < nodes.length; i++) {
      const found = plain[this.plainOf[i] as number] as number;
      const node = nodes[i] as FleetNode;
      const code = found || rules.code(i) || (together.every((t) => isTogether(t, node)) ? 0 : TOGETHER);
      const score = code ? 0 : rules.score(i) + (weighing.warm ? weighing.warm * warmMicros(shape, node) : 0) + (bySite ? siteScore(weighing, shape, node) : 0);
      const key = score * CODES + code;
      let at = index.get(key);
      if (at === undefined) {
        index.set(key, (at = out.code.length));
        out.code.push(code);
        out.score.push(score);
      }
      out.resultOf[i] = at;
    }
    return out;
  }

  /** Verdicts of a shape's selectors. */
  private ruleTests(shape: Shape): { code: (i: number) => number; score: (i: number) => number } {
    const hard = [...(shape.policy?.require ?? []).map((r) => ({ matches: this.matchesOf(r.selector), code: RULE })), ...(shape.selector ? [{ matches: this.matchesOf(shape.selector), code: SELECTOR }] : [])];
    const soft = weighingOf(shape).rules.map((r) => ({ matches: this.matchesOf(r.selector), worth: r.weight * MICRO }));
    return {
      code(i) {
        for (const r of hard) if (!r.matches(i)) return r.code;
        return 0;
      },
      score(i) {
        let sum = 0;
        for (const r of soft) if (r.matches(i)) sum += r.worth;
        return sum;
      },
    };
  }

  /** A selector's verdict on each node, made once for all nodes that agree in everything it asks for. */
  private matchesOf(selector: Selector): (i: number) => boolean {
    const { nodes } = this.columns;
    const alike = agreeing(nodes.length, selector.mentions.map((m) => this.agreeIn(m)));
    const verdicts = Uint8Array.from(samplesOf(alike), (i) => Number(selector.test((nodes[i] as FleetNode).subject).matches));
    return (i) => verdicts[alike.of[i] as number] === 1;
  }
  private agreeIn(mention: Mention): Partition {
    const key = JSON.stringify(mention);
    let found = this.byMention.get(key);
    if (!found) this.byMention.set(key, (found = partitionBy(this.columns.nodes, (n) => mentioned(n.subject, mention))));
    return found;
  }
}
