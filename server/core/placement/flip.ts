/**
 * The smallest single change that turns a verdict round: a unit that fits nowhere is placed, or goes to another node. Found
 * from the reasons, and believed only when `place`, run again with the change, says so.
 */
import { counted } from "../fleet/age";
import type { Ask, Judged, PlaceOptions } from "./ask";
import { shortages } from "./demand";
import type { FleetNode, FleetSnapshot } from "./fleet";
import { evaluate } from "./naive";
import { place } from "./place";
import { weightChange } from "./flip-weights";
import type { ApartRule, Preference, Shape, TogetherRule } from "./shape";

export interface Problem {
  snapshot: FleetSnapshot;
  ask: Ask;
  options: PlaceOptions;
}

type Amount = "cpu" | "memory" | "disk" | "device" | "share" | "resource";
/** A change of the ask, of its policy, or of one node. Those with `steps` come in units of `step`. */
export type Change =
  | { on: "demand"; of: Amount; name?: string | undefined; steps: number }
  | { on: "model" | "selector" }
  | { on: "tolerate"; key: string; value: string | undefined }
  | { on: "residency" | "arch" | "os"; add: string }
  | { on: "trust"; to: string }
  | { on: "rule" | "apart" | "together"; index: number }
  | { on: "spread"; index: number; steps: number }
  | { on: "node"; node: string; to: "active" | "live" }
  | { on: "engine"; node: string }
  | { on: "leaving"; node: string }
  /** Weights in thousandths; `from` is what it has now. */
  | { on: "weight"; index: number; from: number; steps: number };

export interface Flip {
  change: Change;
  /** A sentence: what to change, and what happens then. */
  text: string;
  /** Changes are compared by this: a share for amounts, 1 for giving up a rule. */
  cost: number;
  /** Name of the node that it goes to then. */
  to: string;
}

const MIB = 1_048_576;
const stepOf: Record<Amount, number> = { cpu: 1, memory: MIB, disk: MIB, device: 1, share: 1, resource: 1 };
const tiers = ["none", "software", "tpm"];

/** The smallest change after which the unit is placed or, with `to` (a node's id), goes to that node. Null when no single change does it. */
export function flipOf(problem: Problem, to?: string): Flip | null {
  const judged = evaluate(problem.snapshot, problem.ask, problem.options);
  const decided = place(problem.snapshot, [problem.ask], problem.options).placements[0];
  if (to === undefined ? decided?.nodeId !== null : decided?.nodeId === to) return null;
  return flipAmong(problem, judged, to);
}

/** The same for nodes that were judged already. */
export function flipAmong(problem: Problem, judged: readonly Judged[], to?: string): Flip | null {
  const { ask } = problem;
  const target = to === undefined ? undefined : judged.find((j) => j.node.id === to);
  if (to !== undefined && !target) return null;
  if (ask.only !== undefined && to !== undefined && to !== ask.only) return null;
  const found = new Map<string, { change: Change; cost: number; node: FleetNode }>();
  const scope = target ? [target] : judged.filter((j) => ask.only === undefined || j.node.id === ask.only);
  for (const j of scope) {
    if (j.reasons.length !== 1) continue;
    for (const { change, cost } of changesFor(problem, j, judged)) {
      const { steps: _, ...kind } = { steps: 0, ...change };
      const key = JSON.stringify(kind);
      const known = found.get(key);
      if (!known || cost < known.cost) found.set(key, { change, cost, node: j.node });
    }
  }
  const weights = target?.reasons.length === 0 ? weightChange(problem, judged, target) : null;
  if (weights && target) found.set("weight", { ...weights, node: target.node });
  for (const c of [...found.values()].sort((a, b) => a.cost - b.cost)) {
    const now = place(applied(problem, c.change).snapshot, [applied(problem, c.change).ask], problem.options).placements[0];
    if (!now || now.nodeId === null || (to !== undefined && now.nodeId !== to)) continue;
    return { change: c.change, cost: c.cost, to: now.node ?? "", text: `${textOf(problem, c.change)}: then it goes to ${now.node ?? ""}.` };
  }
  return null;
}

/** A change by one unit of its granularity less; null for one that has no less. */
export function oneLess(change: Change): Change | null {
  if (!("steps" in change) || Math.abs(change.steps) <= 1) return null;
  return { ...change, steps: change.steps - Math.sign(change.steps) };
}

/** What would let a unit on a node that one reason alone keeps it from. */
function* changesFor(p: Problem, j: Judged, all: readonly Judged[]): Generator<{ change: Change; cost: number }> {
  const { shape } = p.ask;
  const { node } = j;
  const policy = shape.policy;
  switch (j.reasons[0]?.code) {
    case "cpu":
    case "memory":
    case "disk":
    case "device":
    case "resource":
      return yield* cuts(p, node);
    case "not_active":
      return yield { change: { on: "node", node: node.id, to: "active" }, cost: 1.1 };
    case "silent":
    case "not_connected":
      return yield { change: { on: "node", node: node.id, to: "live" }, cost: 1.5 };
    case "engine":
      return yield { change: { on: "engine", node: node.id }, cost: 1.6 };
    case "arch":
      return yield { change: { on: "arch", add: node.arch }, cost: 1.4 };
    case "os":
      return yield { change: { on: "os", add: node.os }, cost: 1.4 };
    case "trust":
      return yield { change: { on: "trust", to: node.trustTier }, cost: 1 + 0.1 * Math.max(0, tiers.indexOf(policy?.trustTierMin ?? "none") - tiers.indexOf(node.trustTier)) };
    case "residency":
      return yield { change: { on: "residency", add: node.jurisdiction }, cost: 1.2 };
    case "taint": {
      const missed = node.taints.filter((t) => !policy?.tolerate.some((x) => x.key === t.key && (x.value === undefined || x.value === t.value)));
      if (missed.length === 1 && missed[0]) yield { change: { on: "tolerate", key: missed[0].key, value: missed[0].value }, cost: 1 };
      return;
    }
    case "rule": {
      const broken = (policy?.require ?? []).findIndex((r) => !r.selector.test(node.subject).matches);
      return yield { change: { on: "rule", index: broken }, cost: 1.3 };
    }
    case "selector":
      return yield { change: { on: "selector" }, cost: 1.3 };
    case "leaving":
      return yield { change: { on: "leaving", node: node.id }, cost: 1.7 };
    case "spread":
      return yield* looser(p, node, all);
    case "together":
    case "apart": {
      const on = j.reasons[0].code;
      const index = ((on === "apart" ? shape.apart : shape.together) ?? []).findIndex((_, i) => feasibleWith(p, { on, index: i }, node));
      if (index >= 0) yield { change: { on, index }, cost: 1.3 };
      return;
    }
    case undefined:
      return;
  }
}

const takenWith = new WeakMap<Problem, Map<string, ReadonlySet<string>>>();
/** Whether a node takes the unit after a change. All nodes are judged at once, and once for each change: many nodes ask. */
function feasibleWith(p: Problem, change: Change, node: FleetNode): boolean {
  const known = takenWith.get(p) ?? new Map<string, ReadonlySet<string>>();
  takenWith.set(p, known);
  const key = JSON.stringify(change);
  let taken = known.get(key);
  if (!taken) {
    const next = applied(p, change);
    known.set(key, (taken = new Set(evaluate(next.snapshot, next.ask, next.options).flatMap((j) => (j.reasons.length === 0 ? [j.node.id] : [])))));
  }
  return taken.has(node.id);
}

/** Asking for less of what is short, as far as there is any of it; or for devices of any model. */
function* cuts(p: Problem, node: FleetNode): Generator<{ change: Change; cost: number }> {
  const { demand } = p.ask.shape;
  const short = shortages(node.capacity, node.load, demand)[0];
  if (!short) return;
  const step = stepOf[short.of];
  const steps = Math.ceil((short.wanted - short.free) / step);
  if ((short.of === "device" || short.of === "share") && demand.devices?.model !== null) {
    const any = shortages(node.capacity, node.load, { ...demand, devices: demand.devices && { ...demand.devices, model: null } });
    if (any.length === 0) yield { change: { on: "model" }, cost: 0.9 };
  }
  // Asking for nothing of it is no smaller wish but another one.
  if (short.free > 0 && short.wanted - steps * step > 0) yield { change: { on: "demand", of: short.of, name: short.name, steps }, cost: Math.min(1, (steps * step) / short.wanted) };
}

/** A larger skew for the one spread that is in the way. */
function* looser(p: Problem, node: FleetNode, all: readonly Judged[]): Generator<{ change: Change; cost: number }> {
  const spread = p.ask.shape.policy?.spread ?? [];
  const own = p.ask.group ? (p.options.groups?.get(p.ask.group) ?? []) : p.options.own;
  const siteOf = new Map(all.map((j) => [j.node.id, j.node.site]));
  const placesOf = (over: "site" | "node") => own.flatMap((id) => (siteOf.has(id) ? [over === "site" ? (siteOf.get(id) ?? "") : id] : []));
  const passing = new Set(["leaving", "device", "cpu", "memory", "disk", "resource", "spread", "apart"]);
  for (const [index, s] of spread.entries()) {
    const counts = new Map<string, number>();
    for (const x of placesOf(s.over)) counts.set(x, (counts.get(x) ?? 0) + 1);
    const countAt = (n: FleetNode) => counts.get(s.over === "site" ? n.site : n.id) ?? 0;
    let least = Infinity;
    for (const j of all) if (j.reasons.every((r) => passing.has(r.code))) least = Math.min(least, countAt(j.node));
    const steps = countAt(node) + 1 - (Number.isFinite(least) ? least : 0) - s.maxSkew;
    if (steps > 0) yield { change: { on: "spread", index, steps }, cost: steps / s.maxSkew };
  }
}

/** A problem with a change made: a copy; nothing is changed. */
export function applied(p: Problem, c: Change): Problem {
  const { shape } = p.ask;
  const { policy } = shape;
  const withShape = (s: Partial<Shape>): Problem => ({ ...p, ask: { ...p.ask, shape: { ...shape, ...s } } });
  const withPolicy = (x: Partial<NonNullable<Shape["policy"]>>): Problem => (policy ? withShape({ policy: { ...policy, ...x } }) : p);
  const withNode = (id: string, x: Partial<FleetNode>): Problem => ({ ...p, snapshot: { ...p.snapshot, nodes: p.snapshot.nodes.map((n) => (n.id === id ? { ...n, ...x } : n)) } });
  const { demand } = shape;
  switch (c.on) {
    case "demand":
      switch (c.of) {
        case "cpu": return withShape({ demand: { ...demand, cpuMillis: Math.max(0, demand.cpuMillis - c.steps) } });
        case "memory": return withShape({ demand: { ...demand, memoryBytes: Math.max(0, demand.memoryBytes - c.steps * MIB) } });
        case "disk": return withShape({ demand: { ...demand, diskBytes: Math.max(0, demand.diskBytes - c.steps * MIB) } });
        case "device": return withShape({ demand: { ...demand, devices: demand.devices && { ...demand.devices, count: demand.devices.count - c.steps } } });
        case "share": return withShape({ demand: { ...demand, devices: demand.devices && { ...demand.devices, shareMillis: (demand.devices.shareMillis ?? 0) - c.steps } } });
        case "resource": return withShape({ demand: { ...demand, extra: { ...demand.extra, [c.name ?? ""]: Math.max(0, (demand.extra?.[c.name ?? ""] ?? 0) - c.steps) } } });
      }
      break;
    case "model": return withShape({ demand: { ...demand, devices: demand.devices && { ...demand.devices, model: null } } });
    case "selector": return withShape({ selector: null });
    case "tolerate": return policy ? withPolicy({ tolerate: [...policy.tolerate, { key: c.key, value: c.value }] }) : withShape({ policy: { name: "", require: [], residency: null, trustTierMin: null, tolerate: [{ key: c.key, value: c.value }], spread: [] } });
    case "residency": return withPolicy({ residency: [...(policy?.residency ?? []), c.add] });
    case "arch": return withShape({ arch: [...(shape.arch ?? []), c.add] });
    case "os": return withShape({ os: [...(shape.os ?? []), c.add] });
    case "trust": return withPolicy({ trustTierMin: c.to });
    case "rule": return withPolicy({ require: (policy?.require ?? []).filter((_, i) => i !== c.index) });
    case "together": return withShape({ together: (shape.together ?? []).filter((_, i) => i !== c.index) });
    case "apart": return withShape({ apart: (shape.apart ?? []).filter((_, i) => i !== c.index) });
    case "spread": return withPolicy({ spread: (policy?.spread ?? []).map((s, i) => (i === c.index ? { ...s, maxSkew: s.maxSkew + c.steps } : s)) });
    case "node": return withNode(c.node, c.to === "active" ? { desiredState: "active" } : { contact: "live" });
    case "engine": return withNode(c.node, { engines: [...(p.snapshot.nodes.find((n) => n.id === c.node)?.engines ?? []), shape.engine] });
    case "leaving": return { ...p, ask: { ...p.ask, avoid: new Set([...(p.ask.avoid ?? [])].filter((id) => id !== c.node)) } };
    case "weight": return withShape({ prefer: shape.prefer.map((x, i) => (i === c.index ? { ...x, weight: (c.from + c.steps) / 1_000 } : x)) });
  }
}

function textOf(p: Problem, c: Change): string {
  const { shape } = p.ask;
  const of = (name: string | undefined) => p.snapshot.nodes.find((n) => n.id === name)?.name ?? "";
  switch (c.on) {
    case "demand":
      switch (c.of) {
        case "cpu": return `Ask for ${c.steps}m less CPU (${Math.max(0, shape.demand.cpuMillis - c.steps)}m)`;
        case "memory": return `Ask for ${c.steps} MiB less memory`;
        case "disk": return `Ask for ${c.steps} MiB less disk`;
        case "device": return `Ask for ${counted(c.steps, "device")} fewer (${(shape.demand.devices?.count ?? 0) - c.steps})`;
        case "share": return `Ask for ${counted(c.steps, "thousandth")} less of a device (${(shape.demand.devices?.shareMillis ?? 0) - c.steps})`;
        case "resource": return `Ask for ${c.steps} less of ${c.name ?? ""}`;
      }
      break;
    case "model": return `Ask for devices of any model instead of ${shape.demand.devices?.model ?? ""}`;
    case "selector": return "Leave out the workload's selector";
    case "tolerate": return `Tolerate the taint ${c.key}${c.value === undefined ? "" : `=${c.value}`}`;
    case "residency": return `Allow the jurisdiction ${c.add}`;
    case "arch": return `Offer it for ${c.add}`;
    case "os": return `Offer it for ${c.add}`;
    case "trust": return `Ask for trust tier ${c.to} only`;
    case "rule": {
      const { because, selector } = shape.policy?.require[c.index] as NonNullable<Shape["policy"]>["require"][number];
      return `Leave out the rule ${because ? `"${because}"` : selector.text}`;
    }
    case "apart": {
      const { from, over, theirs } = shape.apart?.[c.index] as ApartRule;
      return theirs ? `Drop the rule of ${String(from)} that keeps its units apart from these over ${over}s` : `Drop the rule apart from ${from ?? "its own units"} over ${over}s`;
    }
    case "together": {
      const rule = shape.together?.[c.index] as TogetherRule;
      return `Drop the rule together with ${rule.with ?? "its own units"} over ${rule.over}s`;
    }
    case "spread": {
      const { over, maxSkew } = shape.policy?.spread[c.index] as NonNullable<Shape["policy"]>["spread"][number];
      return `Raise maxSkew over ${over}s from ${maxSkew} to ${maxSkew + c.steps}`;
    }
    case "node": return c.to === "active" ? `Make ${of(c.node)} active again` : `Bring ${of(c.node)} back into contact`;
    case "engine": return `Offer the engine ${shape.engine} on ${of(c.node)}`;
    case "leaving": return `Let it stay on ${of(c.node)}`;
    case "weight": {
      const x = shape.prefer[c.index] as Preference;
      return `Change the weight of the preference ${x.by === "rule" ? x.selector.text : x.by} from ${c.from / 1_000} to ${(c.from + c.steps) / 1_000}`;
    }
  }
}
