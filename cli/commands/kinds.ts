import type { RouterOutputs } from "../../server/trpc";
import { usage } from "../io";
import { age, bytes, count, percent, time } from "../output";
import type { Column } from "../output";
import { everyPage } from "../session";
import type { Session } from "../session";

type Items<P extends { items: unknown[] }> = P["items"][number];
/** A kind of thing that `get` lists: its names, how its list is read, and its columns. */
export type Kind = { names: readonly [string, ...string[]]; list(s: Session, o: ListOptions): Promise<unknown[]>; columns(nowMs: number): readonly Column<never>[]; one?: (s: Session, name: string) => Promise<unknown>; nameOf(row: never): string };
export type ListOptions = { workload?: string; node?: string; site?: string; state?: "healthy" | "degraded" | "failing" | "silent" | "pending"; query?: string };

/** Ties the row type of a kind together; the table of kinds forgets it again. */
function kind<T>(k: { names: readonly [string, ...string[]]; list(s: Session, o: ListOptions): Promise<T[]>; columns(nowMs: number): readonly Column<T>[]; one?: (s: Session, name: string) => Promise<unknown>; nameOf(row: T): string }): Kind {
  return k as unknown as Kind;
}
const p = (s: Session): { project: string } => ({ project: s.project });

type Node = Items<RouterOutputs["fleet"]["nodes"]>;
type Unit = Items<RouterOutputs["fleet"]["units"]>;
type Workload = Items<RouterOutputs["workloads"]["list"]>;
type Rollout = Items<RouterOutputs["rollouts"]["list"]>;
type Approval = Items<RouterOutputs["approvals"]["list"]>;
type Decision = Items<RouterOutputs["placement"]["decisions"]>;
type Site = RouterOutputs["fleet"]["sites"][number];
type ManifestRow = Items<RouterOutputs["manifests"]["objects"]>;

const manifestKind = (names: readonly [string, ...string[]], manifest: "PlacementPolicy" | "RolloutStrategy" | "AnalysisTemplate" | "Quota"): Kind =>
  kind<ManifestRow>({
    names,
    list: (s, o) => everyPage((page) => s.api.manifests.objects.query({ ...p(s), ...page, kind: manifest, q: o.query })),
    columns: (now) => [
      { title: "name", of: (r) => r.name },
      { title: "revision", of: (r) => `r${r.generation}` },
      { title: "changed", of: (r) => age(now, r.updatedAtMs) },
      { title: "by", of: (r) => r.author },
      { title: "used by", of: (r) => r.usedBy.join(",") },
      { title: "summary", of: (r) => r.summary },
    ],
    one: (s, name) => s.api.manifests.object.query({ ...p(s), kind: manifest, name }),
    nameOf: (r) => r.name,
  });

/** Everything that `holdfast get` can list. */
export const kinds: readonly Kind[] = [
  kind<Site>({
    names: ["sites", "site"],
    list: (s) => s.api.fleet.sites.query(p(s)),
    columns: (now) => [
      { title: "name", of: (r) => r.name },
      { title: "state", of: (r) => r.state.state },
      { title: "kind", of: (r) => r.kind },
      { title: "jurisdiction", of: (r) => r.jurisdiction },
      { title: "nodes", of: (r) => count(r.nodes) },
      { title: "units", of: (r) => count(r.units) },
      { title: "contact", of: (r) => age(now, r.lastContactMs) },
    ],
    one: (s, name) => s.api.fleet.site.query({ ...p(s), name }),
    nameOf: (r) => r.name,
  }),
  kind<Node>({
    names: ["nodes", "node"],
    list: (s, o) => everyPage((page) => s.api.fleet.nodes.query({ ...p(s), ...page, site: o.site, state: o.state, q: o.query })),
    columns: (now) => [
      { title: "name", of: (r) => r.name },
      { title: "site", of: (r) => r.site },
      { title: "state", of: (r) => r.state.state },
      { title: "desired", of: (r) => r.desiredState },
      { title: "units", of: (r) => count(r.units) },
      { title: "cpu", of: (r) => percent(r.cpuShare) },
      { title: "memory", of: (r) => bytes(r.memoryUsedBytes) },
      { title: "seen", of: (r) => age(now, r.lastSeenMs) },
      { title: "agent", of: (r) => r.agentVersion },
    ],
    one: (s, name) => s.api.fleet.node.query({ ...p(s), name }),
    nameOf: (r) => r.name,
  }),
  kind<Unit>({
    names: ["units", "unit"],
    list: (s, o) => everyPage((page) => s.api.fleet.units.query({ ...p(s), ...page, workload: o.workload, node: o.node, site: o.site, state: o.state })),
    columns: (now) => [
      { title: "unit", of: (r) => r.unit },
      { title: "state", of: (r) => r.state.state },
      { title: "node", of: (r) => r.node },
      { title: "site", of: (r) => r.site },
      { title: "asked", of: (r) => (r.desired.action === "stop" ? "stop" : `r${r.desired.generation}`) },
      { title: "running", of: (r) => (r.observed ? `r${r.observed.generation}` : null) },
      { title: "restarts", of: (r) => r.observed?.restarts },
      { title: "reported", of: (r) => age(now, r.observed?.atMs) },
    ],
    nameOf: (r) => r.unit,
  }),
  kind<Workload>({
    names: ["workloads", "workload"],
    list: (s, o) => everyPage((page) => s.api.workloads.list.query({ ...p(s), ...page, q: o.query })),
    columns: (now) => [
      { title: "name", of: (r) => r.name },
      { title: "kind", of: (r) => r.kind },
      { title: "state", of: (r) => r.state.state },
      { title: "revision", of: (r) => `r${r.generation}` },
      { title: "units", of: (r) => count(r.units) },
      { title: "rollout", of: (r) => (r.rollout ? `#${r.rollout.number} ${r.rollout.phase}` : null) },
      { title: "p99 ms", of: (r) => r.latencyP99Ms?.toFixed(1) },
      { title: "accuracy", of: (r) => percent(r.accuracy) },
      { title: "changed", of: (r) => age(now, r.updatedAtMs) },
    ],
    one: (s, name) => s.api.workloads.get.query({ ...p(s), name }),
    nameOf: (r) => r.name,
  }),
  kind<RouterOutputs["workloads"]["revisions"][number]>({
    names: ["revisions", "revision"],
    list: (s, o) => {
      if (!o.workload) throw usage("Revisions are of a workload: holdfast get revisions --workload NAME.");
      return s.api.workloads.revisions.query({ ...p(s), name: o.workload });
    },
    columns: (now) => [
      { title: "revision", of: (r) => `r${r.generation}${r.current ? " *" : ""}` },
      { title: "digest", of: (r) => r.digest.slice(0, 19) },
      { title: "by", of: (r) => r.author },
      { title: "age", of: (r) => age(now, r.createdAtMs) },
      { title: "units", of: (r) => `${r.unitsObserved}/${r.unitsDesired}` },
      { title: "held", of: (r) => r.heldReason },
      { title: "reason", of: (r) => r.reason },
    ],
    nameOf: (r) => `r${r.generation}`,
  }),
  manifestKind(["policies", "policy"], "PlacementPolicy"),
  manifestKind(["strategies", "strategy"], "RolloutStrategy"),
  manifestKind(["analyses", "analysis"], "AnalysisTemplate"),
  manifestKind(["quotas", "quota"], "Quota"),
  kind<Rollout>({
    names: ["rollouts", "rollout"],
    list: (s, o) => everyPage((page) => s.api.rollouts.list.query({ ...p(s), ...page, workload: o.workload })),
    columns: (now) => [
      { title: "number", of: (r) => `#${r.number}` },
      { title: "workload", of: (r) => r.workload },
      { title: "from", of: (r) => `r${r.fromGeneration}` },
      { title: "to", of: (r) => `r${r.toGeneration}` },
      { title: "phase", of: (r) => r.phaseLabel },
      { title: "wave", of: (r) => `${Math.min(r.wave.index + 1, r.wave.count)}/${r.wave.count} ${r.wave.name}` },
      { title: "updated", of: (r) => `${r.targets.updated}/${r.targets.total}` },
      { title: "by", of: (r) => r.author },
      { title: "age", of: (r) => age(now, r.createdAtMs) },
    ],
    one: (s, number) => s.api.rollouts.get.query({ ...p(s), number: rolloutNumber(number) }),
    nameOf: (r) => String(r.number),
  }),
  kind<Approval>({
    names: ["approvals", "approval"],
    list: (s) => everyPage((page) => s.api.approvals.list.query({ ...p(s), ...page })),
    columns: (now) => [
      { title: "rollout", of: (r) => `#${r.rolloutNumber}` },
      { title: "workload", of: (r) => r.workload },
      { title: "gate", of: (r) => r.gate },
      { title: "state", of: (r) => r.state },
      { title: "units", of: (r) => `${r.blastRadius.units}/${r.blastRadius.unitsTotal}` },
      { title: "by", of: (r) => r.author },
      { title: "asked", of: (r) => age(now, r.requestedAtMs) },
      { title: "until", of: (r) => time(r.expiresAtMs) },
      { title: "decided by", of: (r) => r.decidedBy },
    ],
    one: (s, id) => s.api.approvals.get.query({ ...p(s), id }),
    nameOf: (r) => r.id,
  }),
  kind<Decision>({
    names: ["decisions", "decision"],
    list: (s, o) => everyPage((page) => s.api.placement.decisions.query({ ...p(s), ...page, workload: o.workload }), 1_000),
    columns: (now) => [
      { title: "id", of: (r) => r.id },
      { title: "unit", of: (r) => r.unit },
      { title: "outcome", of: (r) => r.outcome },
      { title: "node", of: (r) => r.node },
      { title: "age", of: (r) => age(now, r.atMs) },
      { title: "because", of: (r) => r.because },
    ],
    one: (s, id) => s.api.placement.decision.query({ ...p(s), id }),
    nameOf: (r) => r.id,
  }),
  kind<RouterOutputs["artifacts"]["list"][number]>({
    names: ["artifacts", "artifact"],
    list: (s) => s.api.artifacts.list.query(p(s)),
    columns: (now) => [
      { title: "name", of: (r) => r.name },
      { title: "digest", of: (r) => r.digest },
      { title: "size", of: (r) => bytes(r.sizeBytes) },
      { title: "type", of: (r) => r.mediaType },
      { title: "age", of: (r) => age(now, r.createdAtMs) },
      { title: "used by", of: (r) => r.usedBy.join(",") },
    ],
    one: (s, digest) => s.api.artifacts.get.query({ ...p(s), digest }),
    nameOf: (r) => r.digest,
  }),
  kind<RouterOutputs["people"]["list"][number]>({
    names: ["people", "person"],
    list: (s) => s.api.people.list.query(p(s)),
    columns: (now) => [
      { title: "login", of: (r) => r.login },
      { title: "name", of: (r) => r.name },
      { title: "active", of: (r) => (r.active ? "yes" : "no") },
      { title: "signs in by", of: (r) => r.signIn },
      { title: "roles", of: (r) => r.roles.map((x) => (x.project === "*" ? `${x.role} (everywhere)` : x.role)).join(", ") },
      { title: "last", of: (r) => age(now, r.lastSignInMs) },
    ],
    nameOf: (r) => r.login,
  }),
];

export function kindNamed(name: string): Kind {
  const found = kinds.find((k) => k.names.includes(name.toLowerCase()));
  if (!found) throw usage(`There is no kind '${name}'. Use one of: ${kinds.map((k) => k.names[0]).join(", ")}.`);
  return found;
}

/** A rollout's number from `12` or `#12`. */
export function rolloutNumber(text: string): number {
  const m = /^#?(\d{1,9})$/.exec(text);
  if (!m) throw usage(`'${text}' is no rollout number. Use the number of \`holdfast rollout list\`, such as 12.`);
  return Number(m[1]);
}
