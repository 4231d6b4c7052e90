import { describe, expect, test } from "vitest";
import type { ApprovalView } from "@/server/core/views";
import { byExpiryAndRisk, riskOf } from "./risk";

const HOUR = 3_600_000;
const asked = (o: { units?: number; silent?: number; verdict?: string; decided?: boolean; left?: number }) =>
  ({
    blastRadius: { units: o.units ?? 1, unitsTotal: 10, silent: o.silent ?? 0, trafficShare: null },
    evidence: o.verdict ? { verdict: o.verdict, sequential: o.decided === undefined ? null : { decided: o.decided } } : null,
    expiresAtMs: o.left ?? HOUR,
  }) as unknown as ApprovalView;

// Guarantee: nothing without evidence is called low risk, and what the evidence speaks against is high risk.
describe("riskOf", () => {
  test.each([
    [asked({}), "some"],
    [asked({ units: 9 }), "high"],
    [asked({ verdict: "rollBack" }), "high"],
    [asked({ verdict: "promote", decided: false }), "some"],
    [asked({ verdict: "promote", decided: true }), "low"],
    [asked({ verdict: "promote", decided: true, silent: 2 }), "some"],
    [asked({ verdict: "hold" }), "some"],
  ])("case %#", (a, level) => expect(riskOf(a).level).toBe(level));
});

// Guarantee: the inbox shows what expires soon first, and the riskier of those first.
test("expiry in steps, then risk, then the exact time", () => {
  const soonSafe = asked({ verdict: "promote", left: 10 * 60_000 });
  const soonRisky = asked({ verdict: "rollBack", left: 50 * 60_000 });
  const later = asked({ verdict: "rollBack", left: 30 * HOUR });
  const laterStill = asked({ verdict: "rollBack", left: 40 * HOUR });
  expect(byExpiryAndRisk([laterStill, later, soonSafe, soonRisky], 0)).toEqual([soonRisky, soonSafe, later, laterStill]);
});
