/** Shares of streams that were ever rejected, and power. */
import { Random } from "../random";
import { effects } from "./power";
import { alike, makeTables, runStream, type FirstReached } from "./stream";

/** How many of some streams each kind, and all combined, rejected, looked at after every request. */
export type Rejections = Record<keyof FirstReached, number>;

/** A/A streams `from` to `to` (exclusive): each has a seed of its own. */
export function measureNull(from: number, to: number, requests: number, alpha: number): Rejections {
  const out: Rejections = { errors: 0, latency: 0, tail: 0, reporting: 0, accuracy: 0, combined: 0 };
  const tables = makeTables(requests, new Random(7));
  for (let seed = from; seed < to; seed++) {
    const { reached } = runStream(alike, tables, alpha, new Random(0x5eed0000 + seed), 0);
    for (const key of Object.keys(out) as (keyof Rejections)[]) if (reached[key] > 0) out[key]++;
  }
  return out;
}

export interface Power {
  sequential: number;
  fixed: number;
  /** Requests at which half of the streams were rejected; null when fewer were. */
  medianRequests: number | null;
}

/** Under each effect: streams rejected within `requests`, and by the fixed-sample test of the same level after `fixedAt`. */
export function measurePower(streams: number, requests: number, fixedAt: number, alpha: number): Record<string, Power> {
  const tables = makeTables(requests, new Random(7));
  return Object.fromEntries(
    effects.map((effect, e) => {
      const at: number[] = [];
      let fixed = 0;
      for (let seed = 0; seed < streams; seed++) {
        const run = runStream(effect.world, tables, alpha, new Random(0x0ffec700 + seed * 8 + e), fixedAt);
        if (run.reached[effect.kind] > 0) at.push(run.reached[effect.kind]);
        if (effect.fixedRejects(run.fixed, alpha)) fixed++;
      }
      at.sort((a, b) => a - b);
      return [effect.name, { sequential: at.length / streams, fixed: fixed / streams, medianRequests: at[Math.ceil(streams / 2) - 1] ?? null }];
    }),
  );
}
