/** How a workload whose policy divides its replicas over sites stands against that division. */
import { counted } from "../../fleet/age";
import { divide } from "../divide/divide";
import { nodeReasons } from "../feasible";
import type { Ask } from "../ask";
import type { OwnUnit, WorkloadPlan, WorkloadSnapshot } from "../workload-plan";
import { roomOfSite } from "./place-set";

export type Standing = { stand: "stays" } | { stand: "lost" | "drain" | "misplaced" | "repair"; because: string };

/** Units due at each site, and how many in all; null when replicas are not divided or the fleet was not read. */
export function sharesOf(s: WorkloadSnapshot, running: readonly OwnUnit[], standings: readonly Standing[]): { units: ReadonlyMap<string, number>; total: number } | null {
  const division = s.sets?.division;
  const shape = s.askShape;
  if (!division || !shape || s.fleet === null || s.kind === "daemon" || s.kind === "batch") return null;
  const bySite = new Map<string, typeof s.fleet.nodes[number][]>();
  for (const n of s.fleet.nodes) if (n.site && nodeReasons(shape, n, s.nowMs).every((r) => r.code === "silent" || r.code === "not_active")) bySite.set(n.site, [...(bySite.get(n.site) ?? []), n]);
  // Units that stay, and those over a site's share: both are there now.
  const here = running.filter((_, i) => standings[i]?.stand === "stays");
  for (const u of here) if (!bySite.has(u.node.site)) bySite.set(u.node.site, []);
  const sites = [...bySite].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, nodes]) => ({ name, weight: division.weights[name] ?? 0, current: here.filter((u) => u.node.site === name).length, available: division.by === "dynamic" || division.by === "aggregated" ? roomOfSite(nodes, shape, s.replicas, s.nowMs) : 0 }));
  const { units, left } = divide(s.replicas, division.by, sites);
  return { units, total: [...units.values()].reduce((n, x) => n + x, 0) + left };
}

/** Units beyond their site's share are misplaced: the last ones, those that do not serve first. */
export function divided(s: WorkloadSnapshot, running: readonly OwnUnit[], standings: readonly Standing[], plan: WorkloadPlan): Standing[] {
  if (s.sets?.division && s.fleet === null && s.kind !== "daemon" && s.kind !== "batch") plan.needsFleet = true;
  const shares = sharesOf(s, running, standings);
  if (!shares) return [...standings];
  const found = [...standings];
  for (const [site, due] of shares.units) {
    const here = running.map((u, i) => ({ u, i })).filter(({ u, i }) => u.node.site === site && found[i]?.stand === "stays");
    for (const { i } of here.sort((a, b) => a.u.ordinal - b.u.ordinal).slice(due)) found[i] = { stand: "misplaced", because: `The policy gives ${site} ${counted(due, "unit")}, and it has ${here.length}.` };
  }
  return found;
}

/** For each ask the site that lacks a unit; null when any will do. */
export function sitesOfAsks(s: WorkloadSnapshot, asks: readonly Ask[], staying: readonly OwnUnit[]): (string | null)[] {
  const shares = sharesOf(s, staying, staying.map(() => ({ stand: "stays" })));
  if (!shares) return asks.map(() => null);
  const lacking = [...shares.units].flatMap(([site, due]) => Array.from({ length: Math.max(0, due - staying.filter((u) => u.node.site === site).length) }, () => site));
  return asks.map((_, i) => lacking[i] ?? null);
}
