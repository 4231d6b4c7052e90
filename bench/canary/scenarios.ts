/** The fifteen scenarios, and two partitions of six hours: what goes wrong, where and when. */
import { type Random } from "./random";

export const SITES = [
  ...[{ weight: 0.4, base: 1, pods: 8 }, { weight: 0.25, base: 1.15, pods: 5 }, { weight: 0.15, base: 0.9, pods: 3 }].map((s, i) => ({ ...s, name: `cloud-${i + 1}`, cloud: true })),
  ...[1.6, 1.4, 1.8, 1.5, 1.3, 1.7, 1.6, 1.5].map((base, i) => ({ weight: 0.025, base, pods: 1, name: `edge-${i + 1}`, cloud: false })),
] as const;

export const nulls = ["N1", "N2", "N3", "N4", "N5"] as const;
export const regressions = ["R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10"] as const;
/** Four sites dark for six hours of an eight-hour run: nothing wrong (L1), errors x5 from minute 60 (L2). */
export const long = ["L1", "L2"] as const;
export type Scenario = (typeof nulls)[number] | (typeof regressions)[number] | (typeof long)[number];
export const isNull = (s: Scenario): boolean => s.startsWith("N") || s === "L1";
/** Minutes of a run when none are given. */
export const minutesOf = (s: Scenario): number => (s.startsWith("L") ? 480 : 180);

export interface Span {
  from: number;
  to: number;
}
/** The truth of one run. */
export interface Plan {
  onset: number | null;
  badSites: number[];
  /** By site. */
  dark: Span[][];
  incident: Span | null;
  /** Factors of the canary at a site and minute. */
  latency(site: number, minute: number): number;
  errors(site: number, minute: number): number;
  /** Share of canary requests that take four times as long. */
  tail: number;
  /** The canary's units don't report. */
  silent(site: number, minute: number): boolean;
}

const edges = SITES.flatMap((s, i) => (s.cloud ? [] : [i]));
const clouds = SITES.flatMap((s, i) => (s.cloud ? [i] : []));
const everywhere = SITES.map((_, i) => i);

/** Draws what happens in one run of a scenario. */
export function planOf(scenario: Scenario, random: Random): Plan {
  const dark: Span[][] = SITES.map(() => []);
  const partition = (length: () => number, from: () => number): void => {
    for (const site of [...random.pick(clouds, 1), ...random.pick(edges, 3)]) {
      const start = Math.floor(from());
      dark[site]?.push({ from: start, to: start + Math.round(length()) });
    }
  };
  if (["N3", "N5", "R9"].includes(scenario)) partition(() => random.between(20, 60), () => random.between(10, 130));
  if (scenario.startsWith("L")) partition(() => 360, () => random.between(10, 60));
  if (scenario === "N4") {
    const from = Math.floor(random.between(30, 140));
    for (const spans of dark) spans.push({ from, to: from + 10 });
  }
  let incident: Span | null = null;
  if (scenario === "N2" || scenario === "N5") {
    const from = Math.floor(random.between(30, 140));
    incident = { from, to: from + 15 };
  }
  const plan: Plan = { onset: null, badSites: [], dark, incident, latency: () => 1, errors: () => 1, tail: 0, silent: () => false };
  const at = (sites: number[], onset: number): Plan => Object.assign(plan, { badSites: sites, onset });
  const only = (sites: number[], onset: number, factor: number) => (site: number, minute: number) => (minute >= onset && sites.includes(site) ? factor : 1);
  switch (scenario) {
    case "N1":
    case "N2":
    case "N3":
    case "N4":
    case "N5":
    case "L1":
      return plan;
    case "R1":
      return Object.assign(at(everywhere, 0), { latency: only(everywhere, 0, 1.25) });
    case "R2":
      return Object.assign(at(everywhere, 0), { latency: only(everywhere, 0, 1.5) });
    case "R3":
      return Object.assign(at(everywhere, 0), { tail: 0.02 });
    case "R4":
      return Object.assign(at(everywhere, 0), { errors: only(everywhere, 0, 3) });
    case "R5":
      return Object.assign(at(everywhere, 0), { errors: only(everywhere, 0, 10) });
    case "R6": {
      const sites = random.pick(edges, 1);
      return Object.assign(at(sites, 0), { errors: only(sites, 0, 25) });
    }
    case "R7": {
      const sites = random.pick(edges, 2);
      return Object.assign(at(sites, 0), { latency: only(sites, 0, 2) });
    }
    case "R8":
      return Object.assign(at(everywhere, 60), { latency: (_: number, minute: number) => 1 + 0.6 * Math.min(1, Math.max(0, (minute - 60) / 60)) });
    case "R9":
    case "L2":
      return Object.assign(at(everywhere, 60), { errors: only(everywhere, 60, 5) });
    case "R10": {
      const sites = random.pick(edges, 3);
      return Object.assign(at(sites, 30), { silent: (site: number, minute: number) => minute >= 30 && sites.includes(site) });
    }
  }
}
