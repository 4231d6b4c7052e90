import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { UnitSpec } from "../../server/protocol/messages";
import { onTrial, unitOf } from "../testing/harness";
import { carryOn, CLOCK_TOLERANCE_MS, msUntilDue, noteDeadline } from "./deadline";
import type { Clocks } from "./deadline";
import { advance, arm, emptyLedger, entryOf, nextDueMs, signProven } from "./ledger";
import type { Ledger } from "./ledger";

const at = (nowMs: number, upMs = nowMs, bootId = "boot-1"): Clocks => ({ nowMs, upMs, bootId });
const START = 1_000_000;
const before = unitOf("a1", "old");
const after = unitOf("a1", "new", { generation: 2 });
const trial = (returnAtMs: number, rollout = "r1", attempt = 1): UnitSpec & { trial: NonNullable<UnitSpec["trial"]> } => {
  const unit = onTrial(after, before, { inMs: 0, rollout, attempt });
  return { ...unit, trial: { ...(unit.trial as NonNullable<UnitSpec["trial"]>), returnAtMs } };
};
const armed = (returnAtMs: number, c = at(START)): Ledger => arm(emptyLedger(START), trial(returnAtMs), 0, c);
const states = (l: Ledger): string[] => l.entries.map((e) => e.state);
const awaited = (l: Ledger): string[] => l.pending.map((p) => `${p.what} ${p.generation} ${p.cause}`);

describe("the deadline of a trial", () => {
  // Guarantee: whatever the wall clock does in one boot, the deadline is due at most the tolerance after the earlier clock, and never before both agree or the tolerance is over.
  it("is due between the later clock and the tolerance after the earlier one", () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 10_000_000 }), fc.integer({ min: 0, max: 10_000_000 }), fc.integer({ min: -20_000_000, max: 20_000_000 }), (inMs, passedMs, stepMs) => {
      const d = noteDeadline(START + inMs, 0, at(START));
      const c = at(START + passedMs + stepMs, START + passedMs);
      const left = [d.wallAtMs - c.nowMs, d.upAtMs - c.upMs];
      const due = msUntilDue(d, c) <= 0;
      if (Math.max(...left) <= 0) expect(due).toBe(true);
      if (Math.min(...left) <= -CLOCK_TOLERANCE_MS) expect(due).toBe(true);
      if (Math.max(...left) > 0 && Math.min(...left) > -CLOCK_TOLERANCE_MS) expect(due).toBe(false);
    }));
  });
  it("is the gateway's time by our clock", () => {
    // The gateway is an hour ahead: its 61 minutes past our now are one minute from now.
    expect(msUntilDue(noteDeadline(START + 3_660_000, 3_600_000, at(START)), at(START))).toBe(60_000);
  });
  it("goes on over a reboot by the wall clock, and is due at once when that went back", () => {
    const d = noteDeadline(START + 60_000, 0, at(START));
    expect(msUntilDue(d, at(START + 40_000, 5_000, "boot-2"))).toBe(20_000);
    expect(msUntilDue(d, at(1_000, 5_000, "boot-2"))).toBe(0);
    // Noted anew in the new boot, both clocks count there again.
    const rebooted = carryOn(d, { returnAtMs: d.returnAtMs, skewMs: 0 }, at(START + 40_000, 5_000, "boot-2"));
    expect(msUntilDue(rebooted, at(START + 40_000 - 3_600_000, 25_000, "boot-2"))).toBe(CLOCK_TOLERANCE_MS);
  });
  it("is noted anew when the gateway moves it, and only then", () => {
    const d = noteDeadline(START + 60_000, 0, at(START));
    expect(carryOn(d, { returnAtMs: d.returnAtMs, skewMs: 40 }, at(START + 1_000))).toBe(d);
    expect(msUntilDue(carryOn(d, { returnAtMs: START + 90_000, skewMs: 0 }, at(START + 1_000)), at(START + 1_000))).toBe(89_000);
  });
});

describe("the ledger of trials", () => {
  // Guarantee: each way in which a trial ends is a row here, with the receipt it yields.
  it.each<[string, number, UnitSpec[], string[], string[]]>([
    ["the same trial, in time", 10, [trial(START + 100)], ["armed"], ["switched 2 ordered"]],
    ["the same trial, too late", 100, [trial(START + 100)], ["returned"], ["returned 1 deadline"]],
    ["a later deadline, in time", 10, [trial(START + 500)], ["armed"], ["switched 2 ordered"]],
    ["an earlier deadline that has passed", 10, [trial(START + 5)], ["returned"], ["returned 1 deadline"]],
    ["the order to keep it", 10, [after], [], ["kept 2 ordered"]],
    ["the order to keep it, heard after the deadline", 200, [after], [], ["kept 2 ordered"]],
    ["the order to go back", 10, [before], [], ["rolledBack 1 ordered"]],
    ["another revision", 10, [unitOf("a1", "newer", { generation: 3 })], [], []],
    ["the same revision in another rollout", 10, [trial(START + 100, "r2")], [], ["switched 2 ordered"]],
    ["a stop", 10, [{ ...trial(START + 100), action: "stop" as const }], [], []],
    ["nothing of the unit", 10, [], [], []],
  ])("%s", (_what, afterMs, units, entries, pending) => {
    const l = advance(armed(START + 100), units, 0, at(START + afterMs));
    expect(states(l)).toEqual(entries);
    expect(awaited(l)).toEqual(pending);
    // The same again changes nothing: it may be asked at any time.
    expect(advance(l, units, 0, at(START + afterMs))).toBe(l);
  });

  it("stays back once it has gone back, whatever deadline comes later, and says so once", () => {
    const back = advance(armed(START + 100), [trial(START + 100)], 0, at(START + 100));
    const later = advance(back, [trial(START + 9_999)], 0, at(START + 101));
    expect(states(later)).toEqual(["returned"]);
    // Told to try again it is on no trial that is known: its way back is made ready anew.
    expect(states(advance(later, [trial(START + 9_999, "r1", 2)], 0, at(START + 102)))).toEqual([]);
    const told = signProven(later, () => true, (r) => ({ ...r, signature: "s" }), { node: "n", nowMs: START });
    expect(told.outbox.map((o) => o.receipt)).toMatchObject([{ what: "returned", generation: 1, number: told.nextNumber - 1 }]);
    // Ordered back afterwards: it is there already, and nothing more is to be proven.
    expect(awaited(advance(told, [before], 0, at(START + 102)))).toEqual([]);
    expect(awaited(advance(told, [after], 0, at(START + 102)))).toEqual(["kept 2 ordered"]);
  });

  it("is never armed when the deadline has passed before the way back was ready", () => {
    const l = armed(START - 1);
    expect(states(l)).toEqual(["returned"]);
    expect(awaited(l)).toEqual(["returned 1 deadline"]);
  });

  // Guarantee: over any run of orders, pauses, steps of the clock and reboots no unit stays on trial beyond its deadline by more than the tolerance.
  it("keeps nothing on trial beyond its deadline and the tolerance", () => {
    const step = fc.record({ passMs: fc.integer({ min: 0, max: 200_000 }), clockStepMs: fc.constantFrom(0, 0, 0, -3_600_000, 3_600_000), extendMs: fc.constantFrom(null, null, 60_000, 300_000), order: fc.constantFrom("trial", "trial", "trial", "keep", "back") });
    fc.assert(fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let up = START;
      let wall = START;
      let returnAtMs = START + 120_000;
      let deadlineUp = START + 120_000;
      let l = armed(returnAtMs);
      for (const s of steps) {
        up += s.passMs;
        wall += s.passMs + s.clockStepMs;
        if (s.extendMs !== null) {
          // The controller's clock is the true one; the skew is learnt anew with the session that tells it.
          returnAtMs = up + s.extendMs;
          deadlineUp = up + s.extendMs;
        }
        const unit = s.order === "trial" ? trial(returnAtMs) : s.order === "keep" ? after : before;
        l = advance(l, [unit], up - wall, at(wall, up));
        if (s.order === "trial" && !entryOf(l, unit)) l = arm(l, trial(returnAtMs), up - wall, at(wall, up));
        for (const e of l.entries) if (up >= deadlineUp + CLOCK_TOLERANCE_MS) expect(e.state).toBe("returned");
        expect(l.entries.length).toBe(s.order === "trial" ? 1 : 0);
        expect(l.pending.length).toBeLessThanOrEqual(1);
        const dueMs = nextDueMs(l, at(wall, up));
        if (dueMs !== null) expect(dueMs).toBeGreaterThan(0);
      }
    }));
  });
});
