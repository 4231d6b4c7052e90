import type { Verdict } from "../analysis/judge";
import type { WaveProgress } from "./graph";
import type { RolloutCommand, RolloutPhase } from "./lifecycle";
import type { RolloutPlan } from "./plan";

/** A unit of the plan as it is now: what it was asked for and what its agent last said. */
export interface Target {
  unit: string;
  assignmentId: string;
  node: string;
  site: string;
  wave: number;
  desiredGeneration: number;
  observedGeneration: number | null;
  /** Runs and passes its health check on the observed generation. */
  healthy: boolean;
  /** The new revision is not coming up: what the agent says of it; null when nothing is wrong. */
  trouble: string | null;
  /** Its node is out of reach: what is known of it is old. */
  silent: boolean;
  /** When it was last asked for another revision. */
  askedAtMs: number;
  /** When its node was last heard. */
  lastSeenMs?: number | null;
  /** Its node was in reach when it was asked (or has been since): its silence came after. */
  aliveWhenAsked?: boolean;
  /** The dead-man switch of its revision: until when it stays without hearing a verdict, and whether it went back by itself. */
  trial?: { returnAtMs: number; returned: boolean } | null;
  /** The strategy never touches it. */
  excluded?: boolean;
  /** Where the new revision asks for more than it has: why its node can't take it in its place, or null where it can. */
  room?: string | null;
  /** What contradicts its agent's word; null when nothing does. */
  doubt?: string | null;
  /** How often its node fell silent within the last hour, and when it came back last. */
  flaps?: number;
  backSinceMs?: number;
}

export interface GateState {
  id: string;
  gate: string;
  state: "pending" | "approved" | "rejected" | "void" | "expired";
  planDigest: string;
  expiresAtMs: number;
  decidedBy: string | null;
  remark: string | null;
}

/** A verdict with the sites that it names guilty, where its judge names any. */
export type NamedVerdict = Verdict & { readonly guilty?: readonly string[] };

/** A site that was sent back within the rollout while the rest went on. */
export interface SiteBack {
  site: string;
  reason: string;
  atMs: number;
}

/** What a rollout remembers besides its plan; kept with it. */
export interface RolloutProgress {
  waves: WaveProgress[];
  sitesBack: SiteBack[];
  /** Breaches that a person looked at and went on over, by key. */
  accepted: string[];
  /** What it holds for and since when; null while it does not hold. */
  held: { key: string; sinceMs: number } | null;
  /** Digest of the inputs of the verdict that decided last. */
  evidence: string | null;
}

/** All that the decision may see. */
export interface RolloutSnapshot {
  nowMs: number;
  phase: RolloutPhase;
  progress: RolloutProgress;
  plan: RolloutPlan;
  /** Digest of `plan`; approvals with another digest do not count. */
  planDigest: string;
  targets: readonly Target[];
  gates: readonly GateState[];
  /** Verdict of the template of the step each wave is in, when that is an analysis; by wave. */
  stepVerdicts: readonly (NamedVerdict | null)[];
  /** Verdict of the strategy's background template, when it has one and targets were updated. */
  backgroundVerdict: NamedVerdict | null;
  /** Freezes in force: of the project, and by site, with their reasons. */
  frozen: { project: string | null; sites: Readonly<Record<string, string>> };
  /** Time zones by site. */
  zones: Readonly<Record<string, string>>;
  /** A person broke the glass: gates, windows and freezes do not stop it. */
  breakGlass: boolean;
}

export type RolloutAction =
  | { do: "setGeneration"; assignmentId: string; unit: string; generation: number; returnAtMs: number | null }
  | { do: "setTrial"; assignmentId: string; unit: string; returnAtMs: number | null }
  | { do: "goTo"; wave: number; step: number; text: string; evidence?: boolean }
  | { do: "setTraffic"; wave: number; weight: number }
  | { do: "sendSitesBack"; sites: string[]; reason: string }
  | { do: "transition"; command: RolloutCommand; reason: string; holdKey?: string }
  | { do: "requestApproval"; gate: string; expiresAtMs: number }
  | { do: "expireApproval"; id: string };

export interface RolloutDecision {
  actions: RolloutAction[];
  /** When to look again although nothing was heard. */
  wakeAtMs: number;
  because: string[];
}

/** On its generation, healthy and heard: nothing more is expected of it. */
export const settledOn = (t: Target, generation: number): boolean => t.desiredGeneration === generation && t.observedGeneration === generation && t.healthy && !t.silent && !t.doubt && t.trial?.returned !== true;
