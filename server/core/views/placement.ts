import { z } from "zod";
import { commandView, done, healthState, timeMs } from "./common";
import { decisionCandidate } from "./workloads";

/** What a change would do, before it is done. Lists are cut to what a screen can show; the numbers count all. */
export const previewView = z.object({
  /** In one sentence. */
  sentence: z.string(),
  moves: z.array(z.object({ workload: z.string(), unit: z.string(), becomes: z.string(), from: z.string(), to: z.string(), because: z.string() })),
  added: z.array(z.object({ workload: z.string(), unit: z.string(), to: z.string(), because: z.string() })),
  gone: z.array(z.object({ workload: z.string(), unit: z.string(), from: z.string(), because: z.string() })),
  evicted: z.array(z.object({ workload: z.string(), unit: z.string(), from: z.string(), because: z.string() })),
  /** Units without a node. `new`: because of the change; `asNow`: it has none now either; `replaces`: one in `stays` could go if it had one. */
  impossible: z.array(z.object({ workload: z.string(), unit: z.string(), because: z.string(), standing: z.enum(["new", "asNow", "replaces"]) })),
  /** Units that have to leave their node and would still be on it, with what holds them there. */
  stays: z.array(z.object({ workload: z.string(), unit: z.string(), node: z.string(), because: z.string() })),
  updates: z.array(z.object({ workload: z.string(), units: z.int() })),
  counts: z.object({ moves: z.int(), added: z.int(), gone: z.int(), evicted: z.int(), impossible: z.int(), asNow: z.int(), replaces: z.int(), stays: z.int(), unitsBefore: z.int(), unitsAfter: z.int() }),
  /** Per hour by the sites' rate cards. */
  cost: z.array(z.object({ currency: z.string(), before: z.number(), after: z.number() })),
  /** Mean way from every site to the nearest unit, where it changes; null when no site is linked to one. */
  latency: z.array(z.object({ workload: z.string(), beforeMs: z.number().nullable(), afterMs: z.number().nullable(), unreachedBefore: z.int(), unreachedAfter: z.int() })),
  /** Share of idle accelerators that the project's own mix of units can't use (F of the FGD paper over idle), 0 to 1; null without accelerators. */
  fragmentation: z.object({ before: z.number(), after: z.number() }).nullable(),
  /** False when something would go on beyond what was looked at, such as a long update in place. */
  atRest: z.boolean(),
  /** Of where everything would run in the end: two previews with one digest come to the same. */
  digest: z.string(),
  tookMs: z.number(),
  asOfMs: timeMs,
});
export type PreviewView = z.infer<typeof previewView>;

/** A policy run over recorded decisions: what it would have chosen among the candidates that each of them kept. */
export const replayView = z.object({
  decisions: z.int(),
  same: z.int(),
  changed: z.array(z.object({ id: z.string(), unit: z.string(), was: z.string().nullable(), would: z.string().nullable(), because: z.string() })),
  /** Of the choices as recorded, and as replayed: equal under the policy that they were made by. */
  recordedDigest: z.string(),
  digest: z.string(),
  asOfMs: timeMs,
});

/** Why a unit is not on a node, or nowhere, by the fleet as it is now, and the smallest single change after which it is. */
export const whyNotView = z.object({
  workload: z.string(),
  unit: z.string(),
  /** Where it runs; null for a unit that waits. */
  here: decisionCandidate.nullable(),
  /** Where it would go if it were placed anew now; null when nothing fits. A unit that runs stays where it is nevertheless. */
  best: decisionCandidate.nullable(),
  /** The node that was asked about; null when none was. */
  target: decisionCandidate.nullable(),
  /** All that keeps it from the node that was asked about, the decisive reason first. */
  reasons: z.array(z.object({ code: z.string(), text: z.string() })),
  feasible: z.int().describe("Nodes that could take it now, of `nodes`."),
  nodes: z.int(),
  /** The answer in one sentence or two. */
  sentence: z.string(),
  flip: z
    .object({
      /** What to change, and what happens then. */
      text: z.string(),
      goesTo: z.string(),
      /** Manifests with the change made, environment values hidden; empty where the change is none of a manifest. Checked by placing again by what they say. */
      edits: z.array(z.object({ kind: z.enum(["Workload", "PlacementPolicy"]), name: z.string(), beforeYaml: z.string().nullable(), afterYaml: z.string() })),
      /** Workloads besides this one that the edited policy binds. */
      alsoBinds: z.array(z.string()),
      /** What has to be done to a node instead. */
      act: z.object({ node: z.string(), what: z.enum(["activate", "reconnect", "engine"]) }).nullable(),
    })
    .nullable(),
  /** Why there is no flip; null when there is one. */
  noFlip: z.string().nullable(),
  asOfMs: timeMs,
});
export type WhyNotView = z.infer<typeof whyNotView>;

/** Who waits for room, in the order in which they get their turn. */
export const queueView = z.object({
  items: z.array(
    z.object({
      position: z.int(),
      workload: z.string(),
      priority: z.int(),
      quota: z.string().nullable(),
      /** Units that wait, of how many. */
      waiting: z.int(),
      replicas: z.int(),
      sinceMs: timeMs.nullable(),
      /** What stands in the way: the newest decision about its first waiting unit. */
      blocker: z.string(),
      /** That unit and that decision; null before the scheduler has looked. */
      unit: z.string().nullable(),
      decision: z.string().nullable(),
      /** When it starts, as a range; null where nobody can tell. */
      start: z.object({ earliestMs: timeMs, latestMs: timeMs.nullable(), because: z.string() }).nullable(),
      /** Units that are stopping to make way, and where their own replacements stand in this queue. */
      chain: z.array(z.object({ unit: z.string(), node: z.string(), stops: z.string(), workload: z.string(), priority: z.int(), waitsAt: z.int().nullable() })),
    }),
  ),
  asOfMs: timeMs,
});
export type QueueView = z.infer<typeof queueView>;

/** Quotas as a tree, parents before their children. */
export const quotaTreeView = z.object({
  quotas: z.array(
    z.object({
      name: z.string(),
      parent: z.string().nullable(),
      depth: z.int(),
      /** Dominant share of what it borrows, divided by its weight; null for one of weight 0 that borrows. */
      share: z.number().nullable(),
      weight: z.number(),
      /** Whose units stop when others borrow what is needed here. */
      reclaim: z.enum(["never", "lowerPriority", "any"]),
      resources: z.array(z.object({ resource: z.string(), nominal: z.number(), allocated: z.number(), waiting: z.number(), deserved: z.number(), borrowed: z.number(), available: z.number(), borrowingLimit: z.number().nullable(), lendingLimit: z.number().nullable(), text: z.string() })),
      workloads: z.array(z.string()),
    }),
  ),
  asOfMs: timeMs,
});
export type QuotaTreeView = z.infer<typeof quotaTreeView>;

/** What there is of one thing, and what of it can't be used. Parts of it on nodes that take no units are in `capacity` and `allocated` only. */
const amountView = z.object({ capacity: z.number(), allocated: z.number(), idle: z.number(), /** Of what is idle, what the mix can't use, 0 to 1; null without anything idle. */ stranded: z.number().nullable() });
const capacityGroup = {
  nodes: z.int(),
  cpuMillis: amountView,
  memoryBytes: amountView,
  /** `stranded` is F of the FGD paper over what is idle. */
  devices: amountView,
};
export const capacityView = z.object({
  total: z.object(capacityGroup),
  sites: z.array(z.object({ name: z.string(), title: z.string(), ...capacityGroup, silent: z.int(), closed: z.int(), /** The oldest report among its nodes in contact. */ oldestMs: timeMs.nullable() })),
  models: z.array(z.object({ model: z.string(), nodes: z.int(), capacity: z.int(), allocated: z.number(), idle: z.number(), stranded: z.number().nullable() })),
  /** What the project asks for, running and waiting, the most frequent shape first; and how many of each find room now. */
  mix: z.array(z.object({ text: z.string(), share: z.number(), units: z.int(), workloads: z.array(z.string()), largestGang: z.int() })),
  /** For the shape that was asked about. */
  largest: z.object({ text: z.string(), units: z.int() }).nullable(),
  nodes: z.array(z.object({ name: z.string(), site: z.string(), state: healthState, because: z.string(), usable: z.boolean(), models: z.array(z.string()), cpuMillis: amountView, memoryBytes: amountView, devices: amountView, units: z.int(), seenMs: timeMs.nullable() })),
  nodesTotal: z.int(),
  nextCursor: z.string().nullable(),
  asOfMs: timeMs,
});
export type CapacityView = z.infer<typeof capacityView>;

const repairMoveView = z.object({ unit: z.string(), workload: z.string(), from: z.string(), to: z.string(), seconds: z.number(), /** Moves of one batch are made at the same time. */ batch: z.int(), priced: z.enum(["measured", "declared"]), pricedBecause: z.string() });
/** Moves that make room for units that wait. */
export const repairPlanView = z.object({
  sentence: z.string(),
  workload: z.string().nullable(),
  /** What one unit asks for, in words. */
  shape: z.string(),
  wanted: z.int(),
  placeableNow: z.int(),
  placeableAfter: z.int(),
  moves: z.array(repairMoveView),
  seconds: z.number(),
  /** True when no plan costs fewer seconds. */
  optimal: z.boolean(),
  /** To be given back to run exactly this plan; null when there is nothing to run. */
  digest: z.string().nullable(),
  /** Why there is no plan; null when there is one or none is needed. */
  blocked: z.string().nullable(),
  run: commandView,
  asOfMs: timeMs,
});
export type RepairPlanView = z.infer<typeof repairPlanView>;

export const repairRow = z.object({
  id: z.string(),
  object: z.string(),
  workload: z.string().nullable(),
  state: healthState,
  sentence: z.string(),
  reason: z.string(),
  by: z.string(),
  atMs: timeMs,
  endedAtMs: timeMs.nullable(),
  outcome: z.enum(["placed", "moved", "waits", "dropped"]).nullable(),
  moves: z.array(z.object({ unit: z.string(), workload: z.string(), from: z.string(), to: z.string(), seconds: z.number(), state: z.enum(["waiting", "moving", "done", "dropped"]), because: z.string().nullable(), sinceMs: timeMs.nullable() })),
});
export type RepairRow = z.infer<typeof repairRow>;
export const repairStarted = done.extend({ id: z.string() });
