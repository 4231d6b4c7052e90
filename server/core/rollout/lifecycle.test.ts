import { describe, expect, it } from "vitest";
import { isFinal, nextPhase, openPhases, peopleCommands, refusedBecause, rolloutCommands, rolloutLifecycle, rolloutPhases } from "./lifecycle";

describe("the rollout's lifecycle", () => {
  // Guarantee: every cell is what the table says, and every other command is refused with a sentence.
  it.each(rolloutPhases.flatMap((p) => rolloutCommands.map((c) => [p, c] as const)))("%s + %s", (phase, command) => {
    const row: Partial<Record<string, string>> = rolloutLifecycle[phase];
    expect(nextPhase(phase, command)).toBe(row[command] ?? null);
  });

  // Guarantee: from every open phase there is a way to an end, and from a final one there is none.
  it("always has a way to an end", () => {
    for (const phase of rolloutPhases) {
      const seen = new Set<string>([phase]);
      const queue = [phase];
      while (queue.length > 0) {
        const p = queue.pop();
        if (p === undefined) break;
        for (const next of Object.values(rolloutLifecycle[p])) {
          if (!seen.has(next)) queue.push(next);
          seen.add(next);
        }
      }
      expect([...seen].some((p) => isFinal(p as never))).toBe(true);
    }
    expect(openPhases).toEqual(["running", "awaitingApproval", "holding", "paused", "rollingBack"]);
  });

  // Guarantee: a person can abort in every open phase but the one that is rolling back already.
  it("can be aborted from every open phase", () => {
    for (const p of openPhases) expect(nextPhase(p, "abort")).toBe(p === "rollingBack" ? null : "rollingBack");
  });

  // Guarantee: no command of people skips an approval gate.
  it("cannot be promoted while it waits for an approval", () => {
    expect(nextPhase("awaitingApproval", "promote")).toBeNull();
    expect(refusedBecause("awaitingApproval", "promote")).toMatch(/cannot be skipped/);
  });

  // Guarantee: a command that cannot be given says why.
  it("says why for each refused command", () => {
    for (const p of rolloutPhases) for (const c of peopleCommands) expect(refusedBecause(p, c) === null).toBe(nextPhase(p, c) !== null);
  });
});
