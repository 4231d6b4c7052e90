/** The fleet as a repair plan is made from it, out of the picture of a project. Pure. */
import { nodeReasons } from "../../core/placement";
import type { Demand, FleetNode, Shape, WhatIfWorld } from "../../core/placement";
import { WHOLE, gpuShapeOf } from "../../core/placement/fragmentation";
import type { GpuNode, PendingGang, RepairFleet, RepairUnit } from "../../core/placement/fragmentation";
import { serves } from "../../core/fleet";
import { isUsable } from "./shapes";

type Workload = WhatIfWorld["workloads"][number];
type OwnUnit = Workload["snapshot"]["units"][number];

/** A unit that could move, with what is needed to put the move into words and into a plan. */
export interface Movable {
  unit: OwnUnit;
  of: Workload;
  shape: Shape;
}
export interface PlanningFleet {
  nodes: readonly FleetNode[];
  fleet: RepairFleet;
  movable: ReadonlyMap<string, Movable>;
  /** Workloads whose budget lets nobody move. */
  budgets: ReadonlyMap<string, number>;
  gangFor(shape: Shape, count: number): PendingGang;
}

/** What nobody could move without taking it out of service or against its own rules stays where it is. */
function maySpare(w: Workload, pendingId: string | null): boolean {
  const s = w.snapshot;
  if (s.workloadId === pendingId || (s.kind !== "service" && s.kind !== "inference") || s.removed || s.rolloutOpen || !s.goal || !s.askShape) return false;
  const running = s.units.filter((x) => x.desired === "run");
  // A workload that lacks units, or has one that does not serve, has nothing to spare.
  if (running.length !== s.replicas || s.units.length !== running.length) return false;
  return running.every((x) => x.node.contact === "live" && x.observed !== null && serves(x.observed.phase, x.observed.health));
}
// A unit with a share stays: a plan counts whole devices off, and can't tell what would be left of which.
const isMovable = (w: Workload, u: OwnUnit): boolean => u.on == null && w.snapshot.revisions.get(u.generation)?.templateDigest === w.snapshot.goal?.templateDigest && isUsable(u.node);

export function planningFleet(world: WhatIfWorld, o: { pendingId: string | null; secondsOf: (workloadId: string, generation: number) => number; forbidden: ReadonlySet<string> }): PlanningFleet {
  const nodes = world.nodes.filter(isUsable);
  const index = new Map(nodes.map((n, i) => [n.id, i]));
  const held = new Map<string, Demand[]>();
  for (const h of world.held) if (h.workloadId !== o.pendingId && h.expiresMs > world.nowMs) held.set(h.nodeId, [...(held.get(h.nodeId) ?? []), h.demand]);
  // Which device a unit has only the agent knows; whole ones are all alike, so they are counted off in turn.
  const next = new Map<string, number>();
  const gpu = nodes.map((n): GpuNode => {
    const models = Object.keys(n.capacity.devices);
    const kept = held.get(n.id) ?? [];
    const taken = Object.values(n.load.devices).reduce((a, b) => a + b, 0) + kept.reduce((a, d) => a + (d.devices?.count ?? 0), 0);
    // Accelerators of a node that has several models are left out: a plan can't tell which of them a unit has.
    const count = models.length === 1 ? (n.capacity.devices[models[0] ?? ""] ?? 0) : 0;
    return {
      name: n.name,
      model: models.length === 1 ? (models[0] ?? "") : "",
      cpuMillis: n.capacity.cpuMillis - n.load.cpuMillis - kept.reduce((a, d) => a + d.cpuMillis, 0),
      memoryBytes: n.capacity.memoryBytes - n.load.memoryBytes - kept.reduce((a, d) => a + d.memoryBytes, 0),
      free: Array.from({ length: count }, (_, i) => (i < taken ? 0 : WHOLE)),
    };
  });
  const freeDisk = nodes.map((n) => n.capacity.diskBytes - n.load.diskBytes - (held.get(n.id) ?? []).reduce((a, d) => a + d.diskBytes, 0));
  const numberOf = new Map(gpu.map((g, i) => [g, i]));
  const byName = new Map(nodes.map((n, i) => [n.name, i]));
  const numberIn = (g: GpuNode): number => numberOf.get(g) ?? byName.get(g.name) ?? -1;

  const movable = new Map<string, Movable>();
  const units: RepairUnit[] = [];
  for (const w of world.workloads) {
    const spares = maySpare(w, o.pendingId);
    for (const u of w.snapshot.units) {
      const at = index.get(u.node.id);
      const shape = w.snapshot.revisions.get(u.generation)?.shape;
      if (at === undefined || !shape) continue;
      const wanted = shape.demand.devices?.shareMillis !== undefined ? 0 : (shape.demand.devices?.count ?? 0);
      const first = next.get(u.node.id) ?? 0;
      next.set(u.node.id, first + wanted);
      const devices = Array.from({ length: wanted }, (_, i) => first + i).filter((d) => d < (gpu[at]?.free.length ?? 0));
      const may = spares && isMovable(w, u) && devices.length === wanted;
      if (!may) continue;
      movable.set(u.assignmentId, { unit: u, of: w, shape });
      units.push({ id: u.assignmentId, shape: gpuShapeOf(shape.demand), node: at, devices, warmStartSeconds: o.secondsOf(w.snapshot.workloadId, u.generation), movable: true, budget: w.snapshot.workloadId });
    }
  }

  const allowed = new Map<string, boolean>();
  const mayBe = (key: string, shape: Shape, n: number): boolean => {
    const k = `${key} ${n}`;
    let may = allowed.get(k);
    const node = nodes[n];
    if (may === undefined) allowed.set(k, (may = node !== undefined && (freeDisk[n] ?? 0) >= shape.demand.diskBytes && nodeReasons(shape, node, world.nowMs).length === 0));
    return may;
  };
  const mayRun = (unit: RepairUnit, node: GpuNode): boolean => {
    const m = movable.get(unit.id);
    const n = numberIn(node);
    const to = nodes[n];
    if (!m || !to || n === unit.node || o.forbidden.has(`${unit.id} ${to.id}`)) return false;
    // Where a policy divides units over sites, each stays at its own.
    if (m.of.snapshot.sets?.division && to.site !== m.unit.node.site) return false;
    return mayBe(m.of.snapshot.workloadId, m.shape, n);
  };
  return {
    nodes, movable, fleet: { nodes: gpu, units, mayRun },
    budgets: new Map(world.workloads.flatMap((w) => (w.maxUnavailable === 0 ? [[w.snapshot.workloadId, 0] as const] : []))),
    gangFor: (shape, count) => ({ shape: gpuShapeOf(shape.demand), count, mayRun: (node) => mayBe("pending", shape, numberIn(node)) }),
  };
}
