import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addCounts, ageText, intervalOf, livenessOf, noCounts, nodeStateOf, siteStateOf, totalOf, unitStateOf, workloadStateOf } from "./index";
import type { Counts, Liveness, UnitFacts } from "./index";

const live: Liveness = { contact: "live", silentSinceMs: null, silentAtMs: 200_000 };
const silent: Liveness = { contact: "silent", silentSinceMs: 40_000, silentAtMs: null };
const observed = (phase: string, health = "healthy", generation = 1, message = "") => ({ generation, phase, health, restarts: 3, exitCode: null, message, sinceMs: 50_000 });
const unit = (o: Partial<UnitFacts>): UnitFacts => ({ desired: "run", generation: 1, sinceMs: 10_000, observed: observed("running"), liveness: live, nowMs: 100_000, ...o });
const counts = (o: Partial<Counts>): Counts => ({ ...noCounts, ...o });

describe("liveness", () => {
  const at = (lastSeenMs: number | null, connected = true) => livenessOf({ connected, lastSeenMs, nowMs: 100_000, silentAfterMs: 45_000 }).contact;
  it.each([[null, "never"], [100_000, "live"], [55_001, "live"], [55_000, "silent"], [0, "silent"]] as const)("last seen at %s is %s", (seen, contact) => expect(at(seen)).toBe(contact));
  // Guarantee: a connection alone proves nothing: a blackholed socket is silent, and a lost one is not silent at once.
  it("goes by what was heard, not by the socket", () => {
    expect(at(0, true)).toBe("silent");
    expect(at(99_000, false)).toBe("live");
  });
});

describe("states of a unit", () => {
  it.each<[string, Partial<UnitFacts>, string, RegExp]>([
    ["serves", {}, "healthy", /health check passes/],
    ["serves without a check", { observed: observed("running", "unknown") }, "healthy", /no health check/],
    ["its check fails", { observed: observed("running", "unhealthy", 1, "503 from /health") }, "failing", /check fails. 503 from \/health\./],
    ["its check has not passed yet", { observed: observed("running", "starting") }, "pending", /not passed yet/],
    ["keeps failing", { observed: observed("backoff", "unknown") }, "failing", /3 restarts/],
    ["failed", { observed: { ...observed("failed", "unknown"), exitCode: 2 } }, "failing", /exit code 2/],
    ["ran to completion", { observed: observed("succeeded", "unknown") }, "healthy", /completion/],
    ["fetches", { observed: observed("fetching", "unknown") }, "pending", /fetching/],
    ["was not heard of yet", { observed: null }, "pending", /Waiting for the agent/],
    ["waits for a node that never came", { observed: null, liveness: { contact: "never", silentSinceMs: null, silentAtMs: null } }, "pending", /not connected/],
    ["is updating", { generation: 2 }, "healthy", /^Asked for r2, running r1 until/],
    ["can't take the new revision", { generation: 2, incoming: { generation: 2, phase: "running", health: "unhealthy", message: "no model" } }, "degraded", /r1 goes on serving. No model/],
    ["is asked to stop", { desired: "stop" }, "pending", /Asked to stop/],
    ["is stopped", { desired: "stop", observed: observed("stopped", "unknown") }, "pending", /taken off/],
    ["its node is silent", { liveness: silent }, "silent", /silent for 1 min; it was healthy/],
    ["its node is silent, and it failed before", { liveness: silent, observed: observed("backoff") }, "silent", /it was backoff/],
  ])("%s", (_what, o, state, because) => expect(unitStateOf(unit(o))).toMatchObject({ state, because: expect.stringMatching(because) as string }));

  // Guarantee: what is silent is never shown as healthy nor as failing, whatever was said before.
  it("never calls silence health or failure", () => {
    fc.assert(fc.property(fc.constantFrom("run" as const, "stop" as const), fc.option(fc.constantFrom("running", "failed", "backoff", "succeeded", "stopped"), { nil: null }), fc.constantFrom("healthy", "unhealthy", "unknown"), (desired, phase, health) => unitStateOf(unit({ desired, liveness: silent, observed: phase === null ? null : observed(phase, health) })).state === "silent"));
  });
});

describe("counts as intervals", () => {
  // Guarantee: "41 to 57 of 60": what is silent widens the interval and never counts as known.
  it("is as wide as the silence", () => {
    expect(intervalOf(counts({ healthy: 41, silent: 16, silentWasHealthy: 16, failing: 3, asOfMs: 5 }))).toEqual({ min: 41, max: 57, total: 60, asOfMs: 5 });
    expect(intervalOf(counts({ healthy: 2, silent: 2, silentWasHealthy: 1 }), 6)).toEqual({ min: 2, max: 3, total: 6, asOfMs: null });
  });
  it("adds up in any order, and keeps min <= max <= total", () => {
    const any = fc.record({ healthy: fc.nat(9), degraded: fc.nat(9), failing: fc.nat(9), silent: fc.nat(9), pending: fc.nat(9) }).map((c): Counts => ({ ...c, silentWasHealthy: Math.floor(c.silent / 2), asOfMs: c.silent ? c.healthy * 10 : null }));
    fc.assert(
      fc.property(any, any, any, (a, b, c) => {
        expect(addCounts(addCounts(a, b), c)).toEqual(addCounts(a, addCounts(c, b)));
        const i = intervalOf(addCounts(a, b));
        expect(i.min).toBeLessThanOrEqual(i.max);
        expect(i.max).toBeLessThanOrEqual(totalOf(addCounts(a, b)));
      }),
    );
  });
});

describe("states of nodes, sites and workloads", () => {
  const node = (o: Partial<Parameters<typeof nodeStateOf>[0]>) => nodeStateOf({ desiredState: "active", liveness: live, lastSeenMs: 90_000, units: noCounts, generation: { desired: 1, applied: 1 }, nowMs: 100_000, ...o });
  it.each([
    ["well", {}, "healthy", /no units/],
    ["behind", { generation: { desired: 5, applied: 4 } }, "healthy", /applies generation 5/],
    ["cordoned", { desiredState: "cordoned" as const }, "healthy", /no new units/],
    ["with one bad unit", { units: counts({ healthy: 1, failing: 1 }) }, "degraded", /1 unit of 2 is not well/],
    ["with only bad units", { units: counts({ failing: 2 }) }, "failing", /all 2 units fail/],
    ["silent", { liveness: silent, units: counts({ silent: 2 }) }, "silent", /1 min/],
    ["never seen", { liveness: { contact: "never" as const, silentSinceMs: null, silentAtMs: null } }, "pending", /not connected/],
    ["gone", { desiredState: "decommissioned" as const, liveness: silent }, "pending", /Decommissioned/],
  ])("a node is %s", (_what, o, state, because) => expect(node(o)).toMatchObject({ state, because: expect.stringMatching(because) as string }));

  it.each([
    ["empty", noCounts, "pending"],
    ["well", counts({ healthy: 3 }), "healthy"],
    ["partly silent", counts({ healthy: 2, silent: 1, asOfMs: 1 }), "degraded"],
    ["cut off", counts({ silent: 3, asOfMs: 1 }), "silent"],
    ["failing", counts({ failing: 2 }), "failing"],
    ["new", counts({ pending: 2 }), "pending"],
  ])("a site is %s", (_what, nodes, state) => expect(siteStateOf(nodes, noCounts, 100_000).state).toBe(state));

  const workload = (wanted: number, units: Partial<Counts>, unplaced = 0) => workloadStateOf({ wanted, units: counts(units), unplaced: { count: unplaced, because: unplaced ? "No node can take it: 3 are silent." : null }, behind: 0, nowMs: 100_000 });
  it.each([
    ["all serve", workload(3, { healthy: 3 }), "healthy", /All 3 units serve/],
    ["one fails", workload(3, { healthy: 2, failing: 1 }), "degraded", /2 of 3 serve; 1 unit of 3 fails/],
    ["all fail", workload(2, { failing: 2 }), "failing", /0 of 2/],
    ["some are silent", workload(3, { healthy: 2, silent: 1, asOfMs: 40_000 }), "degraded", /1 unit on silent nodes, for 1 min/],
    ["all are silent", workload(2, { silent: 2, asOfMs: 40_000 }), "silent", /silent nodes/],
    ["one has no node, others are silent", workload(3, { healthy: 1, silent: 1 }, 1), "degraded", /No node can take it: 3 are silent; 1 unit on silent nodes, for [^;.]+\.$/],
    ["one has no node", workload(3, { healthy: 2 }, 1), "degraded", /1 unit of 3 found no node: No node can take it/],
    ["nothing has a node", workload(1, {}, 1), "failing", /found no node/],
    ["starting", workload(2, { pending: 2 }), "pending", /2 units starting/],
    ["none asked for", workload(0, {}), "healthy", /No unit is asked for/],
    ["the rest still stops", workload(0, { healthy: 1 }), "pending", /still to stop/],
  ])("a workload of which %s", (_what, view, state, because) => expect(view).toMatchObject({ state, because: expect.stringMatching(because) as string }));
});

it.each([[0, "less than 1 s"], [59_999, "59 s"], [60_000, "1 min"], [3_599_999, "59 min"], [3_600_000, "1 h"], [86_400_000, "1 d"]])("an age of %i ms is %s", (ms, text) => expect(ageText(ms)).toBe(text));
