import { countedReason } from "@/server/core/placement/reasons";
import type { DecisionDetail } from "@/server/core/views";

type Candidate = DecisionDetail["candidates"][number];
export type Part = Candidate["parts"][number];

/** What a part adds to the score: its value times its weight. */
export const adds = (part: Part): number => part.value * part.weight;

/** What one point of a part's weight is for. */
export function weightUnit(part: Pick<Part, "name">): string {
  switch (part.name) {
    case "rule":
      return "points where the selector matches";
    case "cost":
      return "points for each currency unit an hour";
    case "latency":
      return "points for each 100 ms that clients wait";
    case "balance":
      return "points for a node with equal shares of CPU and memory in use";
    case "fragmentation":
      return "points for each accelerator that becomes of use again";
    case "pack":
      return "points for a node that is full";
    case "room":
      return "points for a node that is empty";
    case "warm":
      return "points for a node that has used all artifacts";
    case "spread over sites":
      return "points for a site without a unit of the workload";
    case "spread over nodes":
      return "points for a node without a unit of the workload";
    default:
      return "points";
  }
}

/** A number with its sign, two digits: "+5.00", "−0.25"; what rounds to nothing has none: "0.00". */
export const signed = (n: number): string => `${Math.abs(n) < 0.005 ? "" : n < 0 ? "−" : "+"}${Math.abs(n).toFixed(2)}`;

/** A score, two digits: "1.77", "−2.23". */
export const scoreText = (n: number): string => signed(n).replace("+", "");

export type PartRow = { key: string; name: string; weight: number; cells: ({ adds: number; text: string; share: number } | null)[] };

/**
 * The parts of several candidates' scores side by side, one row a part. Bars of all rows share one scale, so that their
 * lengths can be compared. A candidate that cannot take the unit has no score and no parts.
 */
export function partRows(candidates: readonly Candidate[]): PartRow[] {
  const most = Math.max(0, ...candidates.flatMap((c) => c.parts.map((p) => Math.abs(adds(p)))));
  const longest = candidates.reduce<readonly Part[]>((found, c) => (c.parts.length > found.length ? c.parts : found), []);
  return longest.map((part, i) => ({
    key: `${part.name}/${i}`,
    name: part.name,
    weight: part.weight,
    cells: candidates.map((c) => {
      const own = c.parts[i];
      return own ? { adds: adds(own), text: own.text, share: most > 0 ? Math.abs(adds(own)) / most : 0 } : null;
    }),
  }));
}

/** "1 node is silent", "14 nodes are silent". */
export const reasonLine = (summary: string, nodes: number): string => countedReason(nodes, summary).replace(/^\d+/, nodes === 1 ? "1 node" : `${nodes} nodes`);
