/** Sums over nodes of what there is, what is taken, what is idle and what of that the project's own mix can't use. Pure. */
import { slotsFor } from "../../core/placement/demand";
import type { Demand, FleetNode } from "../../core/placement";
import { fragmentationOf, gpuNodesOf, gpuShapeOf, idleOf, mixOf, WHOLE } from "../../core/placement/fragmentation";
import type { Mix } from "../../core/placement/fragmentation";
import { isUsable } from "./shapes";

export interface Amount {
  capacity: number;
  allocated: number;
  /** Free on nodes that take units. */
  idle: number;
  /** Of what is idle, what the mix can't use on average. */
  lost: number;
}
export interface Measured {
  cpuMillis: Amount;
  memoryBytes: Amount;
  devices: Amount;
  models: ReadonlyMap<string, Amount>;
}
/** What the project asks for: the shapes that make up 95% of its units, with shares. */
export interface OwnMix {
  gpu: Mix;
  shapes: readonly { demand: Demand; share: number; units: number; workloads: readonly string[] }[];
}

const KEEP = 0.95;
const none = (): Amount => ({ capacity: 0, allocated: 0, idle: 0, lost: 0 });
/** Devices in use: whole ones, and of those that are shared what is taken of them. */
const takenOf = (load: FleetNode["load"]): number => Object.values(load.devices).reduce((a, b) => a + b, 0) - (load.shared ?? []).reduce((a, d) => a + 1 - d.millis / WHOLE, 0);

/** The project's own mix, as the FGD paper makes its target workload: distinct shapes by falling count, up to 95% of all units. */
export function ownMix(units: readonly { demand: Demand; workload: string }[]): OwnMix {
  const shapes = new Map<string, { demand: Demand; units: number; workloads: Set<string> }>();
  for (const u of units) {
    const key = JSON.stringify([u.demand.cpuMillis, u.demand.memoryBytes, u.demand.devices?.count, u.demand.devices?.model, u.demand.devices?.shareMillis, u.demand.extra]);
    const s = shapes.get(key) ?? { demand: u.demand, units: 0, workloads: new Set<string>() };
    s.units++;
    s.workloads.add(u.workload);
    shapes.set(key, s);
  }
  const kept: { demand: Demand; units: number; workloads: Set<string> }[] = [];
  let of = 0;
  for (const s of [...shapes.values()].sort((a, b) => b.units - a.units || b.demand.cpuMillis - a.demand.cpuMillis)) {
    if (of >= KEEP * units.length) break;
    kept.push(s);
    of += s.units;
  }
  return { gpu: mixOf(units.map((u) => gpuShapeOf(u.demand))), shapes: kept.map((s) => ({ demand: s.demand, share: s.units / of, units: s.units, workloads: [...s.workloads].sort() })) };
}

/**
 * One node. CPU and memory are stranded where something else is short: what of them is left after as many units of a shape
 * as fit, on average over the mix. Accelerators by F of the FGD paper.
 */
export function measureNode(n: FleetNode, mix: OwnMix): Measured {
  const usable = isUsable(n);
  const slots = usable ? mix.shapes.map((s) => ({ ...s, n: slotsFor(n.capacity, n.load, s.demand) })) : [];
  const amount = (capacity: number, allocated: number, each: (d: Demand) => number): Amount => {
    const idle = usable ? Math.max(0, capacity - allocated) : 0;
    return { capacity, allocated, idle, lost: slots.reduce((lost, s) => lost + s.share * Math.max(0, idle - (Number.isFinite(s.n) ? s.n * each(s.demand) : 0)), 0) };
  };
  const models = new Map<string, Amount>();
  const devices = none();
  for (const g of gpuNodesOf(n)) {
    const idle = idleOf(g) / WHOLE;
    const one = { capacity: g.free.length, allocated: g.free.length - idle, idle: usable ? idle : 0, lost: usable ? fragmentationOf(g, mix.gpu) / WHOLE : 0 };
    models.set(g.model, one);
    add(devices, one);
  }
  devices.allocated = Math.min(devices.capacity, takenOf(n.load));
  return { cpuMillis: amount(n.capacity.cpuMillis, n.load.cpuMillis, (d) => d.cpuMillis), memoryBytes: amount(n.capacity.memoryBytes, n.load.memoryBytes, (d) => d.memoryBytes), devices, models };
}

function add(to: Amount, x: Amount): void {
  to.capacity += x.capacity;
  to.allocated += x.allocated;
  to.idle += x.idle;
  to.lost += x.lost;
}

/** Of many nodes together. */
export function summed(list: readonly Measured[]): Measured {
  const all = { cpuMillis: none(), memoryBytes: none(), devices: none() };
  const models = new Map<string, Amount>();
  for (const m of list) {
    for (const k of ["cpuMillis", "memoryBytes", "devices"] as const) add(all[k], m[k]);
    for (const [model, a] of m.models) {
      const of = models.get(model) ?? none();
      add(of, a);
      models.set(model, of);
    }
  }
  return { ...all, models };
}

/** How many units of a demand find room side by side on the nodes that take units. Rules of a policy apart. */
export const largestOf = (nodes: readonly FleetNode[], demand: Demand): number => Math.min(1_000_000, nodes.reduce((n, x) => n + (isUsable(x) ? slotsFor(x.capacity, x.load, demand) : 0), 0));
