import { z } from "zod";
import { dnsLabel } from "../base/ids";
import { duration } from "../base/duration";
import { celSelector, metadata, API_VERSION } from "./common";

/** People of one group who have to agree: by role, by name, or both; one person counts for one group only. */
export const approverGroup = z
  .strictObject({
    name: z.string().min(1).max(80).describe("What the group is called on the approval."),
    roles: z.array(z.enum(["approver", "administrator"])).min(1).max(2).optional(),
    people: z.array(z.string().min(1).max(200)).min(1).max(50).optional().describe("Logins; each must also hold a role that may approve."),
    count: z.int().min(1).max(10).default(1).describe("How many of them."),
  })
  .refine((g) => g.people === undefined || g.people.length >= g.count, { message: "the group asks for more people than it names" });
export type ApproverGroup = z.infer<typeof approverGroup>;

export const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, "write a time such as 22:00");
/** When units may be asked for the new revision. A window that ends before it begins runs past midnight. */
export const rolloutWindow = z.strictObject({
  days: z.array(z.enum(weekdays)).min(1).max(7).optional().describe("Days on which it opens; absent: every day."),
  from: clockTime,
  to: clockTime,
  zone: z.string().min(1).max(60).default("site").describe('"site": each site\'s own time zone; else an IANA name such as Europe/Berlin.'),
});
export type RolloutWindow = z.infer<typeof rolloutWindow>;

const countOrPercent = z.strictObject({ count: z.int().min(0).optional(), percent: z.number().min(0).max(100).optional() }).refine((s) => (s.percent === undefined) !== (s.count === undefined), { message: "give percent or count, not both" });

export const rolloutStep = z.discriminatedUnion("do", [
  z.strictObject({ do: z.literal("update"), percent: z.number().min(1).max(100).optional(), count: z.int().min(1).optional() }).refine((s) => (s.percent === undefined) !== (s.count === undefined), { message: "give percent or count, not both" }),
  z.strictObject({ do: z.literal("traffic"), weight: z.number().min(0).max(100).describe("Percent of the wave's requests that units on the new revision serve, where the site's router divides them.") }),
  z.strictObject({ do: z.literal("pause"), for: duration }),
  z.strictObject({ do: z.literal("approval"), name: z.string().min(1).max(80), expires: duration.default("24h"), groups: z.array(approverGroup).min(1).max(5).optional().describe("All of these groups have to agree; absent: one person who may approve.") }),
  z.strictObject({ do: z.literal("analysis"), template: dnsLabel, deadline: duration.default("10m").describe("Without enough evidence by then the rollout holds and asks.") }),
]);
export type RolloutStep = z.infer<typeof rolloutStep>;

export const rolloutWave = z.strictObject({
  name: dnsLabel,
  selector: celSelector.optional().describe("Units on which sites and nodes; the last wave without one takes all that remain."),
  exclude: celSelector.optional().describe("Units that the selector finds and that this wave leaves to later ones all the same."),
  after: z.array(dnsLabel).max(50).optional().describe("Waves that have to be done first; absent: the wave above; empty: none."),
  blocking: z.boolean().optional().describe("false: waves after it begin when it has begun; the rollout still ends only with it."),
  steps: z.array(rolloutStep).min(1).max(50),
  offline: z.enum(["wait", "skip", "fail"]).default("wait").describe("What a silent target means for finishing the wave; skipped ones follow when they are back."),
  windows: z.array(rolloutWindow).min(1).max(20).optional().describe("When units of this wave may be asked; absent: the strategy's."),
});

export const rolloutStrategySpec = z.strictObject({
  waves: z.array(rolloutWave).min(1).max(50),
  maxUnavailable: z.int().min(1).default(1).describe("Units of one wave that may be out of service at a time."),
  concurrency: z.strictObject({ perSite: z.int().min(1).optional(), total: z.int().min(1).optional() }).optional().describe("Units in flight at one site, and in all waves together."),
  exclude: celSelector.optional().describe("Units that the rollout never touches; they keep their revision while it is open."),
  healthTimeout: duration.default("2m").describe("A target that is not healthy on the new revision by then fails the rollout."),
  silenceDeadline: duration.optional().describe("A target that falls silent after it was asked, for longer than this, counts as lost to the update."),
  maxSilent: countOrPercent.optional().describe("Lost targets of a wave beyond which the rollout fails; absent: none is too many."),
  windows: z.array(rolloutWindow).min(1).max(20).optional().describe("When units may be asked for the new revision; absent: at any time."),
  deadMan: z.strictObject({ deadline: duration.describe("A unit that hears no verdict for this long returns to the previous revision by itself.") }).optional(),
  analysis: dnsLabel.optional().describe("Template judged in the background for the whole rollout."),
  automaticRollback: z.boolean().default(true),
  onBreach: z.enum(["rollBack", "hold", "ask"]).optional().describe("What a broken limit does: roll back, hold until a person decides, or ask and roll back if nobody answers; absent: as automaticRollback says."),
  askFor: duration.optional().describe("How long `ask` waits for an answer; absent: 30m."),
  scope: z.enum(["rollout", "site"]).optional().describe("site: where the verdict names sites, only their units go back, and the rest goes on."),
});
export const rolloutStrategyManifest = z.strictObject({ apiVersion: z.literal(API_VERSION), kind: z.literal("RolloutStrategy"), metadata, spec: rolloutStrategySpec });
export type RolloutStrategyManifest = z.infer<typeof rolloutStrategyManifest>;
export type RolloutStrategySpec = z.infer<typeof rolloutStrategySpec>;
export type RolloutWave = z.infer<typeof rolloutWave>;
