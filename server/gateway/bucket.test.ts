import { describe, expect, it } from "vitest";
import { Bucket, Buckets } from "./bucket";
import { Gate } from "./gate";
import { readRange } from "./requests";

describe("a token bucket", () => {
  // Guarantee: so many at once, so many a second for long, whatever the clock does.
  it("gives its burst at once, then its rate", () => {
    const bucket = new Bucket(10, 3, 0);
    expect([1, 2, 3, 4].map(() => bucket.take(0))).toEqual([true, true, true, false]);
    expect(bucket.waitMs(0)).toBe(100);
    expect(bucket.take(99)).toBe(false);
    expect(bucket.take(100)).toBe(true);
    expect([1, 2, 3, 4].map(() => bucket.take(60_000))).toEqual([true, true, true, false]);
  });
  it("gives nothing for a clock that is set back", () => {
    const bucket = new Bucket(10, 1, 1_000);
    expect([bucket.take(1_000), bucket.take(0), bucket.take(50), bucket.take(100)]).toEqual([true, false, false, true]);
  });
  it("is kept for each key, and the number of keys is bounded", () => {
    const buckets = new Buckets(1, 1);
    expect([buckets.take("a", 0), buckets.take("a", 0), buckets.take("b", 0)]).toEqual([true, false, true]);
    for (let i = 0; i < 25_000; i++) buckets.take(`key ${i}`, 0);
    expect(buckets.size).toBeLessThanOrEqual(10_000);
  });
});

describe("a gate", () => {
  it("lets so many work at once, the others in order, and goes on after one that fails", async () => {
    const gate = new Gate(2);
    let now = 0;
    let most = 0;
    const order: number[] = [];
    const results = await Promise.allSettled(
      [0, 1, 2, 3, 4, 5].map((i) =>
        gate.run(async () => {
          most = Math.max(most, ++now);
          order.push(i);
          await new Promise((resolve) => setImmediate(resolve));
          now--;
          if (i === 1) throw new Error("failed");
          return i;
        }),
      ),
    );
    expect([most, order, results.map((r) => r.status).filter((s) => s === "rejected").length]).toEqual([2, [0, 1, 2, 3, 4, 5], 1]);
  });
});

describe("a range", () => {
  it.each([
    [undefined, null],
    ["bytes=0-", { from: 0, to: 100 }],
    ["bytes=5-9", { from: 5, to: 10 }],
    ["bytes=99-", { from: 99, to: 100 }],
    ["bytes=50-1000", { from: 50, to: 100 }],
    ["bytes=100-", "unsatisfiable"],
    ["bytes=9-5", "unsatisfiable"],
    ["bytes=-5", null],
    ["bytes=0-1,5-6", null],
    ["lines=0-", null],
    ["bytes=99999999999999999999-", null],
  ])("%s of 100 bytes is %o", (header, range) => expect(readRange(header, 100)).toEqual(range));
});
