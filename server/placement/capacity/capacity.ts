import type { z } from "zod";
import type { ProjectRef } from "../../core/access/actor";
import { readCursor, writeCursor } from "../../core/base/cursor";
import { ageText, counted } from "../../core/fleet";
import type { Demand, FleetNode, WhatIfWorld } from "../../core/placement";
import type { capacityView } from "../../core/views/placement";
import type { PlacementDeps } from "../deps";
import type { WorldCache } from "../preview/cache";
import { largestOf, measureNode, ownMix, summed } from "./measure";
import type { Amount, Measured } from "./measure";
import { demandText, isUsable } from "./shapes";

export interface CapacityInput {
  site?: string | undefined;
  shape?: Demand | undefined;
  cursor?: string | null | undefined;
  limit: number;
}

export function capacityQueries(deps: PlacementDeps, worlds: WorldCache) {
  return {
    /** What there is by site, node and accelerator model, what of it the project's own mix can use, and how large a gang finds room. */
    async capacity(project: ProjectRef, input: CapacityInput): Promise<z.input<typeof capacityView>> {
      const nowMs = deps.clock.nowMs();
      const { world, rows } = await worlds.read(project.id, { nowMs, silentAfterMs: deps.env.AGENT_SILENT_AFTER_MS });
      const mix = ownMix(askedFor(world));
      const measured = new Map(world.nodes.map((n) => [n.id, measureNode(n, mix)]));
      const of = (n: FleetNode) => measured.get(n.id) as Measured;
      const units = new Map<string, number>();
      for (const w of world.workloads) for (const u of w.snapshot.units) units.set(u.node.id, (units.get(u.node.id) ?? 0) + 1);
      const bySite = new Map<string, FleetNode[]>(rows.sites.map((s) => [s.name, []]));
      for (const n of world.nodes) {
        const there = bySite.get(n.site);
        if (there) there.push(n);
        else bySite.set(n.site, [n]);
      }
      const total = summed([...measured.values()]);

      const listed = world.nodes.filter((n) => input.site === undefined || n.site === input.site).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
      const [after] = readCursor(input.cursor, 1) ?? [];
      const from = after === undefined ? 0 : listed.findIndex((n) => keyOf(n) > after);
      const page = from < 0 ? [] : listed.slice(from, from + input.limit);
      const last = page.at(-1);
      return {
        total: { nodes: world.nodes.length, ...shown(total) },
        sites: [...bySite].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, nodes]) => ({
          name, title: rows.sites.find((s) => s.name === name)?.title ?? name, nodes: nodes.length, ...shown(summed(nodes.map(of))),
          silent: nodes.filter((n) => n.contact !== "live").length, closed: nodes.filter((n) => n.contact === "live" && n.desiredState !== "active").length,
          oldestMs: nodes.reduce<number | null>((least, n) => (n.contact === "live" && n.lastSeenMs !== null && (least === null || n.lastSeenMs < least) ? n.lastSeenMs : least), null),
        })),
        models: [...total.models].sort(([a], [b]) => (a < b ? -1 : 1)).map(([model, a]) => ({ model, nodes: world.nodes.filter((n) => model in n.capacity.devices).length, capacity: a.capacity, allocated: toThousandths(a.allocated), idle: toThousandths(a.idle), stranded: strandedOf(a) })),
        mix: mix.shapes.map((s) => ({ text: demandText(s.demand), share: s.share, units: s.units, workloads: [...s.workloads], largestGang: largestOf(world.nodes, s.demand) })),
        largest: input.shape ? { text: demandText(input.shape), units: largestOf(world.nodes, input.shape) } : null,
        nodes: page.map((n) => ({ name: n.name, site: n.site, ...stateOf(n, nowMs), usable: isUsable(n), models: Object.keys(n.capacity.devices), ...shown(of(n)), units: units.get(n.id) ?? 0, seenMs: n.lastSeenMs })),
        nodesTotal: listed.length,
        nextCursor: last && from + input.limit < listed.length ? writeCursor([keyOf(last)]) : null,
        asOfMs: nowMs,
      };
    },
  };
}

/** Of devices that are shared, parts are taken; sums of thousandths are not exact otherwise. */
const toThousandths = (n: number): number => Math.round(n * 1_000) / 1_000;
const keyOf = (n: FleetNode): string => `${n.site}\u0001${n.name}`;
const strandedOf = (a: Amount): number | null => (a.idle > 0 ? Math.min(1, a.lost / a.idle) : null);
const view = (a: Amount) => ({ capacity: a.capacity, allocated: a.allocated, idle: a.idle, stranded: strandedOf(a) });
const shown = (m: Measured) => ({ cpuMillis: view(m.cpuMillis), memoryBytes: view(m.memoryBytes), devices: view(m.devices) });

/** What units ask for: those that run, and those that wait. */
function askedFor(world: WhatIfWorld): { demand: Demand; workload: string }[] {
  return world.workloads.flatMap(({ snapshot: s }) => {
    const running = s.units.filter((u) => u.desired === "run").flatMap((u) => s.revisions.get(u.generation)?.shape.demand ?? []);
    const waiting = s.askShape && s.kind !== "daemon" ? Array.from({ length: Math.max(0, s.replicas - running.length - s.completed.size) }, () => s.askShape?.demand as Demand) : [];
    return [...running, ...waiting].map((demand) => ({ demand, workload: s.name }));
  });
}

function stateOf(n: FleetNode, nowMs: number): { state: "healthy" | "silent" | "pending"; because: string } {
  if (n.contact === "never") return { state: "pending", because: "It has not connected yet." };
  if (n.contact === "silent") return { state: "silent", because: `It has been silent for ${ageText(nowMs - (n.lastSeenMs ?? nowMs))}: this is the last that is known.` };
  if (n.desiredState !== "active") return { state: "pending", because: `It is ${n.desiredState}: nothing new comes here.` };
  return { state: "healthy", because: `In contact, with ${counted(Object.keys(n.capacity.devices).length, "accelerator model")}.` };
}
