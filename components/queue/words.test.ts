import { describe, expect, it } from "vitest";
import { amountOf, barText, queueSentence, quotaBar, resourceName, shareWords, waitingText, whyUnknown, type QueueItem, type QuotaResource } from "./words";

const item = (o: Partial<QueueItem>): QueueItem => ({ position: 1, workload: "web", priority: 100, quota: null, waiting: 1, replicas: 3, sinceMs: null, blocker: "", unit: null, decision: null, start: null, chain: [], ...o });
const cpu = (o: Partial<QuotaResource>): QuotaResource => ({ resource: "cpuMillis", nominal: 1_000, allocated: 0, waiting: 0, deserved: 0, borrowed: 0, available: 0, borrowingLimit: null, lendingLimit: null, text: "", ...o });

// Guarantee: the queue says how many wait and who is next, and never promises a time that nobody can tell.
describe("the queue in words", () => {
  it("counts units and workloads", () => {
    expect(queueSentence([])).toMatch(/^Nothing waits/);
    expect(queueSentence([item({})])).toBe("1 unit of 1 workload waits for room.");
    expect(queueSentence([item({ waiting: 2 }), item({ workload: "api" })])).toBe("3 units of 2 workloads wait for room; web is next.");
    expect([item({ waiting: 2 }), item({}), item({ replicas: 1 })].map(waitingText)).toEqual(["2 of 3 units wait", "1 of 3 units waits", "1 of 1 unit waits"]);
  });

  it("says why nobody can tell", () => {
    expect(whyUnknown(item({}))).toMatch(/no room is reserved/);
    expect(whyUnknown(item({ start: { earliestMs: 1, latestMs: null, because: "" } }))).toMatch(/how late/);
    expect(whyUnknown(item({ start: { earliestMs: 1, latestMs: 2, because: "" } }))).toBeNull();
  });
});

// Guarantee: the parts of a quota's bar are shares of one length, and the words beside it have the same figures.
describe("a quota's bar", () => {
  it("shows own, borrowed and waiting on one scale", () => {
    const bar = quotaBar(cpu({ allocated: 1_500, borrowed: 500, waiting: 500, deserved: 1_200 }));
    expect(bar).toEqual({ own: 0.5, borrowed: 0.25, waiting: 0.25, nominal: 0.5, deserved: 0.6, end: 2_000 });
    expect(quotaBar(cpu({ nominal: 0 }))).toMatchObject({ own: 0, nominal: 0, end: 0 });
  });

  it("has words for every resource", () => {
    expect(["cpuMillis", "memoryBytes", "diskBytes", "devices", "devices/X100"].map(resourceName)).toEqual(["CPU", "Memory", "Disk", "Devices", "Devices X100"]);
    expect([amountOf("cpuMillis", 1_500), amountOf("memoryBytes", 2.5 * 2 ** 30), amountOf("devices", 1), amountOf("devices/X100", 3)]).toEqual(["1500m", "2.5 GiB", "1", "3"]);
    expect(barText(cpu({ allocated: 1_500, borrowed: 500, waiting: 200, deserved: 1_200 }))).toBe("CPU: 1500m in use of 1000m nominal, 1200m deserved, 500m borrowed, 200m wanted by units that wait");
    expect([shareWords({ share: 0, weight: 1 }), shareWords({ share: 0.125, weight: 2 }), shareWords({ share: null, weight: 0 })]).toEqual(["within nominal", "share 12.5 % (by weight 2)", "borrows with weight 0: it gives back first"]);
  });
});
