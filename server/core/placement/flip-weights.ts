/** How far one weight has to change for another node to win: scores are straight lines in each weight. */
import { hash32 } from "../base/seed";
import type { Ask, Judged, PlaceOptions } from "./ask";
import type { Change } from "./flip";
import { tieOf } from "./naive";

/** Bounds of weights in thousandths, by what they weigh (see the manifest of placement policies). */
const MOST = 100_000;

/**
 * The smallest change of one preference's weight after which `target` scores highest; null when none does. A preference's
 * value on each node is read off the parts of its score.
 */
export function weightChange(p: { ask: Ask; options: PlaceOptions }, judged: readonly Judged[], target: Judged): { change: Change; cost: number } | null {
  const { prefer } = p.ask.shape;
  if (prefer.length === 0) return null;
  const seed = hash32(p.options.seed);
  const facts = (j: Judged) => ({ parts: j.parts().map((x) => ({ value: Math.round(x.value * 1e6), weight: Math.round(x.weight * 1_000) })), tie: tieOf(seed, hash32(j.node.name)), name: j.node.name });
  const mine = facts(target);
  const rivals = judged.filter((j) => j.score !== null && j !== target && (p.ask.only === undefined || j.node.id === p.ask.only)).map(facts);
  const total = (f: typeof mine) => f.parts.reduce((sum, x) => sum + x.value * x.weight, 0);
  let best: { change: Change; cost: number } | null = null;
  prefer.forEach((x, index) => {
    const from = Math.round(x.weight * 1_000);
    let low = (x.by === "rule" ? -MOST : 0) - from;
    let high = MOST - from;
    for (const r of rivals) {
      // The target wins where lead + steps * slope is above 0, or is 0 and its tie stands first.
      const lead = total(mine) - total(r);
      const slope = (mine.parts[index]?.value ?? 0) - (r.parts[index]?.value ?? 0);
      const first = mine.tie !== r.tie ? mine.tie < r.tie : mine.name < r.name;
      const need = first ? 0 : 1;
      if (slope === 0) {
        if (lead < need) return;
      } else if (slope > 0) low = Math.max(low, Math.ceil((need - lead) / slope));
      else high = Math.min(high, Math.floor((lead - need) / -slope));
    }
    if (low > high) return;
    const steps = low > 0 ? low : high < 0 ? high : 0;
    if (steps === 0) return;
    const cost = Math.abs(steps) / MOST;
    if (!best || cost < best.cost) best = { change: { on: "weight", index, from, steps }, cost };
  });
  return best;
}
