import { ageText, counted } from "../fleet/age";
import type { Ask } from "./ask";
import { shortages } from "./demand";
import type { Load } from "./demand";
import type { FleetNode } from "./fleet";
import { profileOf, sliceName } from "./shares";
import { misplacing } from "./reasons";
import type { Reason } from "./reasons";
import type { Shape, TogetherRule } from "./shape";

const tierRank: Record<string, number> = { none: 0, software: 1, tpm: 2 };

/** Everything about a node alone that keeps a shape away, decisive reason first. Depends on no other unit. */
export function nodeReasons(shape: Shape, node: FleetNode, nowMs: number): Reason[] {
  const found: Reason[] = [];
  const add = (code: Reason["code"], text: string) => void found.push({ code, text });
  if (node.desiredState !== "active") add("not_active", `${node.name} is ${node.desiredState}.`);
  if (node.contact === "never") add("not_connected", `${node.name} has not connected yet.`);
  if (node.contact === "silent") add("silent", `${node.name} has been silent for ${ageText(nowMs - (node.lastSeenMs ?? nowMs))}.`);
  // What an agent has never told can't be judged: a node that has not connected is refused for that alone.
  if (node.contact !== "never") {
    if (!node.engines.includes(shape.engine)) add("engine", `${node.name} offers ${node.engines.length ? node.engines.join(", ") : "no engine"}, and the unit needs ${shape.engine}.`);
    if (shape.arch && !shape.arch.includes(node.arch)) add("arch", `${node.name} is ${node.arch || "of unknown architecture"}, and the unit was built for ${shape.arch.join(", ")}.`);
    if (shape.os && !shape.os.includes(node.os)) add("os", `${node.name} runs ${node.os || "an unknown system"}, and the unit was built for ${shape.os.join(", ")}.`);
  }
  const policy = shape.policy;
  if (policy?.trustTierMin && (tierRank[node.trustTier] ?? 0) < (tierRank[policy.trustTierMin] ?? 0)) add("trust", `${node.name} has trust tier ${node.trustTier}, and policy ${policy.name} asks for ${policy.trustTierMin} at least.`);
  if (policy?.residency && !policy.residency.some((code) => within(node.jurisdiction, code))) add("residency", `${node.name} is in ${node.jurisdiction}, and policy ${policy.name} allows ${policy.residency.join(", ")}.`);
  for (const taint of node.taints) {
    if (policy?.tolerate.some((t) => t.key === taint.key && (t.value === undefined || t.value === taint.value))) continue;
    add("taint", `${node.name} has the taint ${taint.key}${taint.value === undefined ? "" : `=${taint.value}`}, which is not tolerated.`);
    break;
  }
  for (const rule of policy?.require ?? []) {
    const verdict = rule.selector.test(node.subject);
    if (!verdict.matches) add("rule", `${node.name} does not satisfy ${rule.because ? `"${rule.because}"` : rule.selector.text} of policy ${policy?.name ?? ""}${verdict.note ? `: ${verdict.note}` : ""}.`);
  }
  if (shape.selector) {
    const verdict = shape.selector.test(node.subject);
    if (!verdict.matches) add("selector", `${node.name} does not match ${shape.selector.text}${verdict.note ? `: ${verdict.note}` : ""}.`);
  }
  for (const rule of shape.together ?? []) if (!isTogether(rule, node)) add("together", apartText(rule, node));
  return found;
}

/** Whether a node is where the units are that a rule keeps a unit with; so it is as long as nobody has looked where they are. */
export const isTogether = (rule: TogetherRule, node: FleetNode): boolean => rule.at === undefined || rule.at.has(rule.over === "site" ? node.site : node.id);

function apartText({ with: name, over, at, starts }: TogetherRule, node: FleetNode): string {
  const whom = name ?? "its workload";
  const sites = over === "site" && at?.size ? ` (${[...at].sort().slice(0, 3).join(", ")}${at.size > 3 ? ` and ${at.size - 3} more` : ""})` : "";
  if (starts) return over === "site" ? `${node.name} is at ${node.site}, and the units of its workload stay together at one site: they start at another${sites}.` : `The units of its workload stay together on one node, and they start on another than ${node.name}.`;
  if (!at?.size) return `${node.name} has no unit of ${whom} beside it: none runs, and the unit stays with them.`;
  return over === "site" ? `${node.name} is at ${node.site}, which has no unit of ${whom}, and the unit stays at sites that have one${sites}.` : `${node.name} has no unit of ${whom}, and the unit stays on nodes that have one.`;
}

interface Judgement {
  of: FleetNode;
  wrong: Reason | undefined;
}
const judgements = new WeakMap<Shape, WeakMap<FleetNode["subject"], Judgement>>();

/**
 * Why a unit that runs on a node in contact should not be there; undefined when it may stay. Remembered by shape and node as
 * long as nothing of the node has changed that it depends on: a pass asks it of every unit, and most ask for nothing else.
 */
export function misplacement(shape: Shape, node: FleetNode, nowMs: number): Reason | undefined {
  let byNode = judgements.get(shape);
  if (!byNode) judgements.set(shape, (byNode = new WeakMap()));
  const had = byNode.get(node.subject);
  if (had && isJudgedAlike(had.of, node)) return had.wrong;
  const wrong = nodeReasons(shape, node, nowMs).find((r) => misplacing.has(r.code));
  byNode.set(node.subject, { of: node, wrong });
  return wrong;
}
const isJudgedAlike = (a: FleetNode, b: FleetNode): boolean =>
  a === b || (a.name === b.name && (a.contact === "never") === (b.contact === "never") && a.engines === b.engines && a.arch === b.arch && a.os === b.os && a.trustTier === b.trustTier && a.jurisdiction === b.jurisdiction);

/** DE allows DE and DE-BY; US-CA allows US-CA only. */
const within = (jurisdiction: string, allowed: string): boolean => jurisdiction === allowed || jurisdiction.startsWith(`${allowed}-`);

const words = { share: "", device: "devices", cpu: "CPU", memory: "memory", disk: "disk", resource: "" } as const;
const amount = (of: keyof typeof words, n: number): string => (of === "cpu" ? `${n}m` : of === "device" || of === "share" || of === "resource" ? String(n) : `${Math.floor(n / 1_048_576)} MiB`);

/** What is short on a node for a shape, under the load it has now. */
function roomReasons(shape: Shape, node: FleetNode, load: Load): Reason[] {
  return shortages(node.capacity, load, shape.demand).map((s) => ({
    code: s.of === "share" ? "device" : s.of,
    text: s.of === "share" ? shareText(node.name, shape, s) : profileOf(s.name ?? "") !== null ? sliceText(node, profileOf(s.name ?? "") ?? "", s) : `${node.name} has ${amount(s.of, Math.max(0, s.free))} of ${s.name ?? words[s.of]} left${s.of === "device" && shape.demand.devices?.model ? ` of model ${shape.demand.devices.model}` : ""}, and the unit asks for ${amount(s.of, s.wanted)}.`,
  }));
}

const shareText = (node: string, shape: Shape, s: { free: number; wanted: number }): string =>
  `${node} has no device${shape.demand.devices?.model ? ` of model ${shape.demand.devices.model}` : ""} with ${s.wanted} thousandths left: the most on one is ${Math.max(0, s.free)}.`;
const sliceText = ({ name, capacity }: FleetNode, profile: string, s: { free: number; wanted: number }): string =>
  capacity.extra?.[sliceName(profile)] === undefined ? `${name} offers no slice ${profile}.` : `${name} has ${Math.max(0, s.free)} of its ${counted(capacity.extra[sliceName(profile)] ?? 0, `slice`)} ${profile} left, and the unit asks for ${s.wanted}.`;

/** How things stand with a node and an ask at the moment of a decision. */
export interface Standing {
  load: Load;
  /** Units of a group on the node, or on its site; null for the ask's own group. */
  count(over: "site" | "node", group: string | null): number;
}
/** A hard spread with the lowest count among the domains where a unit could be at all. */
export interface SpreadLimit {
  over: "site" | "node";
  maxSkew: number;
  least: number;
}

/** All that keeps a unit away from a node, the decisive reason first; empty exactly when the node can take it. `fixed` are its `nodeReasons`. */
export function reasonsAgainst(ask: Ask, node: FleetNode, fixed: readonly Reason[], now: Standing, limits: readonly SpreadLimit[]): Reason[] {
  const found = [...fixed];
  if (ask.avoid?.has(node.id)) found.push({ code: "leaving", text: `${node.name} is what the unit moves away from.` });
  found.push(...roomReasons(ask.shape, node, now.load));
  const where = (over: "site" | "node") => (over === "site" ? node.site : node.name);
  for (const s of limits) {
    const count = now.count(s.over, null);
    if (count + 1 - s.least > s.maxSkew) found.push({ code: "spread", text: `${where(s.over)} has ${counted(count, "unit")}, and another ${s.over} has ${s.least}: one more would exceed a skew of ${s.maxSkew}.` });
  }
  for (const a of ask.shape.apart ?? []) {
    const count = now.count(a.over, a.from);
    if (count > 0) found.push({ code: "apart", text: `${where(a.over)} has ${counted(count, "unit")} of ${a.from ?? "its workload"}, which ${a.theirs ? `${count === 1 ? "keeps" : "keep"} apart from it` : "it keeps apart from"}.` });
  }
  return found;
}
