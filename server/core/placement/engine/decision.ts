/** A recorded decision as people read it: texts are made from the numbers when somebody asks. */
import type { Ask, Candidate, PlacedAsk } from "../ask";
import { freeShare, withDemand } from "../demand";
import type { Load } from "../demand";
import { nodeReasons, reasonsAgainst } from "../feasible";
import type { SpreadLimit } from "../feasible";
import type { FleetNode } from "../fleet";
import { scoreParts, shownScore } from "../rank";
import type { ScorePart } from "../rank";
import { reasonCodes, reasonSummary } from "../reasons";
import type { Reason, ReasonCode } from "../reasons";
import { refusedBy, whyHere, whyNowhere } from "../sentences";
import { heldOn, noneOffered } from "../shares";
import type { SharedOn } from "../shares";
import { CODES, codeOf } from "./columns";
import type { Taken } from "./floor";
import type { Planner } from "./planner";
import type { RecordedNode } from "./records";

const NONE = -1;
const LEAVING = codeOf("leaving");
const SPREAD = codeOf("spread");
const APART = codeOf("apart");
/** Nodes named of each reason. */
const EXAMPLES = 3;

/** Looks back: how things stood when a decision of a plan was made. The log is all it needs. */
class LookBack {
  private readonly limits: SpreadLimit[];
  private readonly groupIds = new Map<string | null, Int32Array>();

  constructor(
    private readonly planner: Planner,
    private readonly ask: Ask,
    private readonly at: number,
  ) {
    this.limits = (ask.shape.policy?.spread ?? []).map((s) => ({ ...s, least: this.least(s.over) }));
  }
  private node(i: number): FleetNode {
    return this.planner.columns.nodes[i] as FleetNode;
  }
  /** Changes of a node before the decision, newest first. */
  private *changes(i: number): Generator<number> {
    const { floor } = this.planner;
    for (let k = floor.newest[i] as number; k !== NONE; k = floor.logBefore.items[k] as number) if (k < this.at) yield k;
  }
  /** The decisive reason as a number, without a text: what counting runs through. */
  code(i: number): number {
    const { floor } = this.planner;
    const entry = this.planner.entryOf(this.ask.shape);
    const fixed = this.planner.staticCode(this.ask.shape, i);
    if (fixed) return fixed;
    if (this.ask.avoid?.has(this.node(i).id)) return LEAVING;
    const { dims, amounts, codes } = entry.needs;
    for (let k = 0; k < dims.length; k++) {
      const d = dims[k] as number;
      if (k === 0 && this.ask.shape.demand.devices?.shareMillis !== undefined) {
        if (d < 0 || freeShare(this.node(i).capacity, this.load(i), this.ask.shape.demand.devices) < (amounts[k] as number)) return codes[k] as number;
        continue;
      }
      if (d < 0 || (floor.free[i * this.planner.columns.width + d] as number) + this.since(i, d) < (amounts[k] as number)) return codes[k] as number;
    }
    for (const s of this.limits) if (this.count(i, s.over, null) + 1 - s.least > s.maxSkew) return SPREAD;
    for (const a of entry.apart) if (this.count(i, a.over, a.from) > 0) return APART;
    return 0;
  }
  /** What has been taken of one dimension of a node since the decision. */
  private since(i: number, d: number): number {
    const { floor } = this.planner;
    let sum = 0;
    for (let k = floor.newest[i] as number; k >= this.at; k = floor.logBefore.items[k] as number) {
      const { dims, amounts } = (floor.logTaken[k] as Taken).needs;
      for (let j = 0; j < dims.length; j++) if (dims[j] === d) sum += (floor.logSign.items[k] as number) * (amounts[j] as number);
      if (floor.shares !== null) sum += floor.shares.takenOf(k, d);
    }
    return sum;
  }
  private load(i: number): Load {
    const { floor } = this.planner;
    let load = this.node(i).load;
    // In the order in which they came: a share may join a device that another one opened.
    for (const k of [...this.changes(i)].reverse()) load = withDemand(load, heldOn((floor.logTaken[k] as Taken).shape.demand, floor.shares?.onOf(k)), floor.logSign.items[k] as 1 | -1);
    return load;
  }
  /** Units on a node or site then: those now, less what came since. */
  private count(i: number, over: "site" | "node", name: string | null): number {
    const { floor, columns } = this.planner;
    const group = floor.groupOf(name ?? this.ask.group ?? "");
    if (over === "node") {
      let n = group.onNode.get(i) ?? 0;
      for (let k = floor.newest[i] as number; k >= this.at; k = floor.logBefore.items[k] as number) if (floor.logGroup.items[k] === group.id) n -= floor.logSign.items[k] as number;
      return n;
    }
    let then = this.groupIds.get(name);
    if (!then) {
      const onSite = group.onSite.slice();
      for (let k = this.at; k < floor.logNode.length; k++) {
        const s = columns.siteOf[floor.logNode.items[k] as number] as number;
        if (floor.logGroup.items[k] === group.id) onSite[s] = (onSite[s] as number) - (floor.logSign.items[k] as number);
      }
      this.groupIds.set(name, (then = onSite));
    }
    return then[columns.siteOf[i] as number] as number;
  }
  private least(over: "site" | "node"): number {
    let least = Infinity;
    for (let i = 0; i < this.planner.columns.nodes.length; i++) if (this.planner.staticCode(this.ask.shape, i) === 0) least = Math.min(least, this.count(i, over, null));
    return Number.isFinite(least) ? least : 0;
  }
  /** All reasons against a node then, the decisive one first. */
  reasons(i: number): Reason[] {
    const node = this.node(i);
    const lost = this.planner.floor.lost[i] as number;
    const code = lost ? reasonCodes[lost - 1] : undefined;
    const fixed = code ? [{ code, text: `${node.name} was lost.` }] : nodeReasons(this.ask.shape, node, this.planner.columns.nowMs);
    return reasonsAgainst(this.ask, node, fixed, { load: this.load(i), count: (over, name) => this.count(i, over, name) }, this.limits);
  }
}

export class RecordedDecision implements PlacedAsk {
  readonly unit: string;
  readonly nodeId: string | null;
  readonly node: string | null;
  readonly on: SharedOn | null;
  readonly #planner: Planner;
  readonly #ask: Ask;
  readonly #k: number;
  #back: LookBack | undefined;
  #counted: Int32Array | undefined;
  #candidates: Candidate[] | undefined;

  constructor(planner: Planner, k: number, ask: Ask) {
    this.#planner = planner;
    this.#k = k;
    this.#ask = ask;
    const node = planner.records.nodeOf(k);
    this.unit = ask.unit;
    this.nodeId = planner.columns.nodes[node]?.id ?? null;
    this.node = planner.columns.nodes[node]?.name ?? null;
    this.on = node === NONE ? null : (planner.floor.shares?.onOf(planner.records.logAt(k)) ?? null);
  }

  private get back(): LookBack {
    return (this.#back ??= new LookBack(this.#planner, this.#ask, this.#planner.records.logAt(this.#k)));
  }
  /** Nodes in scope by decisive reason. */
  private get tally(): Int32Array {
    return (this.#counted ??= this.#planner.records.countsOf(this.#k) ?? this.count());
  }
  private count(): Int32Array {
    const tally = new Int32Array(CODES);
    for (let i = 0; i < this.#planner.columns.nodes.length; i++) {
      const code = this.back.code(i);
      tally[code] = (tally[code] as number) + 1;
    }
    return tally;
  }
  get feasible(): number {
    return this.tally[0] as number;
  }
  get counts(): { code: ReasonCode; text: string; nodes: number }[] {
    return reasonCodes.flatMap((code) => {
      const nodes = this.tally[codeOf(code)] as number;
      return nodes > 0 ? [{ code, text: reasonSummary[code], nodes }] : [];
    });
  }
  get margin(): number | null {
    const { records } = this.#planner;
    if (records.nodeOf(this.#k) === NONE || records.runnerOf(this.#k) === NONE) return null;
    return shownScore(records.read(this.#k, "chosen").score - records.read(this.#k, "runner").score);
  }

  get candidates(): Candidate[] {
    return (this.#candidates ??= [...this.best(), ...this.refused()]);
  }
  private best(): Candidate[] {
    const { records, columns } = this.#planner;
    return (["chosen", "runner"] as const).flatMap((which) => {
      const r = records.read(this.#k, which);
      const node = columns.nodes[r.node];
      return node ? [{ node: node.name, site: node.site, feasible: true, reason: null, score: shownScore(r.score), parts: this.parts(r, node) }] : [];
    });
  }
  private parts(r: RecordedNode, node: FleetNode): ScorePart[] {
    const load = { cpuMillis: node.capacity.cpuMillis - r.freeCpu, memoryBytes: node.capacity.memoryBytes - r.freeMemory, diskBytes: 0, devices: {} };
    return scoreParts(this.#ask.shape, node, { load, onNode: r.onNode, onSite: r.onSite });
  }
  /** Of each reason a few nodes, so that no reason is crowded out by another. */
  private refused(): Candidate[] {
    const { columns } = this.#planner;
    const only = this.#ask.only === undefined ? undefined : columns.indexOf.get(this.#ask.only);
    return this.counts.flatMap(({ code }) =>
      (only === undefined ? this.#planner.examples(this.#ask, codeOf(code), EXAMPLES, (i) => this.back.code(i)) : [only]).flatMap((i): Candidate[] => {
        const node = columns.nodes[i] as FleetNode;
        const [decisive, ...also] = this.back.reasons(i);
        return decisive ? [refusedBy(node, decisive, also)] : [];
      }),
    );
  }

  get because(): string {
    const { records, columns } = this.#planner;
    const chosen = records.read(this.#k, "chosen");
    const node = columns.nodes[chosen.node];
    if (!node) return `${noneOffered(this.#ask.shape.demand, (name) => columns.dimension.has(`extra ${name}`))}${whyNowhere(this.counts)}`;
    const runner = records.read(this.#k, "runner");
    const second = columns.nodes[runner.node];
    const theirs = second ? this.parts(runner, second) : [];
    return whyHere(this.feasible, { name: node.name, score: chosen.score, parts: this.parts(chosen, node) }, second ? { name: second.name, score: runner.score, parts: theirs } : null);
  }

  /** All of it, for whoever writes it down whole. */
  toJSON(): PlacedAsk {
    return { unit: this.unit, nodeId: this.nodeId, node: this.node, ...(this.on ? { on: this.on } : {}), because: this.because, candidates: this.candidates, counts: this.counts, feasible: this.feasible, margin: this.margin };
  }
}
