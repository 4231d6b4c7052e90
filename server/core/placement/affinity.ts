/**
 * What units of one workload share a place with: from what manifests say and where units of other workloads are now, to
 * what the engine decides by. Pure.
 */
import type { Ask, PlaceOptions } from "./ask";
import { noLoad } from "./demand";
import { columnsOf } from "./engine/columns";
import { nodeReasons } from "./feasible";
import type { FleetNode, FleetSnapshot } from "./fleet";
import { place } from "./place";
import type { ApartRule, Shape, TogetherRule } from "./shape";

/** Units of other workloads that a workload keeps apart from or stays with, and who keeps apart from it. */
export interface Neighbours {
  /** By workload: where its units are. Those that are stopping are still kept apart from, and no longer stayed with. */
  units: ReadonlyMap<string, readonly { nodeId: string; stopping: boolean }[]>;
  keepApart: readonly { workload: string; over: "site" | "node" }[];
}
export const alone: Neighbours = { units: new Map(), keepApart: [] };

/** Other workloads whose units matter to a shape. */
export function namedBy(shape: Shape): string[] {
  return [...new Set([...(shape.apart ?? []).map((a) => a.from), ...(shape.together ?? []).map((t) => t.with)].flatMap((n) => n ?? []))];
}
/** Whether a shape's units keep apart from those of a workload called `name`, and over what. */
export function apartFrom(shape: Pick<Shape, "apart">, name: string): ("site" | "node")[] {
  return (shape.apart ?? []).flatMap((a) => (a.from === name && !a.theirs ? [a.over] : []));
}

/** A world of workloads that is all in memory: who is whose neighbour there. */
export class Neighbourhood {
  private readonly keepApart = new Map<string, Neighbours["keepApart"][number][]>();
  constructor(workloads: readonly { name: string; removed: boolean; askShape: Shape | null }[]) {
    for (const w of workloads) {
      if (w.removed || !w.askShape?.apart) continue;
      for (const name of namedBy(w.askShape)) this.keepApart.set(name, [...(this.keepApart.get(name) ?? []), ...apartFrom(w.askShape, name).map((over) => ({ workload: w.name, over }))]);
    }
  }
  /** The neighbours of one workload, with the units as they are now; undefined when there are none. */
  of(name: string, shape: Shape | null, units: (named: ReadonlySet<string>) => Iterable<{ workload: string; nodeId: string; stopping: boolean }>): Neighbours | undefined {
    const keepApart = this.keepApart.get(name) ?? [];
    const named = new Set([...(shape ? namedBy(shape) : []), ...keepApart.map((k) => k.workload)]);
    if (named.size === 0) return undefined;
    const found = new Map([...named].map((n) => [n, [] as { nodeId: string; stopping: boolean }[]]));
    for (const u of units(named)) found.get(u.workload)?.push({ nodeId: u.nodeId, stopping: u.stopping });
    return { units: found, keepApart };
  }
}

/** Units that are tried at one place when it is chosen where a workload's first units go together. */
const TRIED = 200;

export interface Beside {
  shape: Shape;
  /** Nodes with units of the groups that the shape names: for `PlaceOptions`. */
  groups: ReadonlyMap<string, readonly string[]>;
}
/** Where the first of units that stay together go is chosen by these asks. */
export interface Start {
  asks: readonly Ask[];
  seed: string;
  preempts: boolean;
}

/**
 * A shape as it is placed now, beside units of others and `own`, the nodes of its own units that stay. Units that stay
 * together go where others are; where none is they start where most of the `start` asks find room, and of equal places
 * where the first scores highest.
 */
export function besides(shape: Shape, neighbours: Neighbours, own: readonly string[], fleet: FleetSnapshot, start?: Start): Beside {
  const among = amongOthers(shape, neighbours, fleet);
  const groups = new Map((among.apart ?? []).flatMap((a) => (a.from === null ? [] : [[a.from, (neighbours.units.get(a.from) ?? []).map((u) => u.nodeId)] as const])));
  const at = (t: TogetherRule): TogetherRule => (t.with === null ? { ...t, at: placesOf(t.over, own, fleet) } : t);
  const together = (among.together ?? []).map(at);
  const first = together.filter((t) => t.with === null && t.at?.size === 0);
  if (first.length === 0) return { shape: together.length ? { ...among, together } : among, groups };
  // Nothing of it stands anywhere: one node is one site as well.
  const over = first.some((t) => t.over === "node") ? "node" : "site";
  const home = start && homeOf({ ...among, together: together.filter((t) => !first.includes(t)) }, over, fleet, start, { seed: start.seed, own: [], groups });
  const started = (t: TogetherRule): TogetherRule => (first.includes(t) ? { ...t, at: home ? new Set([t.over === "site" ? home.site : home.id]) : undefined, starts: true } : t);
  return { shape: { ...among, together: together.map(started) }, groups };
}

/** The part of it that others decide alone. Keeping apart goes both ways: who names this workload is kept apart from. */
export function amongOthers(shape: Shape, neighbours: Neighbours, fleet: FleetSnapshot): Shape {
  const mine = shape.apart ?? [];
  const theirs = neighbours.keepApart.filter((k) => !mine.some((m) => m.from === k.workload && m.over === k.over));
  const rules = shape.together ?? [];
  if (theirs.length + rules.length === 0) return shape;
  const at = (t: TogetherRule): TogetherRule => (t.with === null ? t : { ...t, at: placesOf(t.over, (neighbours.units.get(t.with) ?? []).flatMap((u) => (u.stopping ? [] : u.nodeId)), fleet) });
  return { ...shape, apart: [...mine, ...theirs.map((k): ApartRule => ({ from: k.workload, over: k.over, theirs: true }))], together: rules.map(at) };
}

function placesOf(over: "site" | "node", nodeIds: readonly string[], fleet: FleetSnapshot): Set<string> {
  const { indexOf } = columnsOf(fleet);
  return new Set(nodeIds.flatMap((id) => {
    const node = fleet.nodes[indexOf.get(id) ?? -1];
    return node ? [over === "site" ? node.site : node.id] : [];
  }));
}

/** A node of the place where the first units go; null where not even an empty fleet had room for one. */
function homeOf(shape: Shape, over: "site" | "node", fleet: FleetSnapshot, start: Start, options: PlaceOptions): FleetNode | null {
  const asks = start.asks.slice(0, TRIED).map((a): Ask => ({ ...a, shape }));
  const [first] = asks;
  if (!first) return null;
  const may = fleet.nodes.filter((n) => !first.avoid?.has(n.id) && nodeReasons(shape, n, fleet.nowMs).length === 0);
  const among = (nodes: readonly FleetNode[]): FleetNode | null => {
    const domains = new Map<string, FleetNode[]>();
    for (const n of nodes) {
      const key = over === "site" ? n.site : n.id;
      const here = domains.get(key);
      if (here) here.push(n);
      else domains.set(key, [n]);
    }
    let most = 0;
    let best: FleetNode[] = [];
    for (const here of domains.values()) {
      const room = place({ ...fleet, nodes: here }, asks, options).placements.filter((p) => p.nodeId !== null).length;
      if (room > most) best = [];
      if (room > 0 && room >= most) best.push(...here);
      most = Math.max(most, room);
    }
    const id = best.length ? place({ ...fleet, nodes: best }, [first], options).placements[0]?.nodeId : null;
    return best.find((n) => n.id === id) ?? null;
  };
  // Who may make others stop looks for room as if they had: its units are to meet in one place then, too.
  return among(may) ?? (start.preempts ? among(may.map((n) => ({ ...n, load: noLoad }))) : null);
}
