import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkStrategy } from "../manifest/check-strategy";
import { rolloutStrategySpec, type RolloutStep, type RolloutWindow } from "../manifest/rollout";
import { doubtOf } from "./classify";
import { divideConsents, stillNeeded, type Consent } from "./consent";
import { activeWaves } from "./graph";
import { lintPlan } from "./lint";
import { proofOf, type ReceiptFacts } from "./proof";
import { planRollout } from "./steps";
import { asked, planOf, progressAt, snapshotOf, strategyOf, targetsOf } from "./testing";
import { nextOpening, windowOpen } from "./windows";

const all = { do: "update", percent: 100 } as const;
const MINUTE = 60_000;
const at = (text: string): number => Date.parse(text);

describe("windows", () => {
  const night: RolloutWindow[] = [{ days: ["mon"], from: "22:00", to: "02:00", zone: "site" }];
  it.each([
    ["2026-11-23T21:30:00Z", "Europe/Berlin", true], // Monday 22:30 there
    ["2026-11-23T20:30:00Z", "Europe/Berlin", false],
    ["2026-11-24T00:30:00Z", "Europe/Berlin", true], // Tuesday 01:30: the night of Monday
    ["2026-11-24T01:00:00Z", "Europe/Berlin", false],
    ["2026-11-24T05:30:00Z", "America/New_York", true], // Tuesday 00:30 there
    ["2026-11-23T21:30:00Z", "UTC", false],
  ])("at %s in %s the night of Monday is open: %s", (moment, zone, open) => expect(windowOpen(night, zone, at(moment))).toBe(open));
  it("opens next in the zone's own time, across a clock change", () => {
    expect(nextOpening(night, "Europe/Berlin", at("2026-11-21T12:00:00Z"))).toBe(at("2026-11-23T21:00:00Z"));
    // Germany leaves summer time on 25 October 2026.
    expect(nextOpening([{ from: "22:00", to: "23:00", zone: "Europe/Berlin" }], "UTC", at("2026-10-24T21:30:00Z"))).toBe(at("2026-10-25T21:00:00Z"));
  });
  // Guarantee: what is said to be the next opening is open, and the minute before it is not.
  it("agrees with itself, for any window, zone and moment", () => {
    const clock = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom(0, 15, 30, 45)).map(([h, m]) => `${String(h).padStart(2, "0")}:${String(m).padStart(2, "0")}`);
    const window = fc.record({ from: clock, to: clock, zone: fc.constantFrom("site", "UTC"), days: fc.option(fc.subarray(["mon", "wed", "sat"] as const, { minLength: 1 }).map((d) => [...d]), { nil: undefined }) });
    fc.assert(
      fc.property(window, fc.constantFrom("Europe/Berlin", "America/New_York", "Asia/Kolkata"), fc.integer({ min: 0, max: 365 * 24 * 60 }), (w, zone, minute) => {
        const windows = [w as RolloutWindow];
        const now = at("2026-01-01T00:00:00Z") + minute * MINUTE;
        const next = nextOpening(windows, zone, now);
        if (w.from === w.to) return next === null;
        return next !== null && windowOpen(windows, zone, next) && (next === now || !windowOpen(windows, zone, next - MINUTE));
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});

describe("waves as a graph", () => {
  const spec = strategyOf([
    { name: "a", steps: [all], offline: "wait" },
    { name: "b", steps: [all], offline: "wait", after: ["a"] },
    { name: "c", steps: [{ do: "approval", name: "go", expires: "1h" }, all], offline: "wait", after: ["a"] },
    { name: "d", steps: [all], offline: "wait", after: ["b", "c"] },
  ]);
  const plan = planOf(spec, [1, 1, 1, 1]);
  it("works on waves beside each other, and joins them", () => {
    expect(activeWaves(spec, progressAt(plan, 0).waves)).toEqual([0]);
    expect(activeWaves(spec, progressAt(plan, 1).waves)).toEqual([1, 2]);
    expect(activeWaves(spec, progressAt(plan, 2).waves)).toEqual([2]);
    expect(activeWaves(spec, progressAt(plan, 3).waves)).toEqual([3]);
  });
  it("goes on with one branch while another waits at its gate, and never past the gate", () => {
    const progress = progressAt(plan, 1);
    progress.waves[2] = { step: 0, startedAtMs: 1_000 };
    const d = planRollout(snapshotOf(plan, { progress }));
    expect(asked(d.actions)).toEqual(["u-1-000"]);
    expect(d.actions.filter((a) => a.do === "requestApproval")).toHaveLength(1);
    expect(d.actions.some((a) => a.do === "transition")).toBe(false);
  });
  it("does not wait for a wave that does not block, and does not end without it", () => {
    const free = strategyOf([{ name: "a", steps: [all], offline: "wait", blocking: false }, { name: "b", steps: [all], offline: "wait" }]);
    const p = planOf(free, [1, 1]);
    expect(activeWaves(free, progressAt(p, 0).waves)).toEqual([0, 1]);
    const done = targetsOf(p).map((t) => (t.wave === 1 ? { ...t, desiredGeneration: 2, observedGeneration: 2 } : t));
    const progress = progressAt(p, 0);
    progress.waves[1] = { step: 1, startedAtMs: 1 };
    expect(planRollout(snapshotOf(p, { targets: done, progress })).actions).toMatchObject([{ do: "setGeneration", unit: "u-0-000" }]);
  });
  it("refuses circles, unknown waves and windows that never open, and names the field", () => {
    const wave = (name: string, more: object): object => ({ name, selector: "true", steps: [all], ...more });
    const problems = checkStrategy(rolloutStrategySpec.parse({ waves: [wave("a", { after: ["b"] }), wave("b", { after: ["a", "nowhere"] }), wave("c", { windows: [{ from: "08:00", to: "08:00" }] })] }));
    expect(problems.map((p) => p.path.join("."))).toEqual(expect.arrayContaining(["spec.waves", "spec.waves.1.after.1", "spec.waves.2.windows.0.to"]));
  });
});

describe("limits on asking", () => {
  const steps: RolloutStep[] = [all];
  it("keeps to the limit by site and in all", () => {
    const plan = planOf(strategyOf([{ name: "w", steps, offline: "wait" }], { maxUnavailable: 10, concurrency: { perSite: 1, total: 3 } }), [10]);
    const targets = targetsOf(plan).map((t, i) => ({ ...t, site: `site-${i % 2}` }));
    expect(asked(planRollout(snapshotOf(plan, { targets })).actions)).toHaveLength(2);
    const spread = targets.map((t, i) => ({ ...t, site: `site-${i}` }));
    expect(asked(planRollout(snapshotOf(plan, { targets: spread })).actions)).toHaveLength(3);
  });
  // Guarantee: a node is asked for no more than it has; breaking the glass makes no room.
  it("asks no unit for a larger revision without room for it, and of one node only one at a time", () => {
    const plan = planOf(strategyOf([{ name: "w", steps, offline: "wait" }], { maxUnavailable: 10 }), [5]);
    const targets = targetsOf(plan).map((t, i) => ({ ...t, node: i < 3 ? "big" : `n-${i}`, ...(i === 0 ? {} : { room: i === 4 ? "n-4 has less room than r2 asks for" : null }) }));
    for (const breakGlass of [false, true]) {
      const d = planRollout(snapshotOf(plan, { targets, breakGlass }));
      expect(asked(d.actions)).toEqual(["u-0-000", "u-0-001", "u-0-003"]);
      expect(d.because.join(" ")).toContain("n-4 has less room than r2 asks for (1 unit waits).");
    }
  });
  it("asks nobody outside the window of the unit's own site, and looks again when it opens", () => {
    const plan = planOf(strategyOf([{ name: "w", steps, offline: "wait" }], { maxUnavailable: 5, windows: [{ from: "22:00", to: "23:00", zone: "site" }] }), [2]);
    const targets = targetsOf(plan).map((t, i) => ({ ...t, site: i === 0 ? "berlin" : "london" }));
    const nowMs = at("2026-11-23T21:30:00Z");
    const d = planRollout(snapshotOf(plan, { nowMs, targets, zones: { berlin: "Europe/Berlin", london: "Europe/London" }, plan: { ...plan, window: { fromMs: 0, toMs: nowMs * 2 } } }));
    expect(asked(d.actions)).toEqual(["u-0-000"]);
    expect(d.because.join(" ")).toContain("Site london is outside its window");
  });
  it("takes a cut off site for no evidence, and a unit that vanished beside live neighbours for lost", () => {
    const plan = planOf(strategyOf([{ name: "w", steps: [{ do: "update", percent: 50 }], offline: "skip" }], { silenceDeadline: "5m", maxUnavailable: 5 }), [4]);
    const one = (neighbourSilent: boolean) => targetsOf(plan).map((t, i) => (i === 0 ? { ...t, desiredGeneration: 2, silent: true, aliveWhenAsked: true, askedAtMs: 0, lastSeenMs: 1_000 } : { ...t, silent: neighbourSilent }));
    const command = (neighbourSilent: boolean) => planRollout(snapshotOf(plan, { nowMs: 10 * MINUTE, targets: one(neighbourSilent) })).actions.find((a) => a.do === "transition");
    expect(command(false)).toMatchObject({ command: "fail", reason: expect.stringContaining("1 of 4 units fell silent after they were asked for r2") });
    expect(command(true)).toBeUndefined();
  });
});

describe("consents", () => {
  const person = (by: string, ...roles: string[]): Consent => ({ byId: by, by, roles });
  const groups = [{ name: "owners", people: ["ann", "bob"], count: 1 }, { name: "anyone", roles: ["approver" as const], count: 1 }];
  it("seats whoever can stand for one group only before whoever could stand for both", () => {
    expect(divideConsents(groups, [person("ann", "approver"), person("cid", "approver")]).complete).toBe(true);
    expect(divideConsents(groups, [person("cid", "approver"), person("ann", "approver")]).complete).toBe(true);
    expect(divideConsents(groups, [person("ann", "approver")])).toMatchObject({ complete: false });
    expect(stillNeeded(groups, divideConsents(groups, [person("cid", "approver")]).given)).toBe("1 of owners (ann or bob)");
  });
  // Guarantee: a person stands for a named place by their login alone, never by a name that they chose.
  it("knows people by their login", () => {
    const called = (login: string): Consent => ({ byId: login, by: "ann", login, roles: ["approver"] });
    expect(divideConsents(groups.slice(0, 1), [called("mallory")]).complete).toBe(false);
    expect(divideConsents(groups.slice(0, 1), [{ ...called("ann"), by: "Ann Example" }]).complete).toBe(true);
  });
  // Guarantee: one person never fills two places, and the order of consents changes nothing.
  it("is complete only with as many people as places, in any order", () => {
    const people = fc.uniqueArray(fc.constantFrom("ann", "bob", "cid", "dee"), { maxLength: 4 });
    fc.assert(
      fc.property(people, fc.integer({ min: 1, max: 3 }), (names, count) => {
        const asks = [{ ...groups[0]!, count: 1 }, { ...groups[1]!, count }];
        const forward = divideConsents(asks, names.map((n) => person(n, "approver"))).complete;
        expect(divideConsents(asks, [...names].reverse().map((n) => person(n, "approver"))).complete).toBe(forward);
        expect(forward).toBe(names.length >= count + 1 && names.some((n) => n === "ann" || n === "bob"));
      }),
      { numRuns: 200, seed: 3 },
    );
  });
});

describe("what is proven of a target", () => {
  const plan = planOf(strategyOf([{ name: "w", steps: [all], offline: "wait" }]), [1]);
  const target = targetsOf(plan)[0]!;
  const back = { generation: 1, digest: "sha256:a", back: true };
  const receipt = (over: Partial<ReceiptFacts>): ReceiptFacts => ({ number: 1, unit: "u", assignmentId: "a", generation: 1, digest: "sha256:a", what: "returned", cause: "deadline", atMs: 1, ...over });
  it.each([
    ["a receipt that names generation and digest", target, [receipt({})], null, "proven"],
    ["the newest receipt, not an older one", target, [receipt({}), receipt({ number: 2, generation: 2, digest: "sha256:b", what: "switched" as const })], null, "notProven"],
    ["a receipt of another digest", target, [receipt({ digest: "sha256:x" })], null, "notProven"],
    ["a receipt that the agent's report contradicts", { ...target, observedGeneration: 2 }, [receipt({})], null, "notProven"],
    ["silence after it was armed", { ...target, silent: true, observedGeneration: 2 }, [], { state: "armed" as const, returnAtMs: 5 }, "silentArmed"],
    ["silence, never armed", { ...target, silent: true, observedGeneration: 2 }, [], null, "notProven"],
    ["a report alone", target, [], null, "notProven"],
  ])("%s", (_, t, receipts, said, state) => expect(proofOf(t, back, receipts, said, 10).state).toBe(state));
});

describe("an agent's word", () => {
  const digests = new Map([[2, "sha256:b"]]);
  const claim = { generation: 2, digest: "sha256:b", healthy: true, sinceMs: 0 };
  it.each([
    ["is taken where nothing speaks against it", claim, { minutes: 5, byGeneration: { 2: 50 }, busyNeighbours: 9 }, null],
    ["is doubted with another digest", { ...claim, digest: "sha256:x" }, null, /names the digest of something else/],
    ["is doubted when another revision answers", claim, { minutes: 1, byGeneration: { 1: 3, 2: 9 }, busyNeighbours: 0 }, /r1 answered requests since/],
    ["is doubted when it answers nothing among busy neighbours", claim, { minutes: 5, byGeneration: {}, busyNeighbours: 3 }, /answered nothing for 5 minutes/],
    ["is not doubted for idleness where all are idle", claim, { minutes: 5, byGeneration: {}, busyNeighbours: 0 }, null],
  ])("%s", (_, c, served, expected) => (expected === null ? expect(doubtOf(c, digests, served)).toBeNull() : expect(doubtOf(c, digests, served)).toMatch(expected)));
});

describe("lint", () => {
  const edge = { "site-0": { kind: "edge", zone: "UTC" } };
  it("names what a careful person would ask", () => {
    const plan = planOf(strategyOf([{ name: "w", steps: [all], offline: "wait" }]), [6]);
    expect(lintPlan(plan, { nowMs: 0, sites: edge, requestsPerUnitMinute: 10 }).map((f) => f.code)).toEqual(expect.arrayContaining(["nothingMeasured", "nobodyAsked", "noCanary", "noGateBeforeEdge", "noWayBack"]));
  });
  it("finds samples that can't decide in the time given", () => {
    const plan = planOf(strategyOf([{ name: "w", steps: [{ do: "update", count: 1 }, { do: "analysis", template: "t", deadline: "5m" }], offline: "wait" }]), [6]);
    const withTemplate = { ...plan, templates: { t: { digest: "d", spec: { metrics: [{ name: "errors", metric: "errorRate" as const, max: 0.01, minSample: 1_000, onMissing: "hold" as const }], window: "5m" } } } };
    expect(lintPlan(withTemplate, { nowMs: 0, sites: {}, requestsPerUnitMinute: 10 }).find((f) => f.code === "sampleTooSmall")?.message).toContain("serve about 50 requests, and t needs about 1000");
  });
});
