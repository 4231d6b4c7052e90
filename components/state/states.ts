/**
 * The five states. One meaning everywhere; each has a shape, a word and a colour (see StateMark).
 * - healthy: heard from lately, and what runs is what should run.
 * - degraded: works, but less than asked for.
 * - failing: does not do its work.
 * - silent: not heard from; nobody knows what is true there now.
 * - pending: on its way, nothing wrong so far.
 */
export const states = ["failing", "degraded", "silent", "pending", "healthy"] as const;
export type State = (typeof states)[number];

export const stateWord: Record<State, string> = {
  healthy: "healthy",
  degraded: "degraded",
  failing: "failing",
  silent: "silent",
  pending: "pending",
};

export const stateMeaning: Record<State, string> = {
  healthy: "Heard from lately; what runs is what should run.",
  degraded: "Works, but less than was asked for.",
  failing: "Does not do its work.",
  silent: "Not heard from. What is shown is the last that was known.",
  pending: "On its way; nothing is wrong so far.",
};

/** Tailwind text colour of a state. */
export const stateInk: Record<State, string> = {
  healthy: "text-healthy",
  degraded: "text-degraded",
  failing: "text-failing",
  silent: "text-silent",
  pending: "text-pending",
};

/** CSS variable of a state's colour, for canvas and SVG. */
export const stateVar: Record<State, string> = {
  healthy: "var(--healthy)",
  degraded: "var(--degraded)",
  failing: "var(--failing)",
  silent: "var(--silent)",
  pending: "var(--pending)",
};
