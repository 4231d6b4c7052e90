import type { NodeRow, SiteSummary } from "@/server/core/views";

/** Kinds of sites and classes of uplinks as people say them. */
export const siteKindWords: Record<SiteSummary["kind"], string> = {
  "cloud-region": "cloud region",
  "on-prem": "on-prem",
  grid: "research grid",
  edge: "edge site",
};

export const desiredStateWords: Record<NodeRow["desiredState"], string> = {
  active: "takes units",
  cordoned: "cordoned",
  draining: "draining",
  decommissioned: "decommissioned",
};

export const desiredStateMeaning: Record<NodeRow["desiredState"], string> = {
  active: "The scheduler may place units here.",
  cordoned: "No new units are placed here; those that run go on.",
  draining: "Its units are being moved away; no new ones come.",
  decommissioned: "Taken out of the fleet; its identity no longer opens a session.",
};

export const trustWords: Record<NodeRow["trustTier"], string> = { none: "none", software: "software key", tpm: "TPM" };

/** "1 unit", "3 units". */
export const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;
