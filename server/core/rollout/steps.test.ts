import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Verdict } from "../analysis/judge";
import type { RolloutStep } from "../manifest/rollout";
import { stepGoal } from "./plan";
import type { Target } from "./snapshot";
import { planRollout } from "./steps";
import { asked, planOf, snapshotOf, strategyOf, targetsOf } from "./testing";

const all = { do: "update", percent: 100 } as const;
const wave = (name: string, steps: RolloutStep[], offline: "wait" | "skip" | "fail" = "wait") => ({ name, steps, offline });
const verdict = (v: Verdict["verdict"]): Verdict => ({ verdict: v, sentence: `verdict ${v}`, fromMs: 0, toMs: 0, atMs: 0, silentTargets: 0, metrics: [] });
const transition = (s: Parameters<typeof planRollout>[0]) => planRollout(s).actions.find((a) => a.do === "transition");

describe("stepGoal", () => {
  it.each([
    [10, 10, 1],
    [10, 3, 1],
    [50, 5, 3],
    [100, 7, 7],
    [33, 0, 0],
  ])("%i%% of %i targets is %i", (percent, targets, goal) => expect(stepGoal({ do: "update", percent }, targets)).toBe(goal));
  it("never asks for more than there are", () => expect(stepGoal({ do: "update", count: 9 }, 4)).toBe(4));
});

describe("planRollout", () => {
  const anyTarget = fc.record({
    desiredGeneration: fc.constantFrom(1, 2),
    observedGeneration: fc.constantFrom(1, 2, null),
    healthy: fc.boolean(),
    silent: fc.boolean(),
  });
  const anyFleet = fc.array(anyTarget, { minLength: 1, maxLength: 30 });

  // Guarantee: no plan puts more live units at risk than the strategy allows.
  it("never exceeds maxUnavailable, for any fleet, limit and meaning of offline", () => {
    fc.assert(
      fc.property(anyFleet, fc.integer({ min: 1, max: 5 }), fc.constantFrom("wait" as const, "skip" as const, "fail" as const), fc.boolean(), (fleet, max, offline, past) => {
        const plan = planOf(strategyOf([wave("w", [all], offline)], { maxUnavailable: max }), [fleet.length]);
        const targets = targetsOf(plan).map((t, i) => ({ ...t, ...fleet[i], askedAtMs: 1_000 }));
        const d = planRollout(snapshotOf(plan, { targets, waveIndex: past ? 1 : 0 }));
        const told = new Set(asked(d.actions));
        const after = targets.filter((t) => (t.desiredGeneration === 2 || told.has(t.unit)) && !(t.observedGeneration === 2 && t.healthy && !t.silent) && !(t.silent && offline === "skip"));
        const before = targets.filter((t) => t.desiredGeneration === 2 && !(t.observedGeneration === 2 && t.healthy && !t.silent) && !(t.silent && offline === "skip"));
        expect(after.length).toBeLessThanOrEqual(Math.max(max, before.length));
      }),
    );
  });

  // Guarantee: the order in which targets are listed changes nothing.
  it("decides the same for any order of the targets", () => {
    fc.assert(
      fc.property(anyFleet, fc.integer(), (fleet, seed) => {
        const plan = planOf(strategyOf([wave("w", [{ do: "update", percent: 40 }])], { maxUnavailable: 2 }), [fleet.length]);
        const targets: Target[] = targetsOf(plan).map((t, i) => ({ ...t, ...fleet[i], askedAtMs: 1_000 }));
        const shuffled = [...targets].sort((a, b) => ((a.unit + seed).length * 31 + a.unit.charCodeAt(4) * seed) % 7 - ((b.unit + seed).length * 31 + b.unit.charCodeAt(4) * seed) % 7);
        expect(asked(planRollout(snapshotOf(plan, { targets: shuffled })).actions).sort()).toEqual(asked(planRollout(snapshotOf(plan, { targets })).actions).sort());
      }),
    );
  });

  // Guarantee: silence never promotes: with every target of a waiting wave silent, nothing advances.
  it("does not advance on silent targets, unless the wave skips them", () => {
    const silent = (offline: "wait" | "skip") => {
      const plan = planOf(strategyOf([wave("w", [all], offline)]), [2]);
      const targets = targetsOf(plan).map((t) => ({ ...t, desiredGeneration: 2, silent: true, askedAtMs: 1_000 }));
      return planRollout(snapshotOf(plan, { targets })).actions;
    };
    expect(silent("wait")).toEqual([]);
    expect(silent("skip")).toMatchObject([{ do: "goTo", wave: 0, step: 1 }]);
  });

  it("fails when a wave's rule for silence is to fail", () => {
    const plan = planOf(strategyOf([wave("edge", [all], "fail")]), [1]);
    const targets = targetsOf(plan).map((t) => ({ ...t, desiredGeneration: 2, silent: true, askedAtMs: 0 }));
    expect(transition(snapshotOf(plan, { targets, nowMs: 61_000 }))).toMatchObject({ command: "fail", reason: expect.stringContaining("fell silent") });
  });

  it("rolls back when a unit does not become healthy in time, naming unit, node, site and wave", () => {
    const plan = planOf(strategyOf([wave("cloud", [all])]), [1]);
    const targets = targetsOf(plan).map((t) => ({ ...t, desiredGeneration: 2, healthy: false, trouble: "exit code 1", askedAtMs: 0 }));
    expect(transition(snapshotOf(plan, { targets, nowMs: 59_000 }))).toBeUndefined();
    expect(transition(snapshotOf(plan, { targets, nowMs: 61_000 }))).toMatchObject({ command: "fail", reason: "Unit u-0-000 on n-0-0 in site site-0 (wave cloud) did not become healthy on r2 within 1m: exit code 1" });
  });

  // Guarantee: a breach ends the rollout also while it waits for a person.
  it.each(["running", "paused", "awaitingApproval", "holding"] as const)("rolls back on a bad verdict while %s", (phase) => {
    const plan = planOf(strategyOf([wave("w", [all])]), [1]);
    expect(transition(snapshotOf(plan, { phase, backgroundVerdict: verdict("rollBack") }))).toMatchObject({ command: "fail", reason: "verdict rollBack" });
  });

  it("asks a person instead when automatic rollback is off", () => {
    const plan = planOf(strategyOf([wave("w", [all])], { automaticRollback: false }), [1]);
    expect(transition(snapshotOf(plan, { backgroundVerdict: verdict("rollBack") }))).toMatchObject({ command: "hold" });
  });

  describe("gates", () => {
    const plan = planOf(strategyOf([wave("cloud", [{ do: "approval", name: "before", expires: "1h" }, all]), wave("edge", [all])]), [1, 1]);
    const gate = { id: "g", gate: "cloud: before", expiresAtMs: 1e9, decidedBy: "Ada", remark: null };
    it("stops at a gate and asks", () => {
      expect(transition(snapshotOf(plan))).toMatchObject({ command: "askApproval" });
      expect(planRollout(snapshotOf(plan, { phase: "awaitingApproval" })).actions).toEqual([{ do: "requestApproval", gate: "cloud: before", expiresAtMs: 3_601_000 }]);
    });
    it("goes on with an approval of exactly this plan", () => {
      const gates = [{ ...gate, state: "approved" as const, planDigest: "sha256:plan" }];
      expect(transition(snapshotOf(plan, { phase: "awaitingApproval", gates }))).toMatchObject({ command: "approved" });
    });
    // Guarantee: an approval holds for the plan that was shown; for another plan it is as if it was never given.
    it("does not go on with an approval of another plan, not even after the gate was passed", () => {
      const gates = [{ ...gate, state: "approved" as const, planDigest: "sha256:older" }];
      expect(transition(snapshotOf(plan, { phase: "awaitingApproval", gates }))).toBeUndefined();
      expect(transition(snapshotOf(plan, { waveIndex: 1, gates }))).toMatchObject({ command: "askApproval" });
    });
    it("rolls back when it is rejected, with the remark", () => {
      const gates = [{ ...gate, state: "rejected" as const, planDigest: "sha256:plan", remark: "not before Monday" }];
      expect(transition(snapshotOf(plan, { phase: "awaitingApproval", gates }))).toMatchObject({ command: "rejected", reason: expect.stringContaining("not before Monday") });
    });
    it("asks anew after an expiry", () => {
      const gates = [{ ...gate, state: "pending" as const, planDigest: "sha256:plan", expiresAtMs: 500 }];
      expect(planRollout(snapshotOf(plan, { phase: "awaitingApproval", gates })).actions).toEqual([{ do: "expireApproval", id: "g" }]);
    });
  });

  describe("analysis", () => {
    const plan = planOf(strategyOf([wave("w", [{ do: "analysis", template: "t", deadline: "5m" }, all])]), [1]);
    it("advances only on a verdict to promote", () => {
      expect(planRollout(snapshotOf(plan, { stepVerdict: verdict("promote") })).actions).toMatchObject([{ do: "goTo", wave: 0, step: 1 }]);
      expect(planRollout(snapshotOf(plan, { stepVerdict: verdict("notEnoughEvidence") })).actions).toEqual([]);
      expect(planRollout(snapshotOf(plan, { stepVerdict: null })).actions).toEqual([]);
    });
    it("holds and asks when the deadline passes without enough evidence", () => {
      expect(transition(snapshotOf(plan, { nowMs: 400_000, stepVerdict: verdict("notEnoughEvidence") }))).toMatchObject({ command: "hold" });
      expect(transition(snapshotOf(plan, { nowMs: 400_000, stepVerdict: null }))).toMatchObject({ command: "hold" });
    });
    it("goes on from a hold when evidence came after all", () => {
      expect(transition(snapshotOf(plan, { phase: "holding", stepVerdict: verdict("promote") }))).toMatchObject({ command: "release" });
    });
  });

  it("returns every target at once, and settles when the live ones are back", () => {
    const plan = planOf(strategyOf([wave("w", [all])]), [3]);
    const targets = targetsOf(plan).map((t, i) => ({ ...t, desiredGeneration: 2, observedGeneration: 2, silent: i === 2 }));
    expect(asked(planRollout(snapshotOf(plan, { phase: "rollingBack", targets })).actions)).toHaveLength(3);
    const back = targets.map((t) => ({ ...t, desiredGeneration: 1, observedGeneration: t.silent ? 2 : 1 }));
    expect(transition(snapshotOf(plan, { phase: "rollingBack", targets: back }))).toMatchObject({ command: "settle", reason: expect.stringContaining("1 silent one is told") });
  });

  it("is done only when every target runs the new revision, also those that percentages left over", () => {
    const plan = planOf(strategyOf([wave("w", [{ do: "update", percent: 50 }])]), [2]);
    const half = targetsOf(plan).map((t, i) => (i === 0 ? { ...t, desiredGeneration: 2, observedGeneration: 2 } : t));
    expect(asked(planRollout(snapshotOf(plan, { targets: half, waveIndex: 1 })).actions)).toEqual(["u-0-001"]);
    const done = half.map((t) => ({ ...t, desiredGeneration: 2, observedGeneration: 2 }));
    expect(transition(snapshotOf(plan, { targets: done, waveIndex: 1 }))).toMatchObject({ command: "finish" });
  });
});
