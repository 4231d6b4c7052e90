/**
 * What the agent knows of units on trial, and how that changes: a pure function from the ledger, what is desired and the
 * clocks to the next ledger. Whoever carries it out writes it to disk before anything of it is acted upon.
 */
import { z } from "zod";
import { receipt, receiptCauses, receiptKinds } from "../../server/protocol/messages";
import type { Receipt, UnitSpec, UnitTrial } from "../../server/protocol/messages";
import { carryOn, msUntilDue, noteDeadline } from "./deadline";
import type { Clocks } from "./deadline";

const revision = z.object({ generation: z.int(), revisionDigest: z.string() });
const deadline = z.object({ returnAtMs: z.int(), skewMs: z.number(), wallAtMs: z.number(), bootId: z.string(), upAtMs: z.number(), notedAtMs: z.number() });

/** One switch on trial: noted before the switch, kept until what is desired says otherwise. */
const trialEntry = z.object({
  assignmentId: z.string(),
  rollout: z.string(),
  attempt: z.int().default(1),
  target: revision,
  previous: revision,
  state: z.enum(["armed", "returned"]),
  deadline,
  /** When it came into this state, by our clock. */
  atMs: z.int(),
});
export type TrialEntry = z.infer<typeof trialEntry>;

/** A receipt that is to be written once its revision is seen to run. */
const pendingReceipt = z.object({ assignmentId: z.string(), unit: z.string(), rollout: z.string(), generation: z.int(), revisionDigest: z.string(), artifacts: z.array(z.string()), what: z.enum(receiptKinds), cause: z.enum(receiptCauses) });
export type PendingReceipt = z.infer<typeof pendingReceipt>;

export const ledger = z.object({
  version: z.literal(1),
  /** Number of the next receipt. */
  nextNumber: z.int(),
  entries: z.array(trialEntry),
  pending: z.array(pendingReceipt),
  /** Signed and not yet known to be stored; `report` is the number of the journal entry that carries it. */
  outbox: z.array(z.object({ receipt, report: z.int().nullable() })),
});
export type Ledger = z.infer<typeof ledger>;

/** A ledger of nothing. Numbers begin at the time, so that one that was lost is not begun again with numbers that were used. */
export const emptyLedger = (nowMs: number): Ledger => ({ version: 1, nextNumber: Math.max(1, nowMs), entries: [], pending: [], outbox: [] });

const same = (a: { generation: number; revisionDigest: string }, b: { generation: number; revisionDigest: string }): boolean => a.generation === b.generation && a.revisionDigest === b.revisionDigest;

const isSameTrial = (e: TrialEntry, t: UnitTrial): boolean => e.rollout === t.rollout && e.attempt === t.attempt;

/** The entry of a unit's present trial; undefined while its way back is not ready. */
export function entryOf(l: Ledger, unit: UnitSpec): TrialEntry | undefined {
  const { trial } = unit;
  return trial === null ? undefined : l.entries.find((e) => e.assignmentId === unit.assignmentId && isSameTrial(e, trial) && same(e.target, unit));
}

const pendingOf = (unit: UnitSpec, rollout: string, revision: { generation: number; revisionDigest: string; template: UnitSpec["template"] }, what: PendingReceipt["what"], cause: PendingReceipt["cause"]): PendingReceipt => ({
  assignmentId: unit.assignmentId, unit: unit.unit, rollout, generation: revision.generation, revisionDigest: revision.revisionDigest, artifacts: revision.template.artifacts.map((a) => a.digest), what, cause,
});

/** Puts a unit's trial into the ledger, its way back being ready: armed, or returned at once when the deadline has passed. */
export function arm(l: Ledger, unit: UnitSpec & { trial: UnitTrial }, skewMs: number, c: Clocks): Ledger {
  const { rollout, attempt, returnAtMs, previous } = unit.trial;
  const noted = noteDeadline(returnAtMs, skewMs, c);
  const late = msUntilDue(noted, c) <= 0;
  const { generation, revisionDigest } = unit;
  const entry: TrialEntry = { assignmentId: unit.assignmentId, rollout, attempt, target: { generation, revisionDigest }, previous: { generation: previous.generation, revisionDigest: previous.revisionDigest }, state: late ? "returned" : "armed", deadline: noted, atMs: c.nowMs };
  const pending = late ? pendingOf(unit, rollout, previous, "returned", "deadline") : pendingOf(unit, rollout, unit, "switched", "ordered");
  return { ...l, entries: [...l.entries.filter((e) => e.assignmentId !== unit.assignmentId), entry], pending: replaced(l.pending, unit.assignmentId, pending) };
}

/**
 * The ledger as it follows from what is desired and the time:
 *  - the trial's revision desired without a trial: it is kept;
 *  - the revision before desired: it was rolled back by order, unless the agent had gone back already;
 *  - any other revision, a stop, or nothing: the trial is over without a word;
 *  - the same trial: its deadline is what was said last; once it is due the unit goes back, and stays back.
 */
export function advance(l: Ledger, units: readonly UnitSpec[], skewMs: number, c: Clocks): Ledger {
  const wanted = new Map(units.map((u) => [u.assignmentId, u]));
  let pending: PendingReceipt[] = l.pending;
  const entries: TrialEntry[] = [];
  for (const entry of l.entries) {
    const unit = wanted.get(entry.assignmentId);
    const { trial } = unit ?? { trial: null };
    if (!unit || unit.action === "stop") continue;
    if (trial !== null && isSameTrial(entry, trial) && same(unit, entry.target)) {
      const next = entry.state === "returned" ? entry : { ...entry, deadline: carryOn(entry.deadline, { returnAtMs: trial.returnAtMs, skewMs }, c) };
      if (next.state === "armed" && msUntilDue(next.deadline, c) <= 0) {
        entries.push({ ...next, state: "returned", atMs: c.nowMs });
        pending = replaced(pending, entry.assignmentId, pendingOf(unit, entry.rollout, trial.previous, "returned", "deadline"));
      } else entries.push(next);
    } else if (trial === null && same(unit, entry.target)) pending = replaced(pending, entry.assignmentId, pendingOf(unit, entry.rollout, unit, "kept", "ordered"));
    else if (trial === null && same(unit, entry.previous)) {
      if (entry.state === "armed") pending = replaced(pending, entry.assignmentId, pendingOf(unit, entry.rollout, unit, "rolledBack", "ordered"));
    }
  }
  // What can no longer come true is not waited for.
  pending = pending.filter((p) => {
    const unit = wanted.get(p.assignmentId);
    return unit?.action === "run" && (same(unit, p) || entries.some((e) => e.assignmentId === p.assignmentId && e.state === "returned" && same(e.previous, p)));
  });
  const next: Ledger = { ...l, entries, pending };
  return JSON.stringify(next) === JSON.stringify(l) ? l : next;
}

const replaced = (pending: readonly PendingReceipt[], assignmentId: string, by: PendingReceipt): PendingReceipt[] => [...pending.filter((p) => p.assignmentId !== assignmentId), by];

/** When the next trial that is armed is due, in ms from now; null when none is. */
export function nextDueMs(l: Ledger, c: Clocks): number | null {
  const left = l.entries.filter((e) => e.state === "armed").map((e) => msUntilDue(e.deadline, c));
  return left.length === 0 ? null : Math.min(...left);
}

/** Moves pending receipts that are proven to the outbox, signed under the next numbers. */
export function signProven(l: Ledger, proven: (p: PendingReceipt) => boolean, sign: (r: Omit<Receipt, "signature">) => Receipt, o: { node: string; nowMs: number }): Ledger {
  const ready = l.pending.filter(proven);
  if (ready.length === 0) return l;
  const outbox = ready.map(({ assignmentId, unit, rollout, generation, revisionDigest, artifacts, what, cause }, i) => ({ report: null, receipt: sign({ number: l.nextNumber + i, rollout, assignmentId, unit, node: o.node, generation, revisionDigest, artifacts, what, cause, atMs: o.nowMs }) }));
  return { ...l, nextNumber: l.nextNumber + ready.length, pending: l.pending.filter((p) => !ready.includes(p)), outbox: [...l.outbox, ...outbox] };
}
