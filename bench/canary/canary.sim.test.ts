import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { judgeSequential } from "../../server/core/analysis/sequential/judge";
import { sha256 } from "../../server/core/analysis/sequential/testing";
import { defaultSequentialSettings } from "../../server/core/analysis/sequential/settings";
import { readData } from "./data";
import { holdfast, minuteOf, sitesOf } from "./engines/holdfast";
import { readTrace, traceFile, writeTrace } from "./freeze";
import { makeGenerator } from "./generate";
import { SITES, isNull, nulls, regressions, type Scenario } from "./scenarios";
import { figuresOf, type Details, type Scored } from "./score";
import { CANARY, STABLE, cellOf, type Trace } from "./trace";

const LONG = process.env["HOLDFAST_LONG"] === "1";
const generate = makeGenerator(readData(path.join(import.meta.dirname, "sample")));

/** The prototype's median minutes from onset, and Kayenta's 60-minute windows, of the published table. */
const PROTOTYPE: Record<string, number> = { R1: 23, R2: 11, R3: 31, R4: 28, R5: 3, R6: 30.5, R7: 43, R8: 58, R9: 18.5, R10: 8 };
const KAYENTA = 59;

function figures(scenario: Scenario, seeds: number): Details {
  const engine = holdfast();
  const runs = Array.from({ length: seeds }, (_, i): Scored => {
    const trace = generate(scenario, i + 1);
    return { ...engine.judge(trace), engine: engine.name, scenario, seed: i + 1, onset: trace.onset, badSites: trace.badSites };
  });
  return figuresOf(runs, SITES.length);
}

/** A trace's content in few bytes. */
function fingerprint(trace: Trace): string {
  const hash = createHash("sha256");
  for (const value of Object.values(trace) as unknown[]) hash.update(ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : JSON.stringify(value));
  return hash.digest("hex");
}

describe("canary benchmark", () => {
  // Guarantee: the judge rolls back none of the sound canaries and misses none of the bad ones; all scenarios, 50 seeds each in the long run.
  it("keeps its targets in all 15 scenarios", () => {
    const seeds = LONG ? 50 : 2;
    const all = new Map([...nulls, ...regressions].map((s) => [s, figures(s, seeds)] as const));
    const mean = (of: (f: Details) => number): number => nulls.reduce((sum, s) => sum + of(all.get(s)!), 0) / nulls.length;
    expect(mean((f) => f.falseRollback)).toBeLessThanOrEqual(0.02);
    expect(mean((f) => f.promoted)).toBeGreaterThanOrEqual(0.96);
    for (const s of nulls) expect(all.get(s)!.falseRollback, s).toBeLessThanOrEqual(0.05);
    for (const s of regressions) expect(all.get(s), s).toMatchObject({ missed: 0, early: 0, promoted: 0 });
    for (const s of ["N3", "N5", "R9"] as const) if (LONG) expect(all.get(s)!.decided, s).toBeGreaterThanOrEqual(0.9);
    if (!LONG) return;
    for (const s of regressions) expect(all.get(s)!.medianMinutes, s).toBeLessThanOrEqual(Math.min(1.1 * PROTOTYPE[s]!, KAYENTA));
    for (const s of ["R6", "R7", "R10"] as const) {
      expect(all.get(s)!.siteRecall, s).toBeGreaterThanOrEqual(0.95);
      expect(all.get(s)!.falseSites, s).toBeLessThanOrEqual(0.02);
    }
  }, 1_200_000);

  it("draws the same trace from the same seed, and keeps it as a file byte by byte", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "traces-"));
    try {
      const trace = generate("R9", 5);
      expect(fingerprint(generate("R9", 5))).toBe(fingerprint(trace));
      expect(generate("R9", 6).latencies.length).not.toBe(trace.latencies.length);
      const file = traceFile(folder, "R9", 5);
      writeTrace(file, trace);
      expect(fingerprint({ ...trace, ...readTrace(file) })).toBe(fingerprint(trace));
      expect(holdfast().judge(readTrace(file))).toEqual(holdfast().judge(trace));
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  it("darkens one cloud and three edge sites, and nothing reports from there meanwhile", () => {
    const trace = generate("N3", 3);
    const dark = trace.sites.map((_, s) => Array.from({ length: trace.minutes }, (__, m) => m).filter((m) => trace.dark[s * trace.minutes + m] === 1));
    expect(dark.filter((d, s) => d.length > 0 && trace.sites[s]!.cloud)).toHaveLength(1);
    expect(dark.filter((d, s) => d.length > 0 && !trace.sites[s]!.cloud)).toHaveLength(3);
    for (const [s, minutes] of dark.entries()) for (const m of minutes) for (const arm of [CANARY, STABLE] as const) expect(trace.reported[cellOf(trace, s, m, arm)]).toBe(0);
  });

  it("gives the canary its share and the rates of the scenario", () => {
    const trace = generate("R5", 2);
    const sums = ([CANARY, STABLE] as const).map((arm) => {
      let [n, bad] = [0, 0];
      for (let s = 0; s < trace.sites.length; s++) for (let m = 0; m < trace.minutes; m++) {
        n += trace.requests[cellOf(trace, s, m, arm)]!;
        bad += trace.errors[cellOf(trace, s, m, arm)]!;
      }
      return { n, rate: bad / n };
    });
    expect(sums[0]!.rate).toBeCloseTo(0.04, 2);
    expect(sums[1]!.rate).toBeCloseTo(0.004, 3);
    expect([...new Set(trace.share)]).toEqual([0.05, 0.1, 0.25, 0.5]);
  });

  // Guarantee: the whole recomputation from a bundle says what was said minute by minute.
  it("recomputes a run's verdict from all its evidence at once", () => {
    const trace = generate("R6", 4);
    const live = holdfast().judge(trace);
    const minutes = Array.from({ length: live.atMinute + 1 }, (_, m) => minuteOf(trace, m)).flat();
    const verdict = judgeSequential({ settings: defaultSequentialSettings, sites: sitesOf(trace), from: 0, to: live.atMinute + 1, deadlinePassed: false, minutes }, sha256);
    expect(verdict).toMatchObject({ verdict: "rollBack", guilty: live.sites, decided: true });
    expect(isNull("R6")).toBe(false);
  });
});
