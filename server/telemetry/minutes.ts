import type { ArmMinute, HostHistory, JudgedSite, LatencyBuckets, SequentialInput, SiteMinute } from "../core/analysis/sequential/types";
import { logMoments } from "../core/analysis/sequential/ranks";
import { decodeSketch } from "../core/telemetry/sketch";
import { telemetryRead, type Queryable } from "../store";

const MINUTE_MS = 60_000;
/** Reports of a minute are in this long after its end. */
const SETTLE_MS = 20_000;
/** How much of the stable revision's past is learnt from, and from how many units a site and arm. */
const HISTORY_MS = 6 * 3_600_000;
const HISTORY_UNITS = 50;
const STRETCH_MINUTES = 60;

/** A unit as evidence needs it: where it runs, and from when on it ran the new revision (null: it never did). */
export interface EvidenceUnit {
  assignmentId: string;
  nodeId: string;
  site: string;
  canarySinceMs: number | null;
}
export interface MinutesWanted {
  workloadId: string;
  canary: number;
  stable: number;
  units: readonly EvidenceUnit[];
  /** Begin of the rollout: what lies before is history. */
  startedAtMs: number;
  fromMs: number;
  toMs: number;
  /** A node that said nothing for this long is silent. */
  silentAfterMs: number;
}

type Rows = readonly telemetryRead.RequestMinuteView[];
interface Spell { nodeId: string; fromMs: number; toMs: number | null }

/** Evidence by site and minute for the anytime-valid judge: whole minutes only, with the stable revision's past on the same hosts. */
export async function gatherMinutes(q: Queryable, w: MinutesWanted): Promise<Omit<SequentialInput, "settings" | "deadlinePassed">> {
  const from = Math.ceil(w.fromMs / MINUTE_MS);
  const to = Math.max(from, Math.floor((w.toMs - SETTLE_MS) / MINUTE_MS));
  const pastMs = w.startedAtMs - HISTORY_MS;
  const learnt = historyUnits(w.units);
  const [rows, quality, spells, past, pastQuality] = await Promise.all([
    telemetryRead.requestMinutes(q, { workloadId: w.workloadId }, from * MINUTE_MS, to * MINUTE_MS),
    telemetryRead.qualityMinutes(q, w.workloadId, from * MINUTE_MS, to * MINUTE_MS),
    telemetryRead.silentSpells(q, [...new Set(w.units.map((u) => u.nodeId))], from * MINUTE_MS, w.toMs, w.silentAfterMs),
    telemetryRead.requestMinutesOf(q, w.workloadId, w.stable, learnt, pastMs, w.startedAtMs),
    telemetryRead.qualityMinutes(q, w.workloadId, pastMs, w.startedAtMs),
  ]);
  return minutesOf({ w, from, to, rows, quality, spells, past, pastQuality });
}

function historyUnits(units: readonly EvidenceUnit[]): string[] {
  const taken = new Map<string, number>();
  return [...units].sort((a, b) => (a.assignmentId < b.assignmentId ? -1 : 1)).flatMap((u) => {
    const arm = `${u.site} ${u.canarySinceMs !== null}`;
    const n = taken.get(arm) ?? 0;
    taken.set(arm, n + 1);
    return n < HISTORY_UNITS ? [u.assignmentId] : [];
  });
}

interface Gathered {
  w: MinutesWanted;
  from: number;
  to: number;
  rows: Rows;
  quality: readonly telemetryRead.QualityMinuteView[];
  spells: readonly Spell[];
  past: Rows;
  pastQuality: readonly telemetryRead.QualityMinuteView[];
}

/** The same from rows that were read: pure. */
export function minutesOf(g: Gathered): Omit<SequentialInput, "settings" | "deadlinePassed"> {
  const { w, from, to } = g;
  const sites = [...new Set(w.units.map((u) => u.site))].sort();
  const rowsBySite = groupBy(g.rows, (r) => r.site);
  const pastBySite = groupBy(g.past, (r) => r.site);
  const qualityBySite = groupBy(g.quality, (r) => r.site);
  const labelsBySite = groupBy(g.pastQuality.filter((r) => r.generation === w.stable), (r) => r.site);
  const total = g.rows.reduce((n, r) => n + r.count, 0);
  const minutes: SiteMinute[] = [];
  const judged: JudgedSite[] = sites.map((site) => {
    const units = w.units.filter((u) => u.site === site);
    const rows = rowsBySite.get(site) ?? [];
    const silence = new Silence(units, g.spells);
    const cells = siteMinutes({ ...w, from, to }, units, rows, qualityBySite.get(site) ?? [], silence);
    minutes.push(...cells.map((c) => ({ site, ...c })));
    const requests = rows.reduce((n, r) => n + r.count, 0);
    return { name: site, weight: total > 0 ? requests / total : units.length / Math.max(1, w.units.length), silent: silence.stretches(from, to), ...pastOf(units, pastBySite.get(site) ?? [], labelsBySite.get(site) ?? []) };
  });
  return { sites: judged, from, to, minutes };
}

/** When which of a site's nodes were silent. */
class Silence {
  private readonly spells: Map<string, Spell[]>;
  private readonly nodes: readonly string[];
  constructor(units: readonly EvidenceUnit[], spells: readonly Spell[]) {
    this.nodes = [...new Set(units.map((u) => u.nodeId))];
    this.spells = groupBy(spells.filter((s) => this.nodes.includes(s.nodeId)), (s) => s.nodeId);
  }
  /** The spell in which a node was silent for the whole of a minute. */
  of(nodeId: string, minute: number): Spell | undefined {
    return this.spells.get(nodeId)?.find((s) => s.fromMs <= minute * MINUTE_MS && (s.toMs === null || s.toMs >= (minute + 1) * MINUTE_MS));
  }
  /** Stretches in which every node of the site was silent. What a node kept for later is still to come only while it is away. */
  stretches(from: number, to: number): { since: number; until: number | null; stillToCome?: boolean }[] {
    const out: { since: number; until: number | null; stillToCome?: boolean }[] = [];
    let since: number | null = null;
    for (let m = from; m < to; m++) {
      const all = this.nodes.length > 0 && this.nodes.every((n) => this.of(n, m) !== undefined);
      if (all) since ??= m;
      else if (since !== null) {
        out.push({ since, until: m });
        since = null;
      }
    }
    if (since !== null) out.push({ since, until: null });
    return out;
  }
}

const empty = (): { unitsExpected: number; unitsReported: number; trafficExpected: number; requests: number; errors: number; buckets: Map<number, number>; labelled: number; correct: number } => ({ unitsExpected: 0, unitsReported: 0, trafficExpected: 0, requests: 0, errors: 0, buckets: new Map(), labelled: 0, correct: 0 });
const armOf = (a: ReturnType<typeof empty>): ArmMinute => ({ unitsExpected: a.unitsExpected, unitsReported: a.unitsReported, trafficExpected: a.trafficExpected, requests: a.requests, errors: a.errors, latency: sorted(a.buckets), labelled: a.labelled, correct: a.correct });
const sorted = (b: ReadonlyMap<number, number>): LatencyBuckets => [...b].sort((x, y) => x[0] - y[0]);

function siteMinutes(w: MinutesWanted & { from: number; to: number }, units: readonly EvidenceUnit[], rows: Rows, quality: readonly telemetryRead.QualityMinuteView[], silence: Silence): Omit<SiteMinute, "site">[] {
  const rowsAt = groupBy(rows, (r) => r.minuteMs / MINUTE_MS);
  const qualityAt = groupBy(quality, (r) => r.minuteMs / MINUTE_MS);
  const nodeOf = new Map(units.map((u) => [u.assignmentId, u.nodeId]));
  const rate = { canary: 0, stable: 0 };
  const out: Omit<SiteMinute, "site">[] = [];
  for (let minute = w.from; minute < w.to; minute++) {
    const arms = { canary: empty(), stable: empty() };
    for (const u of units) {
      // The minute in which a unit switched belongs to neither revision whole.
      const sinceMinute = u.canarySinceMs === null ? Infinity : Math.ceil(u.canarySinceMs / MINUTE_MS);
      const arm = minute >= sinceMinute ? arms.canary : u.canarySinceMs === null || (minute + 1) * MINUTE_MS <= u.canarySinceMs ? arms.stable : null;
      if (!arm) continue;
      arm.unitsExpected++;
      if (!silence.of(u.nodeId, minute)) arm.unitsReported++;
    }
    let arrived = minute;
    const heard = { canary: new Set<string>(), stable: new Set<string>() };
    for (const r of rowsAt.get(minute) ?? []) {
      const key = r.generation === w.canary ? "canary" : r.generation === w.stable ? "stable" : null;
      if (key === null) continue;
      add(arms[key], r);
      const nodeId = nodeOf.get(r.assignmentId);
      const spell = nodeId === undefined ? undefined : silence.of(nodeId, minute);
      if (spell) {
        heard[key].add(r.assignmentId);
        arrived = Math.max(arrived, Math.floor((spell.toMs ?? w.toMs) / MINUTE_MS));
      }
    }
    for (const m of qualityAt.get(minute) ?? []) {
      const arm = m.generation === w.canary ? arms.canary : m.generation === w.stable ? arms.stable : null;
      if (arm) Object.assign(arm, { labelled: arm.labelled + m.labelled, correct: arm.correct + m.correct });
    }
    for (const key of ["canary", "stable"] as const) {
      const a = arms[key];
      // What came late was reported after all.
      a.unitsReported = Math.min(a.unitsExpected, a.unitsReported + heard[key].size);
      if (a.unitsReported > 0 && a.unitsReported === a.unitsExpected) rate[key] = rate[key] === 0 ? a.requests / a.unitsExpected : 0.8 * rate[key] + (0.2 * a.requests) / a.unitsExpected;
      a.trafficExpected = Math.max(a.requests, rate[key] * a.unitsExpected);
    }
    out.push({ minute, ...(arrived > minute ? { arrived } : {}), canary: armOf(arms.canary), stable: armOf(arms.stable) });
  }
  return out;
}

function add(a: ReturnType<typeof empty>, r: { count: number; errors: number; sketch: Uint8Array }): void {
  a.requests += r.count;
  a.errors += r.errors;
  for (const [bucket, n] of decodeSketch(r.sketch)?.buckets ?? []) a.buckets.set(bucket, (a.buckets.get(bucket) ?? 0) + n);
}

/**
 * The stable revision's past at a site, by the hosts that the canary uses now and those that stable still uses. Labels are
 * kept by site: an answer is as right on one host as on the other.
 */
function pastOf(units: readonly EvidenceUnit[], past: Rows, labels: Gathered["pastQuality"]): Pick<JudgedSite, "history" | "baseline"> {
  const onCanary = new Set(units.flatMap((u) => (u.canarySinceMs === null ? [] : [u.assignmentId])));
  if (onCanary.size === 0 || past.length === 0) return {};
  const stretches = groupBy(past, (r) => Math.floor(r.minuteMs / MINUTE_MS / STRETCH_MINUTES));
  const history = [...stretches].sort(([a], [b]) => a - b).map(([, rows]) => ({ canaryHosts: hostHistory(rows.filter((r) => onCanary.has(r.assignmentId))), stableHosts: hostHistory(rows.filter((r) => !onCanary.has(r.assignmentId))) }));
  const own = past.filter((r) => onCanary.has(r.assignmentId));
  const sum = empty();
  for (const r of own) add(sum, r);
  const baseline = sum.requests === 0 ? {} : { baseline: { minutes: new Set(own.map((r) => r.minuteMs)).size, requests: sum.requests, errors: sum.errors, latency: sorted(sum.buckets), labelled: labels.reduce((n, l) => n + l.labelled, 0), correct: labels.reduce((n, l) => n + l.correct, 0) } };
  return { history, ...baseline };
}

function hostHistory(rows: Rows): HostHistory {
  const sum = empty();
  for (const r of rows) add(sum, r);
  const m = logMoments(sorted(sum.buckets));
  return { requests: m.n, logMean: m.mean, logSd: m.sd };
}

function groupBy<T, K>(list: readonly T[], key: (item: T) => K): Map<K, T[]> {
  const out = new Map<K, T[]>();
  for (const item of list) {
    const k = key(item);
    const group = out.get(k);
    if (group) group.push(item);
    else out.set(k, [item]);
  }
  return out;
}
