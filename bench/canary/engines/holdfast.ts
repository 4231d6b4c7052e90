/**
 * Our judge against the frozen trace: looks every minute and promotes at the end. It rolls back as soon as the limit is
 * reached and no further site is suspected; the minute counted is the one in which the sites are named.
 */
import { createJudge } from "../../../server/core/analysis/sequential/process";
import { defaultSequentialSettings } from "../../../server/core/analysis/sequential/settings";
import { guiltySites, suspectedSites } from "../../../server/core/analysis/sequential/naming";
import { makeVerdict } from "../../../server/core/analysis/sequential/verdict";
import { type ArmMinute, type JudgedSite, type SequentialSettings, type SiteMinute } from "../../../server/core/analysis/sequential/types";
import { SKETCH_ACCURACY } from "../../../server/core/telemetry/sketch";
import { CANARY, STABLE, type Arm, type Engine, type Trace, cellOf } from "../trace";

const PER_LN = 1 / Math.log((1 + SKETCH_ACCURACY) / (1 - SKETCH_ACCURACY));
const LOWEST = -400;
const counts = new Int32Array(2000);

/** DDSketch buckets (of ms) of one cell's latencies. */
function bucketsOf(trace: Trace, cell: number): [number, number][] {
  let low = counts.length;
  let high = -1;
  for (let i = trace.offsets[cell] ?? 0; i < (trace.offsets[cell + 1] ?? 0); i++) {
    const b = Math.ceil(Math.log((trace.latencies[i] ?? 0) * 1000) * PER_LN) - LOWEST;
    counts[b] = (counts[b] ?? 0) + 1;
    if (b < low) low = b;
    if (b > high) high = b;
  }
  const out: [number, number][] = [];
  for (let b = low; b <= high; b++) {
    const n = counts[b] ?? 0;
    if (n > 0) out.push([b + LOWEST, n]);
    counts[b] = 0;
  }
  return out;
}

function armOf(trace: Trace, site: number, minute: number, arm: Arm): ArmMinute {
  const s = trace.sites[site]!;
  const cell = cellOf(trace, site, minute, arm);
  const reported = trace.reported[cell] === 1;
  const share = trace.share[minute] ?? 0;
  const unitsExpected = arm === CANARY ? s.canaryPods : s.stablePods;
  return {
    unitsExpected,
    unitsReported: reported ? unitsExpected : 0,
    trafficExpected: 1800 * s.weight * (arm === CANARY ? share : 1 - share),
    requests: reported ? (trace.requests[cell] ?? 0) : 0,
    errors: reported ? (trace.errors[cell] ?? 0) : 0,
    latency: reported ? bucketsOf(trace, cell) : [],
    labelled: 0,
    correct: 0,
  };
}

/** The evidence of one minute of a trace, as agents report it. */
export const minuteOf = (trace: Trace, minute: number): SiteMinute[] => trace.sites.map((s, i) => ({ site: s.name, minute, canary: armOf(trace, i, minute, CANARY), stable: armOf(trace, i, minute, STABLE) }));
export const sitesOf = (trace: Trace): JudgedSite[] => trace.sites.map((s) => ({ name: s.name, weight: s.weight, silent: [], history: s.history }));

export function holdfast(settings: SequentialSettings = defaultSequentialSettings): Engine {
  return {
    name: "holdfast",
    judge(trace) {
      const judge = createJudge(settings, sitesOf(trace));
      for (let minute = 0; minute < trace.minutes; minute++) {
        judge.minute(minute, minuteOf(trace, minute));
        if (judge.rolledBackAt !== null && (suspectedSites(judge, minute).length === 0 || minute === trace.minutes - 1)) return { outcome: "rollBack", atMinute: minute, sites: guiltySites(judge), decided: true };
      }
      const verdict = makeVerdict(judge, { from: 0, to: trace.minutes, deadlinePassed: true, inputsDigest: "" });
      return { outcome: verdict.verdict === "promote" ? "promote" : "hold", atMinute: trace.minutes - 1, sites: [...verdict.guilty], decided: verdict.decided };
    },
  };
}
