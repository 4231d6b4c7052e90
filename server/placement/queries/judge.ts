import type { ProjectRef } from "../../core/access/actor";
import { besides, evaluate, heldOn, plainRules, withDemand, withReservations } from "../../core/placement";
import type { Judged, OwnUnit, Problem, Shape } from "../../core/placement";
import { decisions, fleetRead } from "../../store";
import type { PlacementDeps } from "../deps";
import { fleetCache } from "../fleet-cache";
import { loadNeighbours } from "../neighbours";
import { withWanted } from "../sets-snapshot";
import { loadWorkload, warmFor } from "../workload-snapshot";
import type { LoadedWorkload } from "../workload-snapshot";

/** One unit before the fleet as it is now. */
export interface JudgedUnit {
  loaded: LoadedWorkload;
  newest: decisions.StoredDecision | null;
  /** Where it runs; undefined for a unit that has no node. */
  own: OwnUnit | undefined;
  problem: Problem;
  /** Another shape of the workload as it would be placed now, beside units of others. */
  beside(shape: Shape): ReturnType<typeof besides>;
  nowMs: number;
  judged: Judged[];
}

/**
 * Judges every node of the fleet as it is now for one unit, with the unit itself taken off its node: its own load would
 * stand in its own way. What is reserved for others is taken, as far as it binds the unit. Null when no such unit is
 * known, or when no revision of its workload may run.
 */
export function createJudge(deps: PlacementDeps): (project: ProjectRef, unit: string) => Promise<JudgedUnit | null> {
  const db = deps.store.read.client;
  const fleets = fleetCache(deps);
  return async (project, unit) => {
    const nowMs = deps.clock.nowMs();
    const at = { nowMs, silentAfterMs: deps.env.AGENT_SILENT_AFTER_MS };
    const [newest, running] = await Promise.all([decisions.newestOfUnit(db, project.id, unit), fleetRead.runningUnit(db, project.id, unit)]);
    const workloadId = running?.workloadId ?? newest?.workloadId;
    const loaded = workloadId ? await loadWorkload(db, workloadId, at) : null;
    const shape: Shape | undefined = loaded?.snapshot.goal?.shape;
    if (!workloadId || !loaded || !shape) return null;
    const rules = loaded.snapshot.sets ?? plainRules;
    const fleet = withReservations(await withWanted(db, project.id, shape, await fleets.read(project.id, { ...at, warmFor: warmFor(shape) })), loaded.held, { workloadId, priority: rules.priority, takesMaxMs: rules.takes?.maxMs ?? null });
    const own = loaded.snapshot.units.find((u) => u.unit === unit && u.desired === "run");
    const nodes = own ? fleet.nodes.map((n) => (n.id === own.node.id ? { ...n, load: withDemand(n.load, heldOn((loaded.snapshot.revisions.get(own.generation)?.shape ?? shape).demand, own.on), -1) } : n)) : fleet.nodes;
    const others = loaded.snapshot.units.filter((u) => u.desired === "run" && u !== own).map((u) => u.node.id);
    const options = { seed: `${loaded.snapshot.name}/${loaded.snapshot.goal?.generation ?? 0}`, own: others };
    const neighbours = await loadNeighbours(db, project.id, loaded.snapshot.name, shape);
    const beside = (s: Shape) => besides(s, neighbours, others, { ...fleet, nodes }, { asks: [{ unit, shape: s }], seed: options.seed, preempts: rules.preempts });
    const now = beside(shape);
    const problem: Problem = { snapshot: { ...fleet, nodes }, ask: { unit, shape: now.shape }, options: { ...options, groups: now.groups } };
    return { loaded, newest, own, problem, beside, nowMs, judged: evaluate(problem.snapshot, problem.ask, problem.options) };
  };
}
