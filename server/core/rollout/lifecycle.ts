/**
 * The lifecycle of a rollout, once. Buttons, refusals, reconcilers and docs/states/rollout.md come from this table;
 * a phase literal elsewhere is a mistake.
 */
export const rolloutPhases = ["running", "awaitingApproval", "holding", "paused", "rollingBack", "rolledBack", "succeeded"] as const;
export type RolloutPhase = (typeof rolloutPhases)[number];

/** Commands of people, and the events by which the reconciler moves a rollout. */
export const rolloutCommands = ["pause", "resume", "promote", "abort", "askApproval", "approved", "rejected", "hold", "release", "fail", "settle", "finish"] as const;
export type RolloutCommand = (typeof rolloutCommands)[number];

export const rolloutLifecycle = {
  running: { pause: "paused", promote: "running", abort: "rollingBack", askApproval: "awaitingApproval", hold: "holding", fail: "rollingBack", finish: "succeeded" },
  awaitingApproval: { pause: "paused", abort: "rollingBack", approved: "running", rejected: "rollingBack", fail: "rollingBack" },
  holding: { pause: "paused", promote: "running", abort: "rollingBack", release: "running", fail: "rollingBack" },
  paused: { resume: "running", abort: "rollingBack", fail: "rollingBack" },
  rollingBack: { settle: "rolledBack" },
  rolledBack: {},
  succeeded: {},
} as const satisfies Record<RolloutPhase, Partial<Record<RolloutCommand, RolloutPhase>>>;

/** Commands that people may give; the rest are the reconciler's. */
export const peopleCommands = ["pause", "resume", "promote", "abort"] as const satisfies readonly RolloutCommand[];
export type PeopleCommand = (typeof peopleCommands)[number];

export const isRolloutPhase = (p: string): p is RolloutPhase => (rolloutPhases as readonly string[]).includes(p);
/** The phase after `command`, or null where the table has no such cell. */
export function nextPhase(phase: RolloutPhase, command: RolloutCommand): RolloutPhase | null {
  const row: Partial<Record<RolloutCommand, RolloutPhase>> = rolloutLifecycle[phase];
  return row[command] ?? null;
}
export const isFinal = (phase: RolloutPhase): boolean => Object.keys(rolloutLifecycle[phase]).length === 0;
/** Phases that are not final, for queries. */
export const openPhases = rolloutPhases.filter((p) => !isFinal(p));

export const phaseLabel: Record<RolloutPhase, string> = {
  running: "Running",
  awaitingApproval: "Waiting for approval",
  holding: "Holding: needs a decision",
  paused: "Paused",
  rollingBack: "Rolling back",
  rolledBack: "Rolled back",
  succeeded: "Done",
};

/** What each command of people means, for the button, its consequence and the docs. */
export const commandText: Record<PeopleCommand, { verb: string; consequence: string }> = {
  pause: { verb: "Pause rollout", consequence: "No further unit is updated. Updated units stay on the new revision and go on being judged." },
  resume: { verb: "Resume rollout", consequence: "The rollout goes on with the step in which it was paused." },
  promote: { verb: "Promote now", consequence: "Skips the rest of the present pause, hold or analysis. Approval gates are never skipped." },
  abort: { verb: "Abort and roll back", consequence: "Every unit returns to the previous revision, and the new one is held until someone lifts the hold." },
};

/** Why a command cannot be given now, as a sentence; null when it can. */
export function refusedBecause(phase: RolloutPhase, command: PeopleCommand): string | null {
  if (nextPhase(phase, command) !== null) return null;
  if (isFinal(phase)) return `The rollout has ended: ${phaseLabel[phase].toLowerCase()}.`;
  if (command === "resume") return "The rollout is not paused.";
  if (command === "promote" && phase === "awaitingApproval") return "An approval gate cannot be skipped: it needs an approver.";
  if (command === "promote" && phase === "paused") return "Resume the rollout first.";
  if (command === "pause" && phase === "paused") return "The rollout is paused already.";
  return `Not possible while ${phaseLabel[phase].toLowerCase()}.`;
}
