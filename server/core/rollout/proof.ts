import type { Target } from "./snapshot";

/** A receipt as stored: verified with the node's key when it came. */
export interface ReceiptFacts {
  number: number;
  unit: string;
  assignmentId: string;
  generation: number;
  digest: string;
  what: "switched" | "kept" | "returned" | "rolledBack";
  cause: "ordered" | "deadline";
  atMs: number;
}
/** What a unit's agent said last of its trial. */
export interface TrialFacts {
  state: "armed" | "returned" | "refused";
  returnAtMs: number;
}
export interface Proof<R extends ReceiptFacts> {
  state: "proven" | "silentArmed" | "notProven";
  because: string;
  deadlineMs: number | null;
  receipt: R | null;
}

/**
 * What is proven of one target: its newest receipt names the generation and the digest that it should be on. A silent unit
 * that was armed when it was last heard comes back by itself by its deadline: that is a promise, and no proof yet.
 */
export function proofOf<R extends ReceiptFacts>(t: Target, expected: { generation: number; digest: string; back: boolean }, receipts: readonly R[], said: TrialFacts | null, nowMs: number): Proof<R> {
  // Numbers are the node's own count: the highest is what it said last.
  const receipt = receipts.reduce<R | null>((last, r) => (last === null || r.number > last.number ? r : last), null);
  const name = `r${expected.generation}`;
  if (receipt && receipt.generation === expected.generation) {
    if (receipt.digest !== expected.digest) return { state: "notProven", because: `Its receipt names another digest than that of ${name}.`, deadlineMs: null, receipt };
    const moved = t.observedGeneration !== null && t.observedGeneration !== expected.generation && !t.silent;
    if (moved) return { state: "notProven", because: `Its receipt says ${name}, and its agent reports r${t.observedGeneration} now.`, deadlineMs: null, receipt };
    const how = { switched: "runs it", kept: "was told to keep it", returned: "returned by itself", rolledBack: "returned as it was told" }[receipt.what];
    return { state: "proven", because: `Signed by its node: ${how}.`, deadlineMs: null, receipt };
  }
  if (t.silent && expected.back && said?.state === "armed") {
    const past = said.returnAtMs <= nowMs;
    return { state: "silentArmed", because: past ? "Silent since it was armed; its deadline has passed, so it has returned by itself. It proves this when it is back." : "Silent and armed: it returns by itself when its deadline passes.", deadlineMs: said.returnAtMs, receipt };
  }
  if (t.silent) return { state: "notProven", because: "Silent, and never heard to be armed.", deadlineMs: null, receipt };
  if (t.observedGeneration === expected.generation) return { state: "notProven", because: `Its agent reports ${name}, without a signed receipt.`, deadlineMs: null, receipt };
  return { state: "notProven", because: t.observedGeneration === null ? "Nothing was ever heard of it." : `Its agent reports r${t.observedGeneration}.`, deadlineMs: null, receipt };
}
