/**
 * Why a node can't take a unit: a closed set. The first that applies, in this order, is the decisive one; those that
 * hold for all units of a shape come before those that depend on what runs where.
 */
export const reasonCodes = ["not_active", "not_connected", "silent", "engine", "arch", "os", "trust", "residency", "taint", "rule", "selector", "together", "leaving", "device", "cpu", "memory", "disk", "resource", "spread", "apart"] as const;
export type ReasonCode = (typeof reasonCodes)[number];

export interface Reason {
  code: ReasonCode;
  /** A sentence about this node. */
  text: string;
}

/** The reason in a count of nodes: "4 nodes: are silent". */
export const reasonSummary: Record<ReasonCode, string> = {
  not_active: "are cordoned, draining or decommissioned",
  not_connected: "have not connected yet",
  silent: "are silent",
  engine: "don't offer the engine",
  arch: "have another processor architecture",
  os: "have another operating system",
  trust: "are trusted too little",
  residency: "are outside the jurisdictions allowed",
  taint: "have a taint that is not tolerated",
  rule: "don't satisfy a rule of the policy",
  selector: "don't match the workload's selector",
  together: "are not where the units are that it stays with",
  leaving: "are what the unit moves away from",
  device: "have too few free devices",
  cpu: "have too little CPU left",
  memory: "have too little memory left",
  disk: "have too little disk left",
  resource: "have too few free slices",
  spread: "would break the spread",
  apart: "have a unit that it keeps apart from",
};

/** "2 are silent", "1 is silent": a summary is written for several nodes, and said of one as well. */
export const countedReason = (nodes: number, summary: string): string => `${nodes} ${nodes === 1 ? summary.replace(/^are /, "is ").replace(/^have /, "has ").replace(/^don't /, "doesn't ") : summary}`;

/** Reasons that make a unit that runs already misplaced. Shortage is not among them: what runs has its resources. */
export const misplacing: ReadonlySet<ReasonCode> = new Set(["engine", "arch", "os", "trust", "residency", "rule", "selector"]);
