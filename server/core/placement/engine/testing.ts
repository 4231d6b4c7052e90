/** A planner beside the definitions: whatever it decided, gave back and lost, each next decision has to be theirs. */
import { expect } from "vitest";
import type { Ask } from "../ask";
import { withDemand } from "../demand";
import type { Load } from "../demand";
import type { FleetNode } from "../fleet";
import { NaivePlacement } from "../naive";
import { heldOn } from "../shares";
import type { SharedOn } from "../shares";
import { askShares, columnsOf } from "./columns";
import { RecordedDecision } from "./decision";
import { Planner } from "./planner";

/** All that a decision tells but which nodes it names for a reason that many have. */
const textOf = (d: RecordedDecision): string => JSON.stringify({ ...(JSON.parse(JSON.stringify(d)) as object), candidates: d.candidates.filter((c) => c.feasible) });

export class Checked {
  readonly planner: Planner;
  readonly running: { node: number; ask: Ask; on: SharedOn | null }[] = [];
  /** What was said of each decision when it was made. */
  private readonly said: { decision: RecordedDecision; text: string }[] = [];
  private nodes: readonly FleetNode[];
  private decided = 0;

  constructor(
    private readonly from: readonly FleetNode[],
    asks: readonly Ask[],
    private readonly standing: readonly (readonly [group: string, node: number])[] = [],
  ) {
    this.nodes = from;
    const at = (g: string) => standing.flatMap(([name, i]) => (name === g ? [(from[i] as FleetNode).id] : []));
    this.planner = new Planner(columnsOf({ nowMs: 100_000, nodes: from }, askShares(asks)), { seed: "s", own: at(""), groups: new Map([...new Set(standing.map(([g]) => g))].filter((g) => g !== "").map((g) => [g, at(g)])) });
    this.planner.prepare(asks);
  }

  /** Decides, and holds the decision against that of the definitions for the fleet as it is now. Gives the node, or -1. */
  decide(ask: Ask): number {
    const loads = new Map<number, Load>();
    const groups = new Map<string, string[]>();
    const stands = (g: string, i: number) => groups.set(g, [...(groups.get(g) ?? []), (this.from[i] as FleetNode).id]);
    for (const [g, i] of this.standing) stands(g, i);
    for (const r of this.running) {
      loads.set(r.node, withDemand(loads.get(r.node) ?? (this.from[r.node] as FleetNode).load, heldOn(r.ask.shape.demand, r.on)));
      stands(r.ask.group ?? "", r.node);
    }
    const nodes = this.nodes.map((n, i) => ({ ...n, load: loads.get(i) ?? n.load }));
    const want = new NaivePlacement({ nowMs: 100_000, nodes }, { seed: "s", own: groups.get("") ?? [], groups }).decide(ask);
    const { records } = this.planner;
    const k = this.planner.decide(ask);
    const label = `decision ${++this.decided}, of ${ask.unit}`;
    expect(records.nodeOf(k), label).toBe(want.node);
    const scores = [...want.scores].filter((s, i) => !Number.isNaN(s) && i !== want.node);
    const runner = records.runnerOf(k);
    if (ask.only === undefined) expect(runner < 0 ? null : want.scores[runner], label).toBe(scores.length ? Math.max(...scores) : null);
    const told = new RecordedDecision(this.planner, k, ask);
    const counts: Record<string, number> = {};
    want.codes.forEach((code, i) => {
      if (code !== null && (ask.only === undefined || nodes[i]?.id === ask.only)) counts[code] = (counts[code] ?? 0) + 1;
    });
    expect(Object.fromEntries(told.counts.map((c) => [c.code, c.nodes])), label).toEqual(counts);
    this.said.push({ decision: new RecordedDecision(this.planner, k, ask), text: textOf(told) });
    if (want.node >= 0) this.running.push({ node: want.node, ask, on: told.on ?? null });
    return want.node;
  }
  /** Gives back what one of the units holds. */
  release(at: number): void {
    const [gone] = this.running.splice(at, 1);
    if (gone) this.planner.release(gone.node, gone.ask, gone.on ?? undefined);
  }
  /** Holds what all decisions tell now against what they told when they were made: what was placed and given back later must not show in them. */
  tellTheSame(): void {
    for (const { decision, text } of this.said) expect(textOf(decision)).toBe(text);
  }
  lose(i: number): void {
    this.planner.lose(i, "silent");
    this.nodes = this.nodes.map((n, k) => (k === i && n.desiredState === "active" && n.contact === "live" ? { ...n, contact: "silent" as const } : n));
  }
}
