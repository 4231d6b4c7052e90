import { isLost } from "./breach";
import type { RolloutPhase } from "./lifecycle";
import type { RolloutSnapshot, Target } from "./snapshot";

/** How a target stands in a rollout. One each, the first that fits from the top of `classOf`. */
export type TargetClass = "excluded" | "pinned" | "contradicted" | "returned" | "lost" | "flapping" | "silent" | "back" | "waiting" | "updated" | "asked";

/** So many times a node fell silent within the last hour before its contact counts as unsteady. */
export const FLAPS = 3;

/** One class for a target: what contradicts its reports stands before what it reports. */
export function classOf(s: Pick<RolloutSnapshot, "nowMs" | "plan" | "progress" | "targets"> & { phase: RolloutPhase }, t: Target): TargetClass {
  const to = s.plan.to.generation;
  if (t.excluded) return "excluded";
  if (s.progress.sitesBack.some((b) => b.site === t.site)) return "pinned";
  if (t.doubt) return "contradicted";
  if (t.trial?.returned) return "returned";
  if ((t.flaps ?? 0) >= FLAPS) return "flapping";
  if (isLost(s, t)) return "lost";
  if (t.silent) return "silent";
  if (t.desiredGeneration !== to) return s.phase === "rollingBack" || s.phase === "rolledBack" ? "back" : "waiting";
  return t.observedGeneration === to && t.healthy ? "updated" : "asked";
}

/** What an agent says of a unit. */
export interface Claim {
  generation: number;
  digest: string;
  healthy: boolean;
  /** Since when it says so. */
  sinceMs: number;
}
/** What requests say of it: of the whole minutes since two minutes after it said so, at most the last five. */
export interface Served {
  minutes: number;
  /** Requests by the revision that answered them. */
  byGeneration: Readonly<Record<number, number>>;
  /** Other units of the site that answered at least 20 requests in each of these minutes. */
  busyNeighbours: number;
}

const ENOUGH_MINUTES = 5;
const ENOUGH_NEIGHBOURS = 3;

/**
 * What contradicts an agent's word, as a sentence; null when nothing does. A claim is not taken for the fact where
 * something else speaks of it: the digest against the revision's, the revision that answered requests, and silence where
 * all neighbours are busy.
 */
export function doubtOf(c: Claim, digests: ReadonlyMap<number, string>, served: Served | null): string | null {
  const digest = digests.get(c.generation);
  if (digest !== undefined && digest !== c.digest) return `Its agent says r${c.generation}, and names the digest of something else.`;
  if (served === null || served.minutes === 0) return null;
  const others = Object.entries(served.byGeneration).filter(([g, n]) => Number(g) !== c.generation && n > 0);
  if (others.length > 0) return `Its agent says r${c.generation}, and r${others.map(([g]) => g).join(", r")} answered requests since.`;
  const own = served.byGeneration[c.generation] ?? 0;
  if (c.healthy && own === 0 && served.minutes >= ENOUGH_MINUTES && served.busyNeighbours >= ENOUGH_NEIGHBOURS) return `Its agent says that it is healthy, and it answered nothing for ${served.minutes} minutes in which ${served.busyNeighbours} neighbours were busy.`;
  return null;
}
