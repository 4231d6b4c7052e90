import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createJudge } from "./process";
import { defaultSequentialSettings } from "./settings";
import { site } from "./testing";
import { type ArmMinute, type SequentialSettings, type SequentialVerdict, type SiteMinute, evidenceKinds } from "./types";
import { makeVerdict } from "./verdict";

/** Settings under which a few minutes decide, all kinds on. */
const quick: SequentialSettings = {
  ...defaultSequentialSettings,
  alpha: 0.2,
  promoteThreshold: 1.3,
  roles: { errors: "critical", latency: "critical", tail: "counts", reporting: "counts", accuracy: "counts" },
  promoteMargins: { errorRatio: 2, errorShare: 0.05, latencyRatio: 1.5, tailShare: 0.1, reportingShare: 0.3, accuracyDrop: 0.2 },
  coverage: { weight: 0.5, reportedShare: 0.5 },
};
/** Settings under which a handful of withheld requests is too few for a rollback. */
const patient: SequentialSettings = { ...quick, alpha: 0.0002, siteLevel: 0.0002 };
/** Settings that hardly anything is enough for. */
const strict: SequentialSettings = { ...patient, promoteThreshold: 1e12 };
const MINUTES = 4;
const NAMES = ["a", "b"];
const SITES = NAMES.map((name) => site(name));

/** A small stream of numbers from one seed: fast-check draws the seed, which is far quicker than drawing each number. */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** One arm's minute with at most `most` requests and failures about as `badness` (0 to 10) has it. */
function draw(next: (below: number) => number, most: number, units: number, reports: boolean, badness: number, expected: number): ArmMinute {
  const requests = reports ? next(most + 1) : 0;
  const bad = (): number => Math.min(requests, Math.floor((requests * badness * next(11)) / 100));
  const slow = bad();
  const latency = ([[230 + next(5), requests - slow], [260 + next(120), slow]] as [number, number][]).filter(([, n]) => n > 0);
  const labelled = next(requests + 1);
  return { unitsExpected: units, unitsReported: reports ? units : 0, trafficExpected: expected, requests, errors: bad(), latency, labelled, correct: labelled - Math.min(labelled, bad()) };
}

/** The verdict now, and a way to go on with what was withheld. */
function judged(settings: SequentialSettings, cells: readonly SiteMinute[], deadlinePassed: boolean): { now: SequentialVerdict; then: (completion: readonly SiteMinute[]) => SequentialVerdict } {
  const judge = createJudge(settings, SITES);
  for (let minute = 0; minute < MINUTES; minute++) judge.minute(minute, cells.slice(minute * NAMES.length, (minute + 1) * NAMES.length));
  return {
    now: makeVerdict(judge, { from: 0, to: MINUTES, deadlinePassed, inputsDigest: "" }),
    then: (completion) => {
      judge.minute(MINUTES, completion);
      return makeVerdict(judge, { from: 0, to: MINUTES + 1, deadlinePassed, inputsDigest: "" });
    },
  };
}

/** Evidence of a few minutes with silence in it, and the completions of what is withheld. */
function world(seed: number): { cells: SiteMinute[]; complete: (kind: number) => SiteMinute[]; withheld: number } {
  const next = numbers(seed);
  // Few requests withheld now and then, so that a promotion can be decided in spite of them.
  const expected = [0, 1, 30, 120][next(4)] ?? 1;
  const badness = [0, 0, 1, 10][next(4)] ?? 0;
  const silentSince = NAMES.map(() => (next(2) === 0 ? MINUTES : MINUTES - 1 - Math.floor((next(MINUTES) * next(MINUTES)) / MINUTES)));
  const canaryOnly = NAMES.map(() => next(4) === 0);
  const cells = Array.from({ length: MINUTES }, (_, minute) => minute).flatMap((minute) =>
    NAMES.map((name, i): SiteMinute => {
      const reports = minute < (silentSince[i] ?? 0);
      return { site: name, minute, canary: draw(next, 60, 1, reports, badness, expected), stable: draw(next, 240, 4, reports || canaryOnly[i] === true, 0, expected * 4) };
    }),
  );
  const missing = cells.filter((c) => c.canary.unitsReported === 0);
  return {
    cells,
    withheld: missing.length,
    complete: (kind) =>
      missing
        .filter(() => kind < 3 || next(2) === 0)
        .map((c) => {
          const most = 2 * Math.max(1, expected);
          const canary = draw(next, kind < 2 ? Math.floor(most) : next(Math.floor(most) + 1), 1, true, [10, 0, 3, 10][kind] ?? 0, expected);
          const worst = kind === 0 ? { ...canary, errors: canary.requests, correct: 0, latency: canary.requests > 0 ? [[600, canary.requests] as const] : [] } : canary;
          const stable = c.stable.unitsReported > 0 ? { ...c.stable, unitsExpected: 4, requests: 0, errors: 0, latency: [], labelled: 0, correct: 0 } : draw(next, Math.floor(most * 4), 4, true, kind === 1 ? 10 : 0, expected * 4);
          return { ...c, arrived: MINUTES, canary: worst, stable };
        }),
  };
}

describe("decided", () => {
  // Guarantee: what is called decided stays the same whatever the silent sites withhold; and no completion passes the bounds.
  it("never flips under any completion of what is withheld (10,000 cases, all kinds of evidence)", () => {
    const seen = new Map<string, number>();
    const order = ["rollBack", "notEnoughEvidence", "hold", "promote"];
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.nat({ max: 3 }), fc.boolean(), (seed, kind, deadlinePassed) => {
        const { cells, complete, withheld } = world(seed);
        const settings = [quick, patient, strict][seed % 3] ?? quick;
        const { now, then: goOn } = judged(settings, cells, deadlinePassed);
        const key = `${now.verdict}${now.decided ? " decided" : ""}${withheld > 0 ? " withheld" : ""}`;
        seen.set(key, (seen.get(key) ?? 0) + 1);
        if (withheld === 0) return;
        const then = goOn(complete(kind));
        if (now.decided) expect(then.verdict).toBe(now.verdict);
        expect(order.indexOf(then.verdict)).toBeGreaterThanOrEqual(order.indexOf(now.completion.worst));
        expect(order.indexOf(then.verdict)).toBeLessThanOrEqual(order.indexOf(now.completion.best));
      }),
      { numRuns: 10_000, seed: 20261123 },
    );
    // The property would say nothing if these never came up.
    for (const key of ["rollBack decided withheld", "promote decided withheld", "promote withheld", "hold withheld", "hold decided withheld", "notEnoughEvidence withheld"]) expect(seen.get(key) ?? 0, key).toBeGreaterThan(20);
  });
  it("covers every kind of evidence", () => {
    expect(evidenceKinds.every((k) => quick.roles[k] === "critical" || quick.roles[k] === "counts")).toBe(true);
  });
});
