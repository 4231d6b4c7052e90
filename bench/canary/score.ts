/** From the results of runs to the figures of a scenario. */
import { clopperPearson } from "../../server/core/analysis/statistics/distributions";
import { type EngineResult } from "./trace";

/** One engine's result of one run, with the truth it is scored against. */
export interface Scored extends EngineResult {
  engine: string;
  scenario: string;
  seed: number;
  onset: number | null;
  badSites: string[];
}

/** Shares are 0 to 1; null where a figure has no meaning (no regression, nothing detected, worse everywhere). */
export interface Figures {
  runs: number;
  /** Nulls: rolled back. */
  falseRollback: number;
  /** Regressions: never rolled back. */
  missed: number;
  /** Regressions: rolled back before there was anything wrong. */
  early: number;
  /** From onset to rollback, of those that came after it. */
  medianMinutes: number | null;
  promoted: number;
  held: number;
  /** Where single sites are bad: mean share of them that was named. */
  siteRecall: number | null;
  /** Runs in which a sound site was named. */
  falseSites: number;
}
/** What the figures leave out. */
export interface Details extends Figures {
  decided: number | null;
  /** Runs in which all bad sites and no other were named. */
  exactSites: number | null;
  p90Minutes: number | null;
  recallBySite: Record<string, number>;
}

const quantile = (sorted: readonly number[], q: number): number | null => {
  if (sorted.length === 0) return null;
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)] ?? 0;
  return low + ((sorted[Math.ceil(at)] ?? low) - low) * (at - Math.floor(at));
};

/** Figures of one engine in one scenario. */
export function figuresOf(runs: readonly Scored[], sites: number): Details {
  const share = (count: number): number => (runs.length > 0 ? count / runs.length : 0);
  const back = runs.filter((r) => r.outcome === "rollBack");
  const isNull = runs.every((r) => r.onset === null);
  const minutes = back.flatMap((r) => (r.onset !== null && r.atMinute >= r.onset ? [r.atMinute - r.onset] : [])).sort((a, b) => a - b);
  const local = !isNull && runs.every((r) => r.badSites.length < sites);
  const recallBySite: Record<string, number> = {};
  for (const site of new Set(runs.flatMap((r) => r.badSites))) {
    const bad = runs.filter((r) => r.badSites.includes(site));
    recallBySite[site] = bad.filter((r) => r.sites.includes(site)).length / bad.length;
  }
  return {
    runs: runs.length,
    falseRollback: isNull ? share(back.length) : 0,
    missed: isNull ? 0 : share(runs.length - back.length),
    early: share(back.filter((r) => r.onset !== null && r.atMinute < r.onset).length),
    medianMinutes: quantile(minutes, 0.5),
    promoted: share(runs.filter((r) => r.outcome === "promote").length),
    held: share(runs.filter((r) => r.outcome === "hold").length),
    siteRecall: local ? runs.reduce((sum, r) => sum + r.badSites.filter((s) => r.sites.includes(s)).length / r.badSites.length, 0) / Math.max(1, runs.length) : null,
    falseSites: share(runs.filter((r) => r.sites.some((s) => !r.badSites.includes(s))).length),
    decided: runs.every((r) => r.decided !== undefined) ? share(runs.filter((r) => r.decided).length) : null,
    exactSites: local ? share(runs.filter((r) => r.sites.length === r.badSites.length && r.badSites.every((s) => r.sites.includes(s))).length) : null,
    p90Minutes: quantile(minutes, 0.9),
    recallBySite: local ? recallBySite : {},
  };
}

/** The figures alone, as the results have them. */
export function plainFigures({ decided: _d, exactSites: _e, p90Minutes: _p, recallBySite: _r, ...figures }: Details): Figures {
  return figures;
}

const percent = (share: number): string => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)}%`;
/** A share with its 95% interval (Clopper and Pearson). */
export function withInterval(share: number, runs: number): string {
  const { low, high } = clopperPearson(Math.round(share * runs), runs, 0.95);
  return `${(share * 100).toFixed(2)}% (${(low * 100).toFixed(2)} to ${(high * 100).toFixed(2)}%) of ${runs}`;
}

/** One cell of the table: nulls as false rollbacks, regressions as missed / median minutes. */
function cellText(f: Details, isNull: boolean): string {
  if (isNull) return percent(f.falseRollback);
  const early = f.early > 0 ? ` e${percent(f.early)}` : "";
  return `${percent(f.missed)}/${f.medianMinutes === null ? "-" : f.medianMinutes.toFixed(f.medianMinutes % 1 ? 1 : 0)}${early}`;
}

/** The table for people: a row for each scenario, a column for each engine, then totals. */
export function tableOf(all: ReadonlyMap<string, ReadonlyMap<string, Details>>, isNull: (scenario: string) => boolean): string[] {
  const names = [...all.keys()];
  const scenarios = [...(all.values().next().value?.keys() ?? [])];
  const wide = 18;
  const lines = ["nulls: rolled back; regressions: missed / median minutes from onset, e = rolled back before onset", `${"".padEnd(6)}${names.map((n) => n.padStart(wide)).join("")}`];
  for (const s of scenarios) lines.push(s.padEnd(6) + names.map((n) => { const f = all.get(n)?.get(s); return (f ? cellText(f, isNull(s)) : "-").padStart(wide); }).join(""));
  for (const [name, by] of all) {
    const of = (some: string[], key: "falseRollback" | "missed" | "promoted" | "held" | "early"): { share: number; runs: number } => {
      const runs = some.reduce((sum, s) => sum + (by.get(s)?.runs ?? 0), 0);
      return { runs, share: runs > 0 ? some.reduce((sum, s) => sum + (by.get(s)?.[key] ?? 0) * (by.get(s)?.runs ?? 0), 0) / runs : 0 };
    };
    const text = (some: string[], key: Parameters<typeof of>[1]): string => { const x = of(some, key); return x.runs > 0 ? withInterval(x.share, x.runs) : "-"; };
    const [sound, bad] = [scenarios.filter(isNull), scenarios.filter((s) => !isNull(s))];
    lines.push("", `${name}: nulls rolled back ${text(sound, "falseRollback")}, promoted ${text(sound, "promoted")}, held ${text(sound, "held")}`);
    lines.push(`  regressions missed ${text(bad, "missed")}, promoted (unsafe) ${text(bad, "promoted")}, held ${text(bad, "held")}, rolled back early ${text(bad, "early")}`);
    for (const s of scenarios) {
      const f = by.get(s);
      if (!f) continue;
      const parts = [f.siteRecall === null ? "" : `sites found ${percent(f.siteRecall)}, exactly the right ones ${percent(f.exactSites ?? 0)}; by site ${Object.entries(f.recallBySite).sort().map(([site, r]) => `${site} ${percent(r)}`).join(" ")}`, f.falseSites > 0 ? `a sound site named ${withInterval(f.falseSites, f.runs)}` : "", f.decided !== null && f.decided < 1 ? `decided ${percent(f.decided)}` : "", f.held > 0 ? `held ${percent(f.held)}` : ""].filter((t) => t !== "");
      if (parts.length > 0) lines.push(`  ${s}: ${parts.join("; ")}`);
    }
  }
  return lines;
}
