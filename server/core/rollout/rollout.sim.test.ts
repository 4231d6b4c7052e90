import { describe, expect, it } from "vitest";
import type { RolloutStep } from "../manifest/rollout";
import { isFinal, nextPhase, type RolloutPhase } from "./lifecycle";
import { noProgress } from "./graph";
import type { GateState, RolloutSnapshot, Target } from "./snapshot";
import { planRollout } from "./steps";
import { planOf, snapshotOf, strategyOf, targetsOf } from "./testing";

/** A small generator with a seed, so that a failing run can be repeated by its number. */
function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Run {
  phase: RolloutPhase;
  targets: Target[];
  ticks: number;
  most: number;
}

/** Runs one rollout over a fleet that crashes, goes silent and comes back, and loses plans on the way (a killed scheduler). */
function simulate(seed: number, o: { bad: boolean; offline: "wait" | "skip" }): Run {
  const next = random(seed);
  const size = 2 + Math.floor(next() * 10);
  const max = 1 + Math.floor(next() * 3);
  const steps: RolloutStep[] = [{ do: "update", percent: 50 }, { do: "pause", for: "5s" }, { do: "approval", name: "go", expires: "30s" }, { do: "update", percent: 100 }];
  const plan = planOf(strategyOf([{ name: "a", steps, offline: o.offline }, { name: "b", steps: [{ do: "update", percent: 100 }], offline: o.offline }], { maxUnavailable: max, healthTimeout: "60s" }), [size, size]);
  const targets = targetsOf(plan);
  const gates: GateState[] = [];
  let s: RolloutSnapshot = snapshotOf(plan, { nowMs: 0, progress: { waves: noProgress(plan.strategy.spec), sitesBack: [], accepted: [], held: null, evidence: null }, planDigest: "d", targets, gates });
  const live = new Map<string, number>();
  let most = 0;
  let ticks = 0;
  for (; ticks < 5_000 && !isFinal(s.phase); ticks++) {
    s = { ...s, nowMs: s.nowMs + 1_000 };
    // The fleet: a node goes silent or returns; an agent that is in reach does, after a while, what it was asked.
    for (const t of targets) {
      if (next() < 0.02) t.silent = true;
      else if (t.silent && next() < 0.15) t.silent = false;
      if (t.silent || t.observedGeneration === t.desiredGeneration) continue;
      live.set(t.unit, (live.get(t.unit) ?? 0) + 1);
      if ((live.get(t.unit) ?? 0) < 2 || next() < 0.3) continue;
      live.delete(t.unit);
      const broken = o.bad && t.desiredGeneration === 2;
      if (broken) t.trouble = "does not start";
      else Object.assign(t, { observedGeneration: t.desiredGeneration, healthy: true, trouble: null });
    }
    const pending = gates.find((g) => g.state === "pending");
    if (pending && next() < 0.2) Object.assign(pending, { state: "approved", decidedBy: "Grace" });
    const d = planRollout(s);
    // A killed scheduler: the plan was made and never applied.
    if (next() < 0.1) continue;
    for (const a of d.actions) {
      if (a.do === "setGeneration") {
        const t = targets.find((x) => x.assignmentId === a.assignmentId);
        if (t) Object.assign(t, { desiredGeneration: a.generation, askedAtMs: s.nowMs });
      } else if (a.do === "goTo") s = { ...s, progress: { ...s.progress, waves: s.progress.waves.map((w, i) => (i === a.wave ? { step: a.step, startedAtMs: s.nowMs } : w)) } };
      else if (a.do === "requestApproval") gates.push({ id: `g${gates.length}`, gate: a.gate, state: "pending", planDigest: "d", expiresAtMs: a.expiresAtMs, decidedBy: null, remark: null });
      else if (a.do === "expireApproval") gates.filter((g) => g.id === a.id).forEach((g) => (g.state = "expired"));
      else if (a.do === "transition") {
        const to = nextPhase(s.phase, a.command);
        expect(to, `${a.command} in ${s.phase} (seed ${seed})`).not.toBeNull();
        if (to) s = { ...s, phase: to };
      }
    }
    if (s.phase !== "rollingBack") {
      const risk = targets.filter((t) => t.desiredGeneration === 2 && t.observedGeneration !== 2 && !t.silent).length;
      most = Math.max(most, risk - max);
    }
    // Guarantee: nothing beyond the gate moves before it is approved.
    if (!gates.some((g) => g.state === "approved")) expect(targets.filter((t) => t.wave === 1 && t.desiredGeneration === 2), `seed ${seed}`).toEqual([]);
  }
  return { phase: s.phase, targets, ticks, most };
}

const seeds = Array.from({ length: 300 }, (_, i) => i + 1);

describe("a rollout over a fleet that crashes and goes silent", () => {
  // Guarantee: a good revision ends everywhere, whatever was silent or killed on the way.
  it("converges on the new revision", () => {
    for (const seed of seeds) {
      const r = simulate(seed, { bad: false, offline: "wait" });
      expect(r.phase, `seed ${seed}`).toBe("succeeded");
      expect(r.targets.every((t) => t.desiredGeneration === 2 && t.observedGeneration === 2), `seed ${seed}`).toBe(true);
    }
  });
  // Guarantee: a revision that does not start never goes beyond its first units, and everything is asked back.
  it("returns from a revision that does not start", () => {
    for (const seed of seeds) {
      const r = simulate(seed, { bad: true, offline: "skip" });
      if (r.phase === "succeeded") expect(r.targets.every((t) => t.silent), `seed ${seed}`).toBe(true);
      else {
        expect(r.phase, `seed ${seed}`).toBe("rolledBack");
        expect(r.targets.every((t) => t.desiredGeneration === 1), `seed ${seed}`).toBe(true);
      }
    }
  });
  // Guarantee: silent units that return while others are in flight add at most themselves; live ones never exceed the limit by asking.
  it("keeps to maxUnavailable while nothing is silent in the wave", () => {
    for (const seed of seeds.slice(0, 100)) expect(simulate(seed, { bad: false, offline: "wait" }).most, `seed ${seed}`).toBeLessThanOrEqual(0);
  });
});
