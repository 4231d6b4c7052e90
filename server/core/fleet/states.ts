/**
 * The five states of units, nodes, sites and workloads with the sentence that explains each: the one place where they
 * are derived. `unitStateOf` has a twin in SQL (store/repos/fleet-sql) so that lists can filter by it; a test holds
 * the two together.
 *
 * Silence is never health and never failure: what a silent node runs is `silent`, with the age of the last word.
 */
import type { HealthState } from "../views/common";
import { ageText, counted } from "./age";
import type { Liveness } from "./liveness";

export interface StateView {
  state: HealthState;
  because: string;
  sinceMs: number | null;
}

export interface ObservedUnit {
  generation: number;
  phase: string;
  health: string;
  restarts: number;
  exitCode: number | null;
  message: string;
  sinceMs: number;
}

export interface UnitFacts {
  desired: "run" | "stop";
  generation: number;
  sinceMs: number;
  observed: ObservedUnit | null;
  /** The other revision that starts beside the one that serves, during an update. */
  incoming?: { generation: number; phase: string; health: string; message: string } | null;
  liveness: Liveness;
  nowMs: number;
}

/** A unit that serves: it runs, and its health check (if it has one) says so. */
export const serves = (phase: string, health: string): boolean => phase === "running" && (health === "healthy" || health === "unknown");
/** Phases in which a unit holds its resources no more. */
export const isAtRest = (phase: string): boolean => phase === "stopped" || phase === "succeeded" || phase === "failed";

export function unitStateOf(f: UnitFacts): StateView {
  const o = f.observed;
  if (f.liveness.contact === "silent") {
    const since = f.liveness.silentSinceMs ?? f.nowMs;
    const last = !o ? "nothing was heard of this unit before" : serves(o.phase, o.health) ? "it was healthy when last heard of" : `it was ${o.phase} when last heard of`;
    return { state: "silent", because: `Its node has been silent for ${ageText(f.nowMs - since)}; ${last}.`, sinceMs: since };
  }
  if (f.desired === "stop") {
    if (!o || isAtRest(o.phase)) return { state: "pending", because: "Stopped; waiting to be taken off the list.", sinceMs: o?.sinceMs ?? f.sinceMs };
    return { state: "pending", because: `Asked to stop; it is ${o.phase}.`, sinceMs: f.sinceMs };
  }
  if (!o) {
    const waiting = f.liveness.contact === "never" ? "Its node has not connected yet." : "Waiting for the agent to speak of it.";
    return { state: "pending", because: waiting, sinceMs: f.sinceMs };
  }
  const tail = o.message ? ` ${sentence(o.message)}` : "";
  switch (o.phase) {
    case "running":
      if (o.health === "unhealthy") return { state: "failing", because: `Its health check fails.${tail}`, sinceMs: o.sinceMs };
      if (o.health === "starting") return { state: "pending", because: "It runs; its health check has not passed yet.", sinceMs: o.sinceMs };
      if (o.generation !== f.generation) return updating(f, o);
      return { state: "healthy", because: o.health === "unknown" ? "It runs; it has no health check." : "It runs and its health check passes.", sinceMs: o.sinceMs };
    case "succeeded":
      return { state: "healthy", because: "It ran to completion.", sinceMs: o.sinceMs };
    case "failed":
      return { state: "failing", because: `It failed${o.exitCode === null ? "" : ` with exit code ${o.exitCode}`}.${tail}`, sinceMs: o.sinceMs };
    case "backoff":
      return { state: "failing", because: `It keeps failing (${counted(o.restarts, "restart")}); the agent waits before the next try.${tail}`, sinceMs: o.sinceMs };
    case "stopping":
    case "stopped":
      return { state: "pending", because: "It is stopped and should run; the agent starts it next.", sinceMs: o.sinceMs };
    default:
      return { state: "pending", because: `The agent is ${o.phase === "pending" ? "about to start" : o.phase} it.${tail}`, sinceMs: o.sinceMs };
  }
}

/** Serves one revision while another is asked for: healthy, unless the new one fails beside it. */
function updating(f: UnitFacts, o: ObservedUnit): StateView {
  const asked = `Asked for r${f.generation}, running r${o.generation}`;
  const next = f.incoming;
  if (next && (next.health === "unhealthy" || next.phase === "backoff" || next.phase === "failed"))
    return { state: "degraded", because: `${asked}: r${next.generation} does not get healthy, so r${o.generation} goes on serving.${next.message ? ` ${sentence(next.message)}` : ""}`, sinceMs: o.sinceMs };
  return { state: "healthy", because: `${asked} until the new one is healthy.`, sinceMs: o.sinceMs };
}

const sentence = (text: string): string => {
  const t = text.trim();
  return `${t.charAt(0).toUpperCase()}${t.slice(1)}${/[.!?]$/.test(t) ? "" : "."}`;
};

/** How many units (or nodes) are in each state, and of the silent ones how many were healthy when last heard of. */
export interface Counts {
  healthy: number;
  degraded: number;
  failing: number;
  silent: number;
  pending: number;
  /** Of the silent ones: healthy when last heard of. */
  silentWasHealthy: number;
  /** The earliest last contact of the silent ones; null when none is silent. */
  asOfMs: number | null;
}
export const noCounts: Counts = { healthy: 0, degraded: 0, failing: 0, silent: 0, pending: 0, silentWasHealthy: 0, asOfMs: null };
export const totalOf = (c: Counts): number => c.healthy + c.degraded + c.failing + c.silent + c.pending;

export function addCounts(a: Counts, b: Counts): Counts {
  const asOf = [a.asOfMs, b.asOfMs].filter((v) => v !== null);
  return {
    healthy: a.healthy + b.healthy,
    degraded: a.degraded + b.degraded,
    failing: a.failing + b.failing,
    silent: a.silent + b.silent,
    pending: a.pending + b.pending,
    silentWasHealthy: a.silentWasHealthy + b.silentWasHealthy,
    asOfMs: asOf.length ? Math.min(...asOf) : null,
  };
}

/**
 * What is known of "how many serve": at least the ones seen healthy (degraded ones serve too), at most those and the
 * silent ones that served when last heard of. `total` is what is wanted. Example: 41 healthy, 16 silent that were
 * healthy, 3 failing of 60 is "41 to 57 of 60".
 */
export function intervalOf(c: Counts, total: number = totalOf(c)): { min: number; max: number; total: number; asOfMs: number | null } {
  const min = c.healthy + c.degraded;
  return { min, max: min + c.silentWasHealthy, total, asOfMs: c.asOfMs };
}

export interface NodeStateFacts {
  desiredState: "active" | "cordoned" | "draining" | "decommissioned";
  liveness: Liveness;
  lastSeenMs: number | null;
  units: Counts;
  /** Desired against fully applied generation of the node's whole desired state. */
  generation: { desired: number; applied: number };
  nowMs: number;
}

export function nodeStateOf(f: NodeStateFacts): StateView {
  if (f.desiredState === "decommissioned") return { state: "pending", because: "Decommissioned: it takes no work.", sinceMs: f.lastSeenMs };
  if (f.liveness.contact === "never") return { state: "pending", because: "It has not connected yet.", sinceMs: null };
  if (f.liveness.contact === "silent") {
    const since = f.liveness.silentSinceMs ?? f.nowMs;
    return { state: "silent", because: `Nothing heard for ${ageText(f.nowMs - since)}.`, sinceMs: since };
  }
  const wish = f.desiredState === "cordoned" ? " It is cordoned: no new units." : f.desiredState === "draining" ? " It is draining: its units move away." : "";
  const running = totalOf(f.units);
  if (f.units.failing > 0 && f.units.failing === running) return { state: "failing", because: `In contact; ${running === 1 ? "its unit fails" : `all ${running} units fail`}.${wish}`, sinceMs: null };
  if (f.units.failing + f.units.degraded > 0) return { state: "degraded", because: `In contact; ${counted(f.units.failing + f.units.degraded, "unit")} of ${running} ${f.units.failing + f.units.degraded === 1 ? "is" : "are"} not well.${wish}`, sinceMs: null };
  const lag = f.generation.applied < f.generation.desired ? ` It applies generation ${f.generation.desired} (has ${f.generation.applied}).` : "";
  return { state: "healthy", because: `In contact${running ? `; ${counted(running, "unit")}` : "; no units"}.${lag}${wish}`, sinceMs: null };
}

/** A site is what its nodes are: silent when all are, degraded when some are not well. */
export function siteStateOf(nodes: Counts, units: Counts, nowMs: number): StateView {
  const total = totalOf(nodes);
  if (total === 0) return { state: "pending", because: "No node has joined yet.", sinceMs: null };
  if (nodes.silent === total) return { state: "silent", because: `${total === 1 ? "Its node has" : `All ${total} nodes have`} been silent for ${ageText(nowMs - (nodes.asOfMs ?? nowMs))} or less.`, sinceMs: nodes.asOfMs };
  if (nodes.pending === total) return { state: "pending", because: `${counted(total, "node")}, not connected yet.`, sinceMs: null };
  const bad: string[] = [];
  if (nodes.silent) bad.push(`${counted(nodes.silent, "node")} of ${total} silent`);
  if (nodes.failing + nodes.degraded) bad.push(`${counted(nodes.failing + nodes.degraded, "node")} with units that are not well`);
  if (bad.length) return { state: nodes.failing > 0 && nodes.healthy + nodes.degraded === 0 ? "failing" : "degraded", because: `${bad.join(", ")}.`, sinceMs: nodes.silent ? nodes.asOfMs : null };
  return { state: "healthy", because: `${counted(total, "node")} in contact, ${counted(totalOf(units), "unit")}.`, sinceMs: null };
}

export interface WorkloadStateFacts {
  /** Units that should run; for a daemon, one for each matching node. */
  wanted: number;
  units: Counts;
  /** Units that found no node, and why (the sentence of the newest decision). */
  unplaced: { count: number; because: string | null };
  /** Units on another revision than the goal. */
  behind: number;
  nowMs: number;
}

export function workloadStateOf(f: WorkloadStateFacts): StateView {
  const c = f.units;
  if (f.wanted === 0) return { state: totalOf(c) === 0 ? "healthy" : "pending", because: totalOf(c) === 0 ? "No unit is asked for." : `${counted(totalOf(c), "unit")} still to stop.`, sinceMs: null };
  const serving = c.healthy + c.degraded;
  const parts: string[] = [];
  if (f.unplaced.count) parts.push(`${counted(f.unplaced.count, "unit")} of ${f.wanted} found no node${f.unplaced.because ? `: ${f.unplaced.because.replace(/\.$/, "")}` : ""}`);
  if (c.failing) parts.push(`${counted(c.failing, "unit")} of ${f.wanted} ${c.failing === 1 ? "fails" : "fail"}`);
  if (c.silent) parts.push(`${counted(c.silent, "unit")} on silent nodes, for ${ageText(f.nowMs - (c.asOfMs ?? f.nowMs))}`);
  if (c.degraded) parts.push(`${counted(c.degraded, "unit")} can't take the new revision`);
  if (c.pending) parts.push(`${counted(c.pending, "unit")} starting`);
  if (parts.length === 0) return { state: "healthy", because: `All ${counted(f.wanted, "unit")} serve${f.behind ? `; ${f.behind} not yet on the newest revision` : ""}.`, sinceMs: null };
  const because = `${serving} of ${f.wanted} serve; ${parts.join("; ")}.`;
  if (serving === 0) {
    if (c.silent > 0 && c.failing === 0 && f.unplaced.count === 0 && c.pending === 0) return { state: "silent", because, sinceMs: c.asOfMs };
    if (c.failing > 0 || f.unplaced.count > 0) return { state: "failing", because, sinceMs: null };
    return { state: c.silent > 0 ? "silent" : "pending", because, sinceMs: c.asOfMs };
  }
  return { state: c.failing || c.degraded || f.unplaced.count || c.silent ? "degraded" : serving < f.wanted ? "pending" : "healthy", because, sinceMs: null };
}
