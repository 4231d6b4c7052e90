import { Random } from "../random";
import { CANARY, STABLE, type Arm, type Trace, cellOf } from "../trace";

/** All sites' reported requests of some minutes as one sample: what engines see that don't know of sites. */
export interface Pool {
  requests: number;
  errors: number;
  latencies: Float32Array;
}

/** Requests of one arm in minutes [from, to), of the sites that reported. */
export function poolOf(trace: Trace, arm: Arm, from: number, to: number): Pool {
  let requests = 0;
  let errors = 0;
  const parts: Float32Array[] = [];
  for (let site = 0; site < trace.sites.length; site++)
    for (let minute = Math.max(0, from); minute < to; minute++) {
      const cell = cellOf(trace, site, minute, arm);
      if (trace.reported[cell] !== 1) continue;
      requests += trace.requests[cell] ?? 0;
      errors += trace.errors[cell] ?? 0;
      parts.push(trace.latencies.subarray(trace.offsets[cell], trace.offsets[cell + 1]));
    }
  const latencies = new Float32Array(requests);
  let at = 0;
  for (const p of parts) {
    latencies.set(p, at);
    at += p.length;
  }
  return { requests, errors, latencies };
}

/** Quantile 0 to 1 of a pool's latencies (nearest rank); NaN of nothing. */
export function quantileOf(pool: Pool, q: number): number {
  const order = pool.latencies.slice().sort();
  return order.length === 0 ? NaN : (order[Math.min(order.length - 1, Math.ceil(order.length * q) - 1)] ?? NaN);
}

/**
 * A baseline of the canary's size: per site and minute as many of stable's requests as the canary had. They are drawn
 * independently, so the first ones are as good as any; errors are dealt among them at random, from the trace's seed.
 */
export function baselineOf(trace: Trace, minute: number): Pool {
  const random = new Random((Math.imul(trace.seed, 7919) ^ Math.imul(minute + 1, 104_729)) >>> 0);
  const parts: Float32Array[] = [];
  let requests = 0;
  let errors = 0;
  for (let site = 0; site < trace.sites.length; site++) {
    const cell = cellOf(trace, site, minute, STABLE);
    if (trace.reported[cell] !== 1) continue;
    const all = trace.requests[cell] ?? 0;
    const n = Math.min(all, trace.requests[cellOf(trace, site, minute, CANARY)] ?? 0);
    const from = trace.offsets[cell] ?? 0;
    parts.push(trace.latencies.subarray(from, from + n));
    let bad = trace.errors[cell] ?? 0;
    for (let i = 0; i < n && bad > 0; i++)
      if (random.below(all - i) < bad) {
        errors++;
        bad--;
      }
    requests += n;
  }
  const latencies = new Float32Array(requests);
  let at = 0;
  for (const p of parts) {
    latencies.set(p, at);
    at += p.length;
  }
  return { requests, errors, latencies };
}
