/**
 * What holds for a shape on a node whatever runs there: hard rules, preferred rules, warmth. Found once for each kind of
 * node, not once for each node: a fleet has few kinds, and a rule in CEL costs microseconds.
 */
import { isTogether, nodeReasons } from "../feasible";
import type { FleetNode } from "../fleet";
import { siteScore, warmMicros, weighingOf } from "../rank";
import type { Shape } from "../shape";
import { CODES, codeOf } from "./columns";
import type { Columns } from "./columns";

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
  private readonly plainFirst: number[] = [];
  /** By everything a selector can see but the node's name; made when a selector asks first. */
  private subjectOf: Int32Array | undefined;
  private readonly subjectFirst: number[] = [];

  private readonly found = new Map<string, StaticResults>();

  /** Those of all columns that are alike: loads play no part here. */
  static of(columns: Columns): Statics {
    let statics = byAlike.get(columns.alike);
    if (!statics) byAlike.set(columns.alike, (statics = new Statics(columns)));
    return statics;
  }

  private constructor(private readonly columns: Columns) {
    this.plainOf = kinds(columns.nodes, plainKey, this.plainFirst);
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

  /** Verdicts of a shape's selectors, each made once a kind of node, or once a node where one asks for names. */
  private ruleTests(shape: Shape): { code: (i: number) => number; score: (i: number) => number } {
    const hard = [...(shape.policy?.require ?? []).map((r) => ({ selector: r.selector, code: RULE })), ...(shape.selector ? [{ selector: shape.selector, code: SELECTOR }] : [])];
    const soft = weighingOf(shape).rules;
    if (hard.length === 0 && soft.length === 0) return { code: () => 0, score: () => 0 };
    // `site.name` is the only name that all nodes of a kind share; any other mention may mean the node's.
    const byName = [...hard, ...soft].some((r) => /name/.test(r.selector.text.replaceAll(/\bsite\s*\.\s*name\b/g, "")));
    const { nodes } = this.columns;
    this.subjectOf ??= kinds(nodes, subjectKey, this.subjectFirst);
    const kindOf = this.subjectOf;
    const codes = new Int16Array(byName ? 0 : this.subjectFirst.length).fill(-1);
    const scores = new Float64Array(byName ? 0 : this.subjectFirst.length).fill(NaN);
    const codeAt = (node: FleetNode) => hard.find((r) => !r.selector.test(node.subject).matches)?.code ?? 0;
    const scoreAt = (node: FleetNode) => soft.reduce((sum, r) => sum + (r.selector.test(node.subject).matches ? r.weight * 1_000_000 : 0), 0);
    if (byName) return { code: (i) => codeAt(nodes[i] as FleetNode), score: (i) => scoreAt(nodes[i] as FleetNode) };
    return {
      code(i) {
        const k = kindOf[i] as number;
        if (codes[k] === -1) codes[k] = codeAt(nodes[i] as FleetNode);
        return codes[k] as number;
      },
      score(i) {
        const k = kindOf[i] as number;
        if (Number.isNaN(scores[k])) scores[k] = scoreAt(nodes[i] as FleetNode);
        return scores[k] as number;
      },
    };
  }
}

function kinds(nodes: readonly FleetNode[], keyOf: (node: FleetNode) => string, firsts: number[]): Int32Array {
  const index = new Map<string, number>();
  const kindOf = new Int32Array(nodes.length);
  for (let i = 0; i < nodes.length; i++) {
    const key = keyOf(nodes[i] as FleetNode);
    let at = index.get(key);
    if (at === undefined) {
      index.set(key, (at = firsts.length));
      firsts.push(i);
    }
    kindOf[i] = at;
  }
  return kindOf;
}

/** What `nodeReasons` looks at, selectors apart. */
const plainKey = (n: FleetNode): string => `${n.desiredState}|${n.contact}|${n.arch}|${n.os}|${n.trustTier}|${n.jurisdiction}|${n.engines.join()}|${n.taints.length ? JSON.stringify(n.taints) : ""}`;

const subjectKeys = new WeakMap<object, string>();
function subjectKey(n: FleetNode): string {
  let key = subjectKeys.get(n.subject);
  if (key === undefined) {
    key = JSON.stringify([n.subject.site, { ...n.subject.node, name: "" }], (_, v: unknown) => (typeof v === "bigint" ? Number(v) : v));
    subjectKeys.set(n.subject, key);
  }
  return key;
}
