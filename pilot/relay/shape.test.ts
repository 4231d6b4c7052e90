import { describe, expect, it } from "vitest";
import { seededRandom } from "../digits/random";
import { Direction, SEGMENT_BYTES, type LinkShape } from "./shape";

const shape: LinkShape = { latencyMs: 50, jitterMs: 0, lossPercent: 0, bandwidthMbps: 10 };

describe("a direction of a simulated link", () => {
  // Guarantee: delay is the time to send at the link's bandwidth plus its latency.
  it("adds sending time and latency", () => {
    const way = new Direction(shape, () => 0.999);
    expect(way.arrivalMs(14_600, 1_000, 0)).toBeCloseTo(1_061.68, 6);
  });

  it("stalls by a retransmission time for each lost segment", () => {
    const draws = [0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5];
    const way = new Direction({ ...shape, lossPercent: 1 }, () => draws.shift() as number);
    expect(way.arrivalMs(14_600, 0, 0)).toBeCloseTo(261.68, 6);
    expect(way.stalls).toBe(1);
  });

  // Guarantee: connections share a link's bandwidth, and bytes of one connection never overtake each other.
  it("shares bandwidth and keeps order, for any jitter", () => {
    const way = new Direction({ ...shape, jitterMs: 50, lossPercent: 5 }, seededRandom(9));
    let last = 0;
    for (let piece = 0; piece < 500; piece += 1) {
      const at = way.arrivalMs(SEGMENT_BYTES, piece * 0.1, last);
      expect(at).toBeGreaterThanOrEqual(last);
      last = at;
    }
    // 500 segments of 1,460 bytes take 584 ms at 10 Mbit/s, however fast they were offered.
    expect(last).toBeGreaterThanOrEqual(584);
  });

  it("does not delay by bandwidth when it is unlimited", () => {
    const way = new Direction({ ...shape, bandwidthMbps: 0 }, () => 0.999);
    expect(way.arrivalMs(1_000_000, 0, 0)).toBe(50);
  });
});
