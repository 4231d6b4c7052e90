import { createHash } from "node:crypto";
import type { z } from "zod";
import type { ProjectRef } from "../../core/access/actor";
import { counted } from "../../core/fleet";
import { whatIf } from "../../core/placement";
import type { WhatIf, WhatIfWorld } from "../../core/placement";
import type { previewView } from "../../core/views/placement";
import type { PlacementDeps } from "../deps";
import { applyChange } from "./change";
import type { Change } from "./change";
import { fragmentationShare } from "./fragmentation";
import type { WorldCache } from "./cache";
import { alwaysDue, worldOf } from "./world";

/** Rows of each list that are sent; the counts cover all. */
const SHOWN = 500;

export function previewQueries(deps: PlacementDeps, cache: WorldCache) {
  return {
    /** What a change would do to the project as it is: made by the scheduler's own plans, on a copy. Writes nothing. */
    async preview(project: ProjectRef, input: Change): Promise<z.input<typeof previewView>> {
      const started = performance.now();
      const nowMs = deps.clock.nowMs();
      const at = { nowMs, silentAfterMs: deps.env.AGENT_SILENT_AFTER_MS };
      const now = await cache.read(project.id, at);
      const changed = applyChange(now.rows, input, project.name, nowMs);
      const after = worldOf(changed.rows, at, now.warm, now);
      const found = whatIf(now.world, after.world, dueOf(now.world, after.world, changed.due));
      return view(found, changed.what, now.world, Math.round(performance.now() - started), nowMs);
    },
  };
}

/** Workloads that the change names, those with units on nodes that change, and those that wait anyway. */
function dueOf(before: WhatIfWorld, after: WhatIfWorld, named: readonly string[]): string[] {
  const was = new Map(before.nodes.map((n) => [n.id, n]));
  const differs = new Set(after.nodes.filter((n) => was.get(n.id) !== n).map((n) => n.id));
  const touched = differs.size === 0 ? [] : after.workloads.filter((w) => w.snapshot.units.some((u) => differs.has(u.node.id))).map((w) => w.snapshot.workloadId);
  return [...new Set([...named, ...touched, ...alwaysDue(after)])];
}

/**
 * Units without a node, those first that have none because of the change. Who waits already is not news, and the replacement
 * of a unit that stays is no unit that is missing.
 */
function withoutNode(w: WhatIf, before: WhatIfWorld): z.input<typeof previewView>["impossible"] {
  const asNow = new Map<string, number>();
  const has = new Map<string, ReadonlySet<string>>();
  for (const { snapshot: s } of before.workloads) {
    const running = s.units.filter((u) => u.desired === "run");
    has.set(s.name, new Set(running.map((u) => u.unit)));
    // How many a daemon should have is not known without a look at every node.
    asNow.set(s.name, s.kind === "daemon" ? 0 : Math.max(0, s.replicas - running.length - s.completed.size));
  }
  const replaces = new Map<string, number>();
  for (const u of w.stays) replaces.set(u.workload, (replaces.get(u.workload) ?? 0) + 1);
  const take = (left: Map<string, number>, workload: string): boolean => {
    const n = left.get(workload) ?? 0;
    left.set(workload, n - 1);
    return n > 0;
  };
  const found = w.impossible.map((u) => ({ ...u, standing: !has.get(u.workload)?.has(u.unit) && take(asNow, u.workload) ? ("asNow" as const) : take(replaces, u.workload) ? ("replaces" as const) : ("new" as const) }));
  const order = ["new", "asNow", "replaces"] as const;
  return order.flatMap((standing) => found.filter((u) => u.standing === standing));
}

function view(w: WhatIf, what: readonly string[], before: WhatIfWorld, tookMs: number, nowMs: number): z.input<typeof previewView> {
  const impossible = withoutNode(w, before);
  const of = (standing: (typeof impossible)[number]["standing"]) => impossible.filter((u) => u.standing === standing).length;
  const missing = of("new");
  const asNow = of("asNow");
  const parts = [
    w.moves.length ? `${counted(w.moves.length, "unit")} would move` : "",
    w.added.length ? `${w.added.length} would start` : "",
    w.gone.length ? `${w.gone.length} would stop` : "",
    w.updates.length ? `${w.updates.reduce((n, u) => n + u.units, 0)} would be updated in place` : "",
    missing ? `${missing} would have no node` : "",
    w.stays.length ? `${w.stays.length} would stay where ${w.stays.length === 1 ? "it has" : "they have"} to leave` : "",
    w.evicted.length ? `${w.evicted.length} of them make way for higher priority` : "",
  ].filter(Boolean);
  const sentence = `If ${what.length ? what.join(" and ") : "nothing"}${what.length && !/ (is|are|change|changes)\b/.test(what.at(-1) ?? "") ? " were as given" : ""}: ${parts.length ? parts.join(", ") : "nothing would move"}${asNow ? `; ${counted(asNow, "unit")} ${asNow === 1 ? "has" : "have"} no node now either` : ""}.`;
  const nodeName = new Map(w.after.nodes.map((n) => [n.id, n.name]));
  const rows = w.after.units.map((u) => `${u.unit} ${nodeName.get(u.nodeId) ?? u.nodeId} r${u.generation}`).sort();
  return {
    sentence,
    moves: w.moves.slice(0, SHOWN), added: w.added.slice(0, SHOWN), gone: w.gone.slice(0, SHOWN), evicted: w.evicted.slice(0, SHOWN), impossible: impossible.slice(0, SHOWN), stays: w.stays.slice(0, SHOWN), updates: w.updates,
    counts: { moves: w.moves.length, added: w.added.length, gone: w.gone.length, evicted: w.evicted.length, impossible: impossible.length, asNow, replaces: of("replaces"), stays: w.stays.length, unitsBefore: w.units.before, unitsAfter: w.units.after },
    cost: w.cost, latency: w.latency.slice(0, SHOWN), fragmentation: fragmentationShare(before, w),
    atRest: w.after.atRest, digest: `sha256:${createHash("sha256").update(rows.join("\n")).digest("hex")}`, tookMs, asOfMs: nowMs,
  };
}
