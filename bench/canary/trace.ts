/**
 * The frozen trace of one run, which every engine replays. One cell is one site, minute and arm; its requests lie one
 * after another in `latencies`. Engines read only cells whose `reported` is 1, because the rest never reached anybody;
 * `dark` and `onset` are the truth, for scoring alone.
 */
export const CANARY = 0;
export const STABLE = 1;
export type Arm = typeof CANARY | typeof STABLE;

export interface TraceSite {
  name: string;
  /** Share of the traffic; all sites together give 1. */
  weight: number;
  cloud: boolean;
  canaryPods: number;
  stablePods: number;
  /** Hourly stretches of the stable revision before the canary, on the hosts of either arm: requests, and mean and standard deviation of the logarithm of latency. */
  history: { canaryHosts: HistoryBlock; stableHosts: HistoryBlock }[];
}
export interface HistoryBlock {
  requests: number;
  logMean: number;
  logSd: number;
}

export interface Trace {
  seed: number;
  scenario: string;
  minutes: number;
  sites: TraceSite[];
  /** Canary's share of the traffic by minute. */
  share: Float64Array;
  /** By cell, see `cellOf`. */
  requests: Int32Array;
  errors: Int32Array;
  /** Where a cell's requests begin; one longer than there are cells. */
  offsets: Int32Array;
  /** Latency in seconds of every request, failed ones as well. */
  latencies: Float32Array;
  /** 1 when the cell's numbers arrived, in their minute; else they never do. */
  reported: Uint8Array;
  /** Truth by site and minute (`site * minutes + minute`): 1 while the link to the site is cut or all telemetry is out. */
  dark: Uint8Array;
  /** Truth: minute from which the canary is worse; null in the nulls. */
  onset: number | null;
  /** Truth: names of the sites where it is worse; empty in the nulls, all sites when it is worse everywhere. */
  badSites: string[];
  /** p99 of all sites together in seconds at mean load on hosts without noise, the same in every run: the fixed limit of engines that take one. */
  referenceP99: number;
}

/** Number of the cell of a site (by place in `sites`), minute and arm. */
export const cellOf = (trace: Pick<Trace, "minutes">, site: number, minute: number, arm: Arm): number => (site * trace.minutes + minute) * 2 + arm;

export interface EngineResult {
  /** `rollBack` and `promote` end the run at once; `hold` is what is left at its end. */
  outcome: "rollBack" | "promote" | "hold";
  /** Minute (from 0) whose data led to it. */
  atMinute: number;
  /** Sites named as the cause; empty when the engine names none. */
  sites: string[];
  /** Whether no completion of the missing data could change it; engines that can't say leave it out. */
  decided?: boolean;
}

export interface Engine {
  /** Key in the results. */
  name: string;
  judge(trace: Trace): EngineResult;
}
