import type { ProjectRef } from "../core/access/actor";
import { counted } from "../core/fleet";
import { placementPolicySpec } from "../core/manifest/placement-policy";
import type { PlacementPolicySpec } from "../core/manifest/placement-policy";
import type { Manifest, WorkloadManifest } from "../core/manifest";
import { besides, evaluate, namedBy, nodeReasons, policyShape, previewShape, profileOf, reasonSummary, shapeOf } from "../core/placement";

import { loadFleet, loadNeighbours } from "../placement";
import { objects, schedulerKeys, schedulerSnapshot, sites } from "../store";
import type { Queryable } from "../store";
import type { Prepared } from "./prepare";

export interface Consequence {
  sentence: string;
  warnings: string[];
}

/** Says what applying an object will do, and what is odd about it, against the fleet as it is. */
export async function consequenceOf(db: Queryable, project: ProjectRef, p: Prepared, all: readonly Prepared[], o: { nowMs: number; silentAfterMs: number }): Promise<Consequence> {
  const m = p.manifest;
  switch (m.kind) {
    case "Workload":
      return workloadConsequence(db, project, p, m, all, o);
    case "PlacementPolicy":
      return policyConsequence(db, project, p, m.metadata.name, m.spec, all, o);
    case "Site": {
      const known = new Set([...(await sites.all(db, project.id)).map((s) => s.name), ...all.map((x) => x.manifest.metadata.name)]);
      const warnings = m.spec.links.filter((l) => !known.has(l.to)).map((l) => `There is no site "${l.to}" yet: the link is kept and shown when it comes.`);
      return { sentence: p.action === "unchanged" ? "Nothing changes." : p.action === "create" ? "The site appears; nodes can join it." : "The site's facts change; selectors see them at once.", warnings };
    }
    case "RolloutStrategy":
      return { sentence: p.action === "unchanged" ? "Nothing changes." : "New rollouts go by it; a rollout that is open keeps the steps it began with.", warnings: [] };
    case "Quota":
      return { sentence: p.action === "unchanged" ? "Nothing changes." : "It limits what is placed from now on; units that run go on running.", warnings: [] };
    case "AnalysisTemplate":
      return { sentence: p.action === "unchanged" ? "Nothing changes." : "New verdicts are made by it.", warnings: [] };
  }
}

async function workloadConsequence(db: Queryable, project: ProjectRef, p: Prepared, m: WorkloadManifest, all: readonly Prepared[], o: { nowMs: number; silentAfterMs: number }): Promise<Consequence> {
  const warnings: string[] = [];
  const fleet = await loadFleet(db, project.id, o);
  const { name } = m.metadata;
  const policy = await policyFor(db, project, m.spec.policy, all);
  const asked = shapeOf(name, m.spec, policy);
  const neighbours = await loadNeighbours(db, project.id, name, asked);
  const named = namedBy(asked);
  const workloads = new Set(named.length ? [...(await objects.ofKinds(db, project.id, ["Workload"])), ...all.map((x) => x.manifest.metadata)].map((w) => w.name) : []);
  for (const other of named) if (!workloads.has(other)) warnings.push(`There is no workload "${other}" yet: the rule holds when it comes.`);
  warnings.push(...(await unknownSites(db, project, all, (m.spec.traffic ?? []).flatMap((t) => t.to ?? []), "what is sent there leaves every site")));
  const { shape, groups } = besides(asked, neighbours, [], fleet);
  const fit = evaluate(fleet, { unit: name, shape }, { seed: "", own: [], groups });
  const matching = fleet.nodes.filter((n) => nodeReasons(shape, n, o.nowMs).every((r) => r.code === "not_active" || r.code === "silent")).length;
  const free = fit.filter((f) => f.reasons.length === 0).length;
  const profiles = Object.keys(shape.demand.extra ?? {}).filter((name) => fleet.nodes.every((n) => n.capacity.extra?.[name] === undefined)).flatMap((name) => profileOf(name) ?? []);
  if (fleet.nodes.length > 0) for (const profile of profiles) warnings.push(`No node offers the slice ${profile} yet: units wait for one that does.`);
  if (fleet.nodes.length === 0) warnings.push("There is no node in the fleet yet: units wait for one.");
  else if (matching === 0) warnings.push(`No node matches: ${topReasons(fit)}. Units wait until one does.`);
  else if (free === 0 && p.action === "create" && profiles.length === 0) warnings.push(`${counted(matching, "node")} match, but none has room now: ${topReasons(fit)}.`);
  const skewed = shape.policy?.spread.some((s) => s.over === "node" && s.maxSkew === 1) ?? false;
  if (skewed && m.spec.kind !== "daemon" && m.spec.replicas > matching && matching > 0) warnings.push(`${counted(m.spec.replicas, "unit")} over ${counted(matching, "matching node")} with a skew of at most 1.`);
  const units = m.spec.kind === "daemon" ? `one unit on each of ${counted(matching, "matching node")}` : counted(m.spec.replicas, "unit");
  if (p.action === "create") return { sentence: `The scheduler places ${units}; ${counted(free, "node")} can take ${free === 1 ? "it" : "them"} now.`, warnings };
  const sentences: string[] = [];
  if (p.delivery.by === "rollout") sentences.push(`A rollout by strategy ${p.delivery.strategy} brings r${p.generation} to the units; until it is done, r${p.delivery.from} goes on running.`);
  else if (p.delivery.by === "reconciler") sentences.push(`The scheduler moves the units to r${p.generation}, one at a time, each only when the one before is healthy.`);
  const before = p.previous?.kind === "Workload" ? p.previous.spec : null;
  if (before && m.spec.kind !== "daemon" && before.replicas !== m.spec.replicas) sentences.push(`From ${before.replicas} to ${counted(m.spec.replicas, "unit")}, at once.`);
  if (before && (before.policy !== m.spec.policy || before.selector !== m.spec.selector)) sentences.push("Units on nodes that no longer match move, each only when its replacement serves.");
  if (sentences.length === 0) sentences.push(p.action === "unchanged" ? "Nothing changes." : "No unit restarts.");
  return { sentence: sentences.join(" "), warnings };
}

async function policyConsequence(db: Queryable, project: ProjectRef, p: Prepared, name: string, spec: PlacementPolicySpec, all: readonly Prepared[], o: { nowMs: number; silentAfterMs: number }): Promise<Consequence> {
  if (p.action === "unchanged") return { sentence: "Nothing changes.", warnings: [] };
  const fleet = await loadFleet(db, project.id, o);
  const shape = previewShape({ policy: policyShape(name, spec) });
  const allowed = new Set(fleet.nodes.filter((n) => nodeReasons({ ...shape, engine: n.engines[0] ?? shape.engine }, n, o.nowMs).every((r) => ["not_active", "silent", "not_connected"].includes(r.code))).map((n) => n.id));
  const warnings: string[] = [];
  if (allowed.size === 0 && fleet.nodes.length > 0) warnings.push("The policy allows no node of the fleet.");
  warnings.push(...(await unknownSites(db, project, all, spec.prefer.flatMap((x) => (x.by === "latency" ? Object.keys(x.clients) : [])), "no link leads to its clients")));
  const users = await schedulerKeys.workloadsOfPolicy(db, project.id, name);
  let moving = 0;
  for (const id of users) moving += (await schedulerSnapshot.ownUnits(db, id)).filter((u) => u.desired === "run" && !allowed.has(u.nodeId)).length;
  if (moving > 0) warnings.push(`${counted(moving, "unit")} ${moving === 1 ? "stands" : "stand"} on nodes that the policy does not allow: each moves when its replacement serves.`);
  return { sentence: `It allows ${allowed.size} of ${counted(fleet.nodes.length, "node")}${users.length ? `, and binds ${counted(users.length, "workload")} at once` : "; no workload names it yet"}.`, warnings };
}

/** A warning for each name that is no site of the project, nor of the same text. */
async function unknownSites(db: Queryable, project: ProjectRef, all: readonly Prepared[], names: readonly string[], until: string): Promise<string[]> {
  if (names.length === 0) return [];
  const known = new Set([...(await sites.all(db, project.id)).map((s) => s.name), ...all.flatMap((x) => (x.manifest.kind === "Site" ? [x.manifest.metadata.name] : []))]);
  return [...new Set(names)].filter((n) => !known.has(n)).map((n) => `There is no site "${n}" yet: until it comes, ${until}.`);
}

async function policyFor(db: Queryable, project: ProjectRef, name: string | undefined, all: readonly Prepared[]): Promise<{ name: string; spec: PlacementPolicySpec } | null> {
  if (name === undefined) return null;
  const inText = all.map((x) => x.manifest).find((x): x is Extract<Manifest, { kind: "PlacementPolicy" }> => x.kind === "PlacementPolicy" && x.metadata.name === name);
  if (inText) return { name, spec: inText.spec };
  const parsed = placementPolicySpec.safeParse((await objects.byName(db, project.id, "PlacementPolicy", name))?.spec);
  return parsed.success ? { name, spec: parsed.data } : null;
}

/** The two most frequent decisive reasons, such as "4 don't match the workload's selector; 2 are silent". */
function topReasons(fit: ReturnType<typeof evaluate>): string {
  const counts = new Map<keyof typeof reasonSummary, number>();
  for (const f of fit) if (f.reasons[0]) counts.set(f.reasons[0].code, (counts.get(f.reasons[0].code) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, 2).map(([code, n]) => `${n} ${reasonSummary[code]}`).join("; ");
}
