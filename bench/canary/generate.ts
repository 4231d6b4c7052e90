/** Draws the trace of one run: a pure function of data, scenario, seed and length. */
import { type GeneratorData, REQUEST_SPREAD } from "./data";
import { Random } from "./random";
import { SITES, minutesOf, planOf, type Scenario } from "./scenarios";
import { CANARY, cellOf, type HistoryBlock, type Trace, type TraceSite } from "./trace";

export const REQUESTS_PER_MINUTE = 1800;
export const BASE_ERROR_RATE = 0.004;
const INCIDENT_ERROR_RATE = 0.06;
const CANARY_SHARES = [0.05, 0.1, 0.25, 0.5];
const HISTORY_HOURS = 12;
/** Stable hosts per canary host. */
const STABLE_HOSTS = 4;

/** Factors of the lognormal that a request varies by: 4096 equally likely quantiles' midpoints. */
const VARIATION = Float32Array.from({ length: 4096 }, (_, i) => Math.exp(REQUEST_SPREAD * normalQuantile((i + 0.5) / 4096)));

/** Normal quantile by bisection of the error function's series; only used to fill the table. */
function normalQuantile(p: number): number {
  let low = -6;
  let high = 6;
  for (let i = 0; i < 50; i++) {
    const mid = (low + high) / 2;
    if (cdf(mid) < p) low = mid;
    else high = mid;
  }
  return (low + high) / 2;
}
function cdf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 200 && Math.abs(term) > 1e-17; n++) {
    term *= (x * x) / (2 * n + 1);
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

/** A number that tells scenario and seed apart from all others. */
function streamOf(scenario: Scenario, seed: number): number {
  let h = 2166136261;
  for (const c of `${scenario}/${seed}`) h = Math.imul(h ^ c.charCodeAt(0), 16777619);
  return h >>> 0;
}

/** Load by minute: a random 5-hour stretch (as long as the run, when that is longer), interpolated, clipped to 0.15 to 4. */
function loadOf(data: GeneratorData, minutes: number, random: Random): Float64Array {
  const length = Math.max(60, Math.ceil(minutes / 5) + 1);
  const start = random.below(data.load.length - length);
  return Float64Array.from({ length: minutes }, (_, minute) => {
    const at = start + Math.floor(minute / 5);
    const part = (minute % 5) / 5;
    const value = (data.load[at] ?? 1) * (1 - part) + (data.load[at + 1] ?? 1) * part;
    return Math.min(4, Math.max(0.15, value));
  });
}

/** p99 of all sites together at mean load on hosts of factor 1, in seconds; every request's work at every site, with its variation at its mean. */
export function referenceP99(data: GeneratorData): number {
  const all: { value: number; weight: number }[] = [];
  for (const site of SITES) for (let i = 0; i < data.work.length; i += 4) all.push({ value: (data.work[i] ?? 0) * site.base * (VARIATION[(i * 2654435761) & 4095] ?? 1), weight: site.weight });
  all.sort((a, b) => b.value - a.value);
  let above = all.reduce((sum, x) => sum + x.weight, 0) * 0.01;
  for (const x of all) if ((above -= x.weight) <= 0) return x.value;
  return 0;
}

/** Mean of draws of the ratio between virtual machines. */
function hostFactor(data: GeneratorData, count: number, random: Random): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += data.vmRatios[random.below(data.vmRatios.length)] ?? 1;
  return sum / count;
}

/** One hour of history: how many requests, and the mean of their logarithms as the mean of that many draws has it. */
function historyBlock(data: GeneratorData, perHour: number, factor: number, random: Random): HistoryBlock {
  const requests = Math.max(2, random.poisson(perHour));
  return { requests, logMean: data.logMean + Math.log(factor) + (data.logSd / Math.sqrt(requests)) * random.normal(), logSd: data.logSd };
}

/** What every run of one process shares. */
export function makeGenerator(data: GeneratorData): (scenario: Scenario, seed: number, minutes?: number) => Trace {
  const reference = referenceP99(data);
  return (scenario, seed, minutes = minutesOf(scenario)) => generate(data, reference, scenario, seed, minutes);
}

function generate(data: GeneratorData, reference: number, scenario: Scenario, seed: number, minutes: number): Trace {
  const random = new Random(streamOf(scenario, seed));
  const plan = planOf(scenario, random);
  const load = loadOf(data, minutes, random);
  const share = Float64Array.from({ length: minutes }, (_, m) => CANARY_SHARES[Math.min(3, Math.floor((m * 4) / minutes))] ?? 0.5);
  const factors = SITES.map((s) => [hostFactor(data, s.pods, random), hostFactor(data, STABLE_HOSTS * s.pods, random)] as const);
  const sites: TraceSite[] = SITES.map((s, i) => {
    const perHour = REQUESTS_PER_MINUTE * 60 * s.weight;
    const [canary, stable] = factors[i] ?? [1, 1];
    const history = Array.from({ length: HISTORY_HOURS }, () => {
      // What both kinds of host share in that hour cancels in their difference, so only that is drawn.
      const canaryHosts = historyBlock(data, perHour / (STABLE_HOSTS + 1), canary * s.base, random);
      return { canaryHosts, stableHosts: historyBlock(data, (perHour * STABLE_HOSTS) / (STABLE_HOSTS + 1), stable * s.base, random) };
    });
    return { name: s.name, weight: s.weight, cloud: s.cloud, canaryPods: s.pods, stablePods: STABLE_HOSTS * s.pods, history };
  });

  const cells = SITES.length * minutes * 2;
  const trace: Trace = {
    seed, scenario, minutes, sites, share,
    requests: new Int32Array(cells), errors: new Int32Array(cells), offsets: new Int32Array(cells + 1), latencies: new Float32Array(0),
    reported: new Uint8Array(cells), dark: new Uint8Array(SITES.length * minutes),
    onset: plan.onset, badSites: plan.badSites.map((i) => SITES[i]?.name ?? ""), referenceP99: reference,
  };
  let room = new Float32Array(Math.ceil(REQUESTS_PER_MINUTE * 1.1 * load.reduce((a, b) => a + b, 0)) + 4096);
  let used = 0;
  for (let site = 0; site < SITES.length; site++) {
    const s = SITES[site];
    if (!s) continue;
    let noise = (0.03 / Math.sqrt(1 - 0.8 ** 2)) * random.normal();
    for (let minute = 0; minute < minutes; minute++) {
      noise = 0.8 * noise + 0.03 * random.normal();
      const now = load[minute] ?? 1;
      const incident = plan.incident !== null && minute >= plan.incident.from && minute < plan.incident.to;
      const shared = s.base * Math.exp(noise) * (1 + 0.15 * (now - 1)) * (incident ? 2 : 1);
      const cut = (plan.dark[site] ?? []).some((d) => minute >= d.from && minute < d.to);
      trace.dark[site * minutes + minute] = cut ? 1 : 0;
      for (const arm of [0, 1] as const) {
        const cell = cellOf(trace, site, minute, arm);
        const isCanary = arm === CANARY;
        const part = share[minute] ?? 0;
        const n = random.poisson(REQUESTS_PER_MINUTE * now * s.weight * (isCanary ? part : 1 - part));
        const factor = shared * (factors[site]?.[arm] ?? 1) * (isCanary ? plan.latency(site, minute) : 1);
        const errorRate = Math.min(1, (incident ? INCIDENT_ERROR_RATE : BASE_ERROR_RATE) * (isCanary ? plan.errors(site, minute) : 1));
        if (used + n > room.length) {
          const larger = new Float32Array(room.length * 2);
          larger.set(room);
          room = larger;
        }
        trace.offsets[cell] = used;
        for (let i = 0; i < n; i++) {
          // 20 bits choose the request, 12 its variation.
          const bits = random.bits();
          room[used + i] = (data.work[((bits >>> 12) * data.work.length * 2 ** -20) | 0] ?? 0) * factor * (VARIATION[bits & 4095] ?? 1);
        }
        if (isCanary && plan.tail > 0) {
          const from = used;
          random.successes(n, plan.tail, (i) => {
            room[from + i] = (room[from + i] ?? 0) * 4;
          });
        }
        used += n;
        trace.offsets[cell + 1] = used;
        trace.requests[cell] = n;
        trace.errors[cell] = random.successes(n, errorRate);
        trace.reported[cell] = cut || (isCanary && plan.silent(site, minute)) ? 0 : 1;
      }
    }
  }
  trace.latencies = room.slice(0, used);
  return trace;
}
