import { parseDurationMs } from "../base/duration";
import type { RolloutStep } from "../manifest/rollout";
import { activeWaves, ancestors } from "./graph";
import type { RolloutDecision, RolloutSnapshot } from "./snapshot";

/** A gate's name for people, unique in the plan: "edge: before the edge". */
export const gateName = (wave: string, step: Extract<RolloutStep, { do: "approval" }>): string => `${wave}: ${step.name}`;

interface OpenGate {
  gate: string;
  expires: string;
}

/**
 * Approval gates that no approval of exactly this plan covers: those that a wave at work has passed or stands at
 * (`passed` only: has passed), in it and in all waves before it.
 */
export function openGates(s: RolloutSnapshot, which: "passed" | "reached"): OpenGate[] {
  if (s.breakGlass) return [];
  const spec = s.plan.strategy.spec;
  const limit = new Map<number, number>();
  const active = activeWaves(spec, s.progress.waves);
  for (const w of active.length > 0 ? active : spec.waves.keys()) {
    for (const a of ancestors(spec, w)) limit.set(a, s.progress.waves[a]?.step ?? 0);
    limit.set(w, (s.progress.waves[w]?.step ?? 0) + (which === "reached" ? 1 : 0));
  }
  const out: OpenGate[] = [];
  for (const [w, wave] of spec.waves.entries()) {
    for (const step of wave.steps.slice(0, limit.get(w) ?? 0)) {
      if (step.do !== "approval") continue;
      const gate = gateName(wave.name, step);
      if (!covered(s, gate)) out.push({ gate, expires: step.expires });
    }
  }
  return out;
}
/** Whether a gate was approved for the plan as it is. */
export const covered = (s: RolloutSnapshot, gate: string): boolean => s.gates.some((g) => g.gate === gate && g.state === "approved" && g.planDigest === s.planDigest);

/** Sees to questions at gates: asks, lets expire and asks anew. Returns the sentence of a rejection, when there is one. */
export function tendGates(s: RolloutSnapshot, d: RolloutDecision, open: readonly OpenGate[]): string | null {
  for (const { gate, expires } of open) {
    const mine = s.gates.filter((g) => g.gate === gate && g.planDigest === s.planDigest);
    const rejected = mine.find((g) => g.state === "rejected");
    if (rejected) return `Rejected by ${rejected.decidedBy ?? "an approver"} at gate “${gate}”${rejected.remark ? `: ${rejected.remark}` : "."}`;
    const pending = mine.find((g) => g.state === "pending");
    if (pending && pending.expiresAtMs <= s.nowMs) d.actions.push({ do: "expireApproval", id: pending.id });
    // After an expiry the question is asked anew, so that a rollout never waits for nothing.
    else if (!pending) d.actions.push({ do: "requestApproval", gate, expiresAtMs: s.nowMs + (parseDurationMs(expires) ?? 0) });
    else {
      d.because.push(`Waiting for an approval at gate “${gate}”.`);
      d.wakeAtMs = Math.min(pending.expiresAtMs, s.nowMs + 30_000);
    }
  }
  return null;
}
