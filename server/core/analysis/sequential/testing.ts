/** Evidence for tests of the judge. */
import { createHash } from "node:crypto";
import { type ArmMinute, type JudgedSite, type LatencyBuckets, type SequentialInput, type SiteMinute } from "./types";
import { defaultSequentialSettings } from "./settings";

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Buckets of a latency that spreads around `middle`, `count` requests in all (about). */
export function around(middle: number, count: number, spread = 30): LatencyBuckets {
  const weights = Array.from({ length: 9 }, (_, i) => Math.exp(-((i - 4) ** 2) / 6));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((w, i) => [middle + Math.round(((i - 4) * spread) / 4), Math.max(1, Math.round((w / sum) * count))] as const);
}

export const arm = (over: Partial<ArmMinute> = {}): ArmMinute => {
  const requests = over.requests ?? 100;
  return { unitsExpected: 1, unitsReported: 1, trafficExpected: requests, requests, errors: 0, latency: requests > 0 ? around(230, requests) : [], labelled: 0, correct: 0, ...over };
};
export const silent = (traffic = 100, units = 1): ArmMinute => ({ unitsExpected: units, unitsReported: 0, trafficExpected: traffic, requests: 0, errors: 0, latency: [], labelled: 0, correct: 0 });

export const site = (name: string, over: Partial<JudgedSite> = {}): JudgedSite => ({
  name,
  weight: 1,
  silent: [],
  history: Array.from({ length: 6 }, () => ({ canaryHosts: { requests: 5000, logMean: 4.6, logSd: 0.6 }, stableHosts: { requests: 20_000, logMean: 4.6, logSd: 0.6 } })),
  ...over,
});

/** An input of some minutes at some sites; `cell` says what each reports. */
export function input(names: readonly (string | JudgedSite)[], minutes: number, cell: (site: string, minute: number) => { canary?: ArmMinute; stable?: ArmMinute }, over: Partial<SequentialInput> = {}): SequentialInput {
  const sites = names.map((n) => (typeof n === "string" ? site(n) : n));
  const cells: SiteMinute[] = [];
  for (let minute = 0; minute < minutes; minute++) for (const s of sites) cells.push({ site: s.name, minute, canary: arm(), stable: arm({ requests: 400, unitsExpected: 4, unitsReported: 4 }), ...cell(s.name, minute) });
  return { settings: defaultSequentialSettings, sites, from: 0, to: minutes, deadlinePassed: false, minutes: cells, ...over };
}
