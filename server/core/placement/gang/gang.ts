import type { PlacedAsk } from "../ask";

/**
 * All or nothing (Volcano's `minAvailable`): of a gang either at least `minMember` units run or none is started. What was
 * found for single units is given up as a whole when too few found a node; nothing stays reserved for it.
 */
export function gangOf(placements: readonly PlacedAsk[], gang: { minMember: number; running: number; asked: number }): { placements: PlacedAsk[]; waiting: string | null } {
  const found = placements.filter((p) => p.nodeId !== null).length;
  const needed = Math.min(gang.minMember, gang.running + gang.asked);
  if (found + gang.running >= needed || found === 0) return { placements: [...placements], waiting: null };
  const waiting = `waits for its gang: ${found + gang.running} of the ${needed} units that must run together find a node`;
  return { waiting, placements: placements.map((p) => (p.nodeId === null ? p : withoutNode(p, `${p.node ?? ""} could take it, but it ${waiting}.`))) };
}

/** A decision that is not acted on, with the reason. What was found of the nodes is put into words only when somebody reads it. */
export function withoutNode(p: PlacedAsk, because: string): PlacedAsk {
  return new Withheld(p, because);
}

class Withheld implements PlacedAsk {
  readonly unit: string;
  readonly nodeId = null;
  readonly node = null;
  readonly margin = null;
  constructor(private readonly found: PlacedAsk, readonly because: string) {
    this.unit = found.unit;
  }
  get candidates() {
    return this.found.candidates;
  }
  get counts() {
    return this.found.counts;
  }
  get feasible() {
    return this.found.feasible;
  }
}
