import { createHash } from "node:crypto";
import type { z } from "zod";
import { mayDo, whoMay } from "../../core/access/permissions";
import type { Actor, ProjectRef } from "../../core/access/actor";
import { digestOf } from "../../core/base/json";
import { parseDurationMs } from "../../core/base/duration";
import { refuseNow } from "../../core/base/refusal";
import { counted } from "../../core/fleet";
import { previewShape } from "../../core/placement";
import type { Demand, WhatIfWorld } from "../../core/placement";
import type { repairPlanView } from "../../core/views/placement";
import { repairs } from "../../store";
import type { PlacementDeps } from "../deps";
import type { ReadWorld, WorldCache } from "../preview/cache";
import { findPlan, placedNow } from "./find-plan";
import type { FoundPlan, Pending } from "./find-plan";
import { demandText } from "./shapes";

/** For whom room is wanted: a workload that waits, or units of a shape. */
export interface RepairInput {
  workload?: string | undefined;
  shape?: Demand | undefined;
  count?: number | undefined;
}
/** A plan as it is shown, and as it would be run. */
export interface MadePlan {
  pending: Pending;
  found: FoundPlan | null;
  blocked: string | null;
  now: number;
  digest: string | null;
  moves: (repairs.RepairMoveRecord & { pricedBecause: string })[];
}

/** What starting costs where no health check says how long it may take: the default of one. */
const DEFAULT_START_MS = 10_000;

export function repairPlanner(deps: PlacementDeps, worlds: WorldCache) {
  const make = async (project: ProjectRef, input: RepairInput): Promise<MadePlan & { nowMs: number }> => {
    const nowMs = deps.clock.nowMs();
    const read = await worlds.read(project.id, { nowMs, silentAfterMs: deps.env.AGENT_SILENT_AFTER_MS });
    const prices = pricesOf(read, await repairs.startSeconds(deps.store.read.client, project.id));
    const pending = pendingOf(read.world, input);
    return { ...planOf(read.world, pending, prices), nowMs };
  };
  return {
    make,
    /** The cheapest moves that make room for units that wait, with the price of each. Changes nothing. */
    async repairPlan(project: ProjectRef, input: RepairInput, actor: Actor): Promise<z.input<typeof repairPlanView>> {
      const read = await make(project, input);
      const open = await repairs.open(deps.store.read.client, project.id);
      // The plan that is being run is half done: another one would be made from a fleet that is about to change.
      const under = open && open.workloadId !== null && open.workloadId === read.pending.workloadId ? `A repair for ${open.object} is under way: ${open.moves.filter((m) => m.state === "done").length} of ${counted(open.moves.length, "move")} done.` : null;
      const made = under === null ? read : { ...read, found: null, moves: [], digest: null, blocked: null };
      const { pending, found, moves } = made;
      const target = input.workload ?? optionsOf(pending);
      const may = mayDo(actor.roles(project.id), "fleet.operate") ? null : whoMay("fleet.operate");
      const disabledBecause = open ? `A repair for ${open.object} is under way; one runs at a time.` : made.digest === null ? (made.blocked ?? "There is nothing to move.") : may;
      return {
        sentence: under ?? sentenceOf(made), workload: pending.workloadId === null ? null : pending.name, shape: demandText(pending.shape.demand), wanted: pending.count, placeableNow: made.now, placeableAfter: found ? found.rooms.length : made.now,
        moves: moves.map((m) => ({ unit: m.unit, workload: m.workload, from: m.from, to: m.to, seconds: m.seconds, batch: m.batch ?? 0, priced: m.priced, pricedBecause: m.pricedBecause })),
        seconds: found?.seconds ?? 0, optimal: found?.optimal ?? true, digest: made.digest, blocked: made.blocked,
        run: { command: "repairRun", disabledBecause, cli: `holdfast repair run ${target} --digest ${made.digest ?? "DIGEST"} --reason "…"` },
        asOfMs: made.nowMs,
      };
    },
  };
}

/** A shape as the command line takes it. */
function optionsOf({ shape: { demand: d }, count }: Pending): string {
  return [`--cpu ${d.cpuMillis}`, d.memoryBytes > 0 ? `--memory ${Math.ceil(d.memoryBytes / 1_024)}Ki` : "", d.devices ? `${d.devices.shareMillis === undefined ? `--devices ${d.devices.count}` : `--share ${d.devices.shareMillis}`}${d.devices.model === null ? "" : ` --model ${d.devices.model}`}` : "", `--count ${count}`].filter(Boolean).join(" ");
}

function pendingOf(world: WhatIfWorld, input: RepairInput): Pending {
  if (input.workload === undefined) {
    if (!input.shape) return refuseNow("invalid_input", "Nobody is named to make room for.", "Name a workload that waits, or say what a unit asks for.");
    return { workloadId: null, name: counted(input.count ?? 1, "unit"), shape: { ...previewShape({}), demand: input.shape }, count: input.count ?? 1, own: [], priority: 100 };
  }
  const w = world.workloads.find((x) => x.snapshot.name === input.workload)?.snapshot;
  if (!w || w.removed) return refuseNow("not_found", `There is no workload "${input.workload}" in this project.`, "Look at the queue for those that wait.");
  const running = w.units.filter((u) => u.desired === "run");
  const lacks = w.kind === "daemon" ? 0 : Math.max(0, w.replicas - running.length - w.completed.size);
  if (!w.askShape || lacks === 0) return refuseNow("illegal_transition", `${w.name} does not wait: it has the ${counted(running.length, "unit")} that it asks for.`, "Look at the queue for those that wait.");
  return { workloadId: w.workloadId, name: w.name, shape: w.askShape, count: Math.min(lacks, input.count ?? lacks), own: running.map((u) => u.node.id), priority: w.sets?.priority ?? 100 };
}

function planOf(world: WhatIfWorld, pending: Pending, prices: Prices): MadePlan {
  const now = placedNow(world, pending).length;
  if (now >= pending.count) return { pending, found: null, blocked: null, now, digest: null, moves: [] };
  const result = findPlan(world, pending, (w, g) => prices(w, g).seconds);
  if (!result.plan) return { pending, found: null, blocked: result.because, now, digest: null, moves: [] };
  const found = result.plan;
  const moves = found.moves.map((m) => {
    const { snapshot: s } = m.of;
    const price = prices(s.workloadId, m.unit.generation);
    return { unit: m.unit.unit, assignmentId: m.unit.assignmentId, becomes: null, state: "waiting" as const, because: null, sinceMs: null, workloadId: s.workloadId, workload: s.name, fromNodeId: m.unit.node.id, from: m.unit.node.name, toNodeId: m.to.id, to: m.to.name, seconds: m.seconds, batch: m.batch, demand: m.shape.demand, priced: price.priced, pricedBecause: price.because };
  });
  const sha = (text: string) => createHash("sha256").update(text).digest("hex");
  const digest = digestOf({ for: pending.workloadId, demand: pending.shape.demand, count: pending.count, moves: found.moves.map((m) => [m.unit.assignmentId, m.unit.version, m.to.id, m.batch]), rooms: found.rooms.map((r) => r.id) }, sha);
  return { pending, found, blocked: null, now, digest, moves };
}

type Prices = (workloadId: string, generation: number) => { seconds: number; priced: "measured" | "declared"; because: string };

/** What a start costs: as its units took that run now, otherwise what the manifest declares. */
function pricesOf(read: ReadWorld, measured: Awaited<ReturnType<typeof repairs.startSeconds>>): Prices {
  const manifests = new Map(read.rows.workloads.map((w) => [w.object.id, w.manifests]));
  return (workloadId, generation) => {
    const health = manifests.get(workloadId)?.get(generation)?.manifest.spec.template.health;
    // Without a health check nobody saw when a unit could serve: that its process runs is no start that was measured.
    const seen = health ? measured.get(workloadId) : undefined;
    if (seen) return { seconds: Math.max(0.1, Math.round(seen.seconds * 10) / 10), priced: "measured", because: `median of ${counted(seen.units, "start")} of its units that run` };
    return health === undefined ? { seconds: DEFAULT_START_MS / 1_000, priced: "declared", because: "it has no health check, so no start can be measured: the default start period" } : { seconds: (parseDurationMs(health.startPeriod) ?? DEFAULT_START_MS) / 1_000, priced: "declared", because: "no start was measured: the start period of its manifest" };
  };
}

function sentenceOf(p: MadePlan): string {
  const { pending } = p;
  const who = pending.workloadId === null ? `${counted(pending.count, "unit")} of ${demandText(pending.shape.demand)}` : `the ${counted(pending.count, "unit")} that ${pending.name} waits for`;
  if (p.blocked !== null) return `There is room for ${p.now} of ${who} now, and no plan makes more. ${p.blocked}`;
  if (!p.found) return `There is room for ${who} now: nothing has to move.`;
  return `${counted(p.moves.length, "move")}, ${Number(p.found.seconds.toFixed(1))} s of warm starts in all, ${p.moves.length === 1 ? "makes" : "make"} room for ${who}; now there is room for ${p.now}.${inBatches(p.moves)}`;
}

/** How many steps the moves are made in, and how long that takes when each takes what its slowest start does. */
function inBatches(moves: MadePlan["moves"]): string {
  const slowest = new Map<number, number>();
  for (const m of moves) slowest.set(m.batch ?? 0, Math.max(slowest.get(m.batch ?? 0) ?? 0, m.seconds));
  if (slowest.size === moves.length) return "";
  const seconds = [...slowest.values()].reduce((a, b) => a + b, 0);
  return ` They are made in ${counted(slowest.size, "batch", "batches")}, about ${Number(seconds.toFixed(1))} s of starting in all.`;
}
