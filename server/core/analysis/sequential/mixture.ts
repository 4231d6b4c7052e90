/**
 * E-processes as mixtures: over alternatives (how much worse the canary might be) and over the minute from which it is
 * worse. A mixture of non-negative martingales with weights that sum to 1 is one itself, so that by Ville's inequality it
 * ever reaches 1/alpha with probability at most alpha (Howard, Ramdas, McAuliffe, Sekhon, "Time-uniform, nonparametric,
 * nonasymptotic confidence sequences", Annals of Statistics 49, 2021, section 4; the mixture over beginnings is the
 * e-detector of Shin, Ramdas, Rinaldo, "E-detectors", 2023, with prior weights).
 */
import { lnAddExp } from "../statistics/special";

/** Prior weight of "worse from the beginning"; the rest is spread over later beginnings, half of it over the first `HALF` minutes. */
const FROM_START = 0.85;
const HALF = 120;

/** Prior weight of a beginning in step t (0, 1, …), and what is left for later ones. They sum to 1 exactly. */
export const weightOfStart = (t: number): number => (t === 0 ? FROM_START : ((1 - FROM_START) * HALF) / ((t + HALF) * (t + HALF - 1)));
export const weightOfLater = (t: number): number => ((1 - FROM_START) * HALF) / (t + HALF);

/** One alternative of a mixture. */
export interface Alternative {
  readonly value: number;
  readonly weight: number;
}

/** Logarithm of sum of weight times exp of logarithm. */
export function lnMix(alternatives: readonly Alternative[], ln: ArrayLike<number>): number {
  let sum = -Infinity;
  for (let i = 0; i < alternatives.length; i++) sum = lnAddExp(sum, Math.log(alternatives[i]?.weight ?? 0) + (ln[i] ?? 0));
  return sum;
}

/** A mixture e-process; `step` takes the logarithm of each alternative's factor of one minute (or of one request). */
export class MixtureProcess {
  private readonly started: Float64Array;
  private steps = 0;
  private current = 0;

  constructor(private readonly alternatives: readonly Alternative[]) {
    this.started = new Float64Array(alternatives.length).fill(-Infinity);
  }

  step(lnFactors: ArrayLike<number>): void {
    const t = this.steps++;
    const begins = Math.log(weightOfStart(t));
    for (let i = 0; i < this.started.length; i++) this.started[i] = lnAddExp(this.started[i] ?? -Infinity, begins) + (lnFactors[i] ?? 0);
    this.current = lnAddExp(lnMix(this.alternatives, this.started), Math.log(weightOfLater(t)));
  }

  /** Logarithm of the e-value now; 0 before the first step. */
  get ln(): number {
    return this.current;
  }

  /** The largest that `ln` can become when each alternative's factor is at most exp of this. */
  lnAtMost(lnFactors: ArrayLike<number>): number {
    let most = 0;
    for (let i = 0; i < lnFactors.length; i++) most = Math.max(most, lnFactors[i] ?? 0);
    return this.current + most;
  }
}
