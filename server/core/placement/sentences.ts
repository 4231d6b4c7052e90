/** Decisions in sentences, however they were made. */
import { counted } from "../fleet/age";
import type { Candidate, PlacedAsk } from "./ask";
import type { FleetNode } from "./fleet";
import { shownScore } from "./rank";
import type { ScorePart } from "./rank";
import { countedReason } from "./reasons";
import type { Reason } from "./reasons";

/** A node that can take a unit; its score in billionths. */
export interface Scored {
  name: string;
  score: number;
  parts: readonly ScorePart[];
}

/** Why the best of the nodes that can take a unit gets it. */
export function whyHere(feasible: number, best: Scored, second: Scored | null): string {
  if (feasible === 1) return `${best.name} is the only node that can take it.`;
  const lead = best.parts
    .map((p, i) => ({ name: p.name, text: p.text, by: p.value * p.weight - (second?.parts[i]?.value ?? 0) * (second?.parts[i]?.weight ?? 0) }))
    .filter((p) => p.by > 1e-6)
    .sort((a, b) => b.by - a.by)[0];
  const tied = second !== null && best.score === second.score;
  return `${best.name} scores highest of the ${counted(feasible, "node")} that can take it (${shownScore(best.score).toFixed(2)}${second ? `; ${second.name} ${shownScore(second.score).toFixed(2)}` : ""})${tied ? ", chosen among equals by the seed" : lead ? `, mostly for ${lead.name}: ${lead.text.replace(/\.$/, "")}` : ""}.`;
}

export const whyNowhere = (counts: PlacedAsk["counts"]): string => (counts.length === 0 ? "There is no node in the fleet." : `No node can take it: ${counts.map((c) => countedReason(c.nodes, c.text)).join("; ")}.`);

/** A node with all that keeps a unit away from it. */
export const refusedBy = (node: FleetNode, decisive: Reason, also: readonly Reason[]): Candidate => ({ node: node.name, site: node.site, feasible: false, reason: { code: decisive.code, text: also.length ? `${decisive.text} Also: ${also.map((r) => r.text).join(" ")}` : decisive.text }, score: null, parts: [] });
