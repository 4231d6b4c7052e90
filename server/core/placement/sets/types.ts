/** What units of a workload are to each other and to those of others: priority, quota, gang, division, reservations. */
import type { Estimate } from "../backfill/backfill";
import type { Demand } from "../demand";
import type { Division } from "../divide/divide";
import type { RunningUnit } from "../preemption/preempt";
import type { Amounts } from "../quota/amounts";
import type { QuotaFacts } from "../quota/tree";

/** Room that is kept for a unit that waits. */
export interface Held {
  workloadId: string;
  workload: string;
  unit: string;
  nodeId: string;
  demand: Demand;
  priority: number;
  /** preempt: others are stopping to make way; backfill: until what runs there is expected to end. */
  cause: "preempt" | "backfill";
  because: string;
  fromMs: number;
  expiresMs: number;
}

/** A unit of another workload that runs, or is about to stop. */
export interface OtherUnit extends RunningUnit {
  stopping: boolean;
  quota: string | null;
  /** When it is expected to end by itself; Infinity for what runs until somebody ends it. */
  endsMs: Estimate;
}

export interface SetRules {
  priority: number;
  /** Whether units of lower priority may be stopped for it. */
  preempts: boolean;
  /** Of a gang: so many run together or none is started. */
  minMember: number | null;
  /** How long one unit runs; null until somebody ends it. */
  takes: Estimate | null;
  division: { by: Division; weights: Readonly<Record<string, number>> } | null;
  /** All quotas of the project, and what is used of each (by others' reservations too); null when it counts in none. */
  quota: { name: string; facts: readonly QuotaFacts[]; used: ReadonlyMap<string, Amounts> } | null;
  /** Reservations of this workload. */
  reserved: readonly Held[];
}

/** Units of other workloads as far as they may give way or end, and how many of each workload may. */
export interface Others {
  units: readonly OtherUnit[];
  /** By workload: how many more may be disturbed now; a workload that is not named protects none. */
  budgets: ReadonlyMap<string, number>;
  /** By workload of a gang: how many of it have to run together. */
  gangs: ReadonlyMap<string, number>;
}

export const plainRules: SetRules = { priority: 100, preempts: false, minMember: null, takes: null, division: null, quota: null, reserved: [] };
