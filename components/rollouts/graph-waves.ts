import type { z } from "zod";
import type { RolloutDetail, rolloutPreview } from "@/server/core/views";
import type { GraphWave } from "./wave-graph";

export type RolloutPreview = z.infer<typeof rolloutPreview>;

/** The waves of a rollout under way, for the graph. */
export function wavesOfRollout(r: Pick<RolloutDetail, "waves" | "toGeneration">): GraphWave[] {
  return r.waves.map((w) => ({
    name: w.name, after: w.after, blocking: w.blocking, remainder: w.remainder, selector: w.selector, units: w.targets.length, state: w.state,
    gates: w.steps.flatMap((s) => (s.gate ? [{ name: s.gate.name.replace(`${w.name}: `, ""), at: s.gate.at, state: s.state }] : [])),
    steps: w.steps.map((s) => s.text),
    progress: {
      updated: w.targets.filter((t) => t.observedGeneration === r.toGeneration && t.state.state !== "silent").length,
      failing: w.targets.filter((t) => t.state.state === "failing" && t.observedGeneration !== r.toGeneration).length,
      silent: w.targets.filter((t) => t.state.state === "silent").length,
    },
    note: w.window && w.window.closedSites.length > 0 ? `window closed at ${w.window.closedSites.length} ${w.window.closedSites.length === 1 ? "site" : "sites"}` : null,
  }));
}

/** The waves of a plan that has not begun. Its order comes from the plan; gates are known by the text of their steps. */
export function wavesOfPreview(p: Pick<RolloutPreview, "waves" | "graph">): GraphWave[] {
  const order = new Map(p.graph.map((g) => [g.name, g]));
  return p.waves.map((w, i) => {
    const g = order.get(w.name);
    const before = p.waves[i - 1];
    return {
      name: w.name, after: g ? g.after : before ? [before.name] : [], blocking: g?.blocking ?? true, remainder: g?.remainder ?? false, selector: g ? g.selector : "",
      units: w.targets.length, gates: gatesOf(w.steps), steps: w.steps, state: null, progress: null, note: null,
    };
  });
}

/** The step that is being done and the one that follows, in words; null when the rollout has no step under way. */
export function whereItIs(r: Pick<RolloutDetail, "waves" | "final">): { now: string; next: string } | null {
  if (r.final) return null;
  const current = r.waves.flatMap((w) => w.steps.map((s) => ({ wave: w, step: s }))).find((x) => x.wave.state === "current" && x.step.state === "current");
  if (!current) return null;
  const same = current.wave.steps[current.step.index + 1];
  const following = r.waves.filter((w) => w.state === "waiting" && (w.after.length === 0 ? w.index === current.wave.index + 1 : w.after.includes(current.wave.name)));
  return {
    now: `in wave ${current.wave.name}: ${current.step.text}`,
    next: same ? `${same.text}` : following.length > 0 ? following.map((w) => `wave ${w.name}`).join("; ") : "the rollout ends",
  };
}

/** Gates among the steps of a plan, and whether they stand before, between or after its updates. */
function gatesOf(steps: readonly string[]): GraphWave["gates"] {
  const updates = steps.flatMap((s, i) => (s.startsWith("Update ") ? [i] : []));
  return steps.flatMap((s, i) => {
    if (!s.startsWith("Approval: ")) return [];
    const at = updates.every((u) => u > i) ? "before" : updates.every((u) => u < i) ? "after" : "between";
    return [{ name: s.slice("Approval: ".length).replace(/ \(.*\)$/, ""), at, state: null } as const];
  });
}
