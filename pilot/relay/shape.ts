import type { Random } from "../digits/random";

/** How a simulated link behaves, one way. `lossPercent` is of segments; `bandwidthMbps` 0 is unlimited. */
export type LinkShape = { readonly latencyMs: number; readonly jitterMs: number; readonly lossPercent: number; readonly bandwidthMbps: number };

/** Payload of one TCP segment on an Ethernet path, in bytes: what is lost is lost in pieces of this size. */
export const SEGMENT_BYTES = 1_460;
/** A sender notices a lost segment by its retransmission timer, which RFC 6298 bounds below; Linux uses 200 ms. */
export const RETRANSMIT_MIN_MS = 200;

/**
 * When bytes that enter one direction of a link now come out of it. TCP hides loss from whoever reads and turns
 * it into delay, so each lost segment stalls all that comes after it by a retransmission time-out.
 *
 * Worked example: 14,600 bytes at 10 Mbit/s and 50 ms: 11.68 ms to send, out 61.68 ms later; with one of its ten
 * segments lost the stall adds max(200, 2 x 50) ms and they come out after 261.68 ms.
 */
export class Direction {
  readonly #shape: LinkShape;
  readonly #random: Random;
  #freeAtMs = 0;
  #stalls = 0;

  constructor(shape: LinkShape, random: Random) {
    this.#shape = shape;
    this.#random = random;
  }

  /** How many segments were lost since the start, and stalled what came after them. */
  get stalls(): number {
    return this.#stalls;
  }

  /**
   * Time of arrival of `bytes` entering at `nowMs`; `notBeforeMs` is the arrival of what the same connection sent
   * before, which they never overtake. The direction's bandwidth is shared by all its connections.
   */
  arrivalMs(bytes: number, nowMs: number, notBeforeMs: number): number {
    const { latencyMs, jitterMs, lossPercent, bandwidthMbps } = this.#shape;
    const sendMs = bandwidthMbps > 0 ? (bytes * 8) / (bandwidthMbps * 1_000) : 0;
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + sendMs;
    let stallMs = 0;
    for (let segment = 0; segment < Math.ceil(bytes / SEGMENT_BYTES); segment += 1) {
      if (this.#random() * 100 >= lossPercent) continue;
      stallMs += Math.max(RETRANSMIT_MIN_MS, 2 * latencyMs);
      this.#stalls += 1;
    }
    const jitter = jitterMs * (2 * this.#random() - 1);
    return Math.max(notBeforeMs, this.#freeAtMs + Math.max(0, latencyMs + jitter) + stallMs);
  }
}
