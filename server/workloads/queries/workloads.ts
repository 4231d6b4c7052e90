import type { Actor, ProjectRef } from "../../core/access/actor";
import { mayDo, whoMay } from "../../core/access/permissions";
import type { Permission } from "../../core/access/permissions";
import { readCursor, writeCursor } from "../../core/base/cursor";
import { refuseNow } from "../../core/base/refusal";
import { manifestYaml } from "../../core/manifest";
import type { Manifest } from "../../core/manifest";
import type { CommandView } from "../../core/views/common";
import type { WorkloadDetail, WorkloadRow } from "../../core/views/workloads";
import type { z } from "zod";
import type { objectiveView, revisionDetail, revisionRow } from "../../core/views/workloads";
import { loadGoal } from "../../placement";
import { objects, workloadsRead } from "../../store";
import type { WorkloadsDeps } from "../deps";
import { openManifest } from "../environment";
import { createSummary } from "./summary";

type RevisionRow = z.infer<typeof revisionRow>;
type RevisionDetail = z.infer<typeof revisionDetail>;
type Objective = z.infer<typeof objectiveView>;
type Page<T> = { items: T[]; nextCursor: string | null; total: number; asOfMs: number };

/** Questions about workloads and their revisions. */
export function workloadQueries(deps: WorkloadsDeps) {
  const { store, clock, seal } = deps;
  const db = store.read.client;
  const summarise = createSummary(store);
  const at = () => ({ nowMs: clock.nowMs(), silentAfterMs: deps.env.AGENT_SILENT_AFTER_MS });

  async function objectOf(project: ProjectRef, name: string): Promise<objects.StoredObject> {
    const o = await objects.byName(db, project.id, "Workload", name);
    return o ?? refuseNow("not_found", `There is no workload "${name}" in this project.`, "Look it up in Workloads.");
  }
  async function manifestOf(project: ProjectRef, o: objects.StoredObject, generation: number): Promise<Manifest | null> {
    const r = await objects.revision(db, o.id, generation);
    return r && openManifest(seal, project.id, r.manifest);
  }

  return {
    async list(project: ProjectRef, input: { cursor?: string | null | undefined; limit: number; q?: string | undefined }): Promise<Page<WorkloadRow>> {
      const now = at();
      const after = readCursor(input.cursor, 1);
      const { items, total } = await workloadsRead.page(db, project.id, { q: input.q, after: after?.[0] ?? null, limit: input.limit });
      return { items: await summarise(project.id, items, now), nextCursor: items.length === input.limit ? writeCursor([items.at(-1)?.name ?? ""]) : null, total, asOfMs: now.nowMs };
    },

    async get(project: ProjectRef, input: { name: string }, actor: Actor): Promise<WorkloadDetail> {
      const o = await objectOf(project, input.name);
      const { items } = await workloadsRead.page(db, project.id, { name: input.name, after: null, limit: 1 });
      const [row] = await summarise(project.id, items, at());
      const manifest = await manifestOf(project, o, o.generation);
      if (!row || manifest?.kind !== "Workload") return refuseNow("not_found", `There is no workload "${input.name}" in this project.`, "It was removed just now.");
      return { ...row, version: o.version, digest: o.digest, manifestYaml: manifestYaml(manifest), labels: o.labels, objectives: objectivesOf(manifest.spec.objectives, row), commands: commandsFor(project, actor, row) };
    },

    async revisions(project: ProjectRef, input: { name: string }): Promise<RevisionRow[]> {
      const o = await objectOf(project, input.name);
      const goal = await loadGoal(db, o.id);
      const counts = await workloadsRead.unitsPerGeneration(db, o.id);
      return (await objects.revisions(db, o.id)).map((r) => rowOf(r, goal?.generation ?? null, counts));
    },

    async revision(project: ProjectRef, input: { name: string; generation: number }): Promise<RevisionDetail> {
      const o = await objectOf(project, input.name);
      const r = await objects.revision(db, o.id, input.generation);
      const manifest = r && openManifest(seal, project.id, r.manifest);
      if (!r || !manifest) return refuseNow("not_found", `Workload "${input.name}" has no revision r${input.generation}.`, "Choose one of its revisions.");
      const previous = await manifestOf(project, o, input.generation - 1);
      const goal = await loadGoal(db, o.id);
      return { ...rowOf(r, goal?.generation ?? null, await workloadsRead.unitsPerGeneration(db, o.id)), manifestYaml: manifestYaml(manifest), previousYaml: previous && manifestYaml(previous) };
    },
  };
}

/** A revision as lists show it. `goal` is the one that should run when no rollout is open. */
export function rowOf(r: Omit<objects.StoredRevision, "manifest">, goal: number | null, counts: { desired: Map<number, number>; observed: Map<number, number> }): RevisionRow {
  return { generation: r.generation, digest: r.digest, author: r.author, reason: r.reason, createdAtMs: r.createdAtMs, changes: r.changes, heldReason: r.heldReason, current: r.generation === goal, unitsDesired: counts.desired.get(r.generation) ?? 0, unitsObserved: counts.observed.get(r.generation) ?? 0 };
}

/** Objectives against what was measured: met, missed, or not measured (then nothing is claimed). */
function objectivesOf(o: { latencyP99Ms?: number | undefined; accuracyMin?: number | undefined; errorRateMax?: number | undefined } | undefined, row: WorkloadRow): Objective[] {
  const found: Objective[] = [];
  const add = (name: string, target: string, measured: number | null, text: (v: number) => string, met: (v: number) => boolean) =>
    found.push({
      name, target, measured: measured === null ? null : text(measured),
      state: measured === null ? { state: "pending", because: "Nothing was measured in the last 5 minutes.", sinceMs: row.measuredAtMs } : met(measured) ? { state: "healthy", because: `${text(measured)} is within ${target}.`, sinceMs: null } : { state: "failing", because: `${text(measured)} misses ${target}.`, sinceMs: null },
    });
  if (o?.latencyP99Ms !== undefined) { const max = o.latencyP99Ms; add("latency p99", `at most ${max} ms`, row.latencyP99Ms, (v) => `${v.toFixed(1)} ms`, (v) => v <= max); }
  if (o?.accuracyMin !== undefined) { const min = o.accuracyMin; add("accuracy", `at least ${(min * 100).toFixed(1)}%`, row.accuracy, (v) => `${(v * 100).toFixed(1)}%`, (v) => v >= min); }
  if (o?.errorRateMax !== undefined) { const max = o.errorRateMax; add("error rate", `at most ${(max * 100).toFixed(2)}%`, row.errorRate, (v) => `${(v * 100).toFixed(2)}%`, (v) => v <= max); }
  return found;
}

/** What may be done with a workload, and why not when it may not. */
function commandsFor(project: ProjectRef, actor: Actor, row: WorkloadRow): CommandView[] {
  const held = actor.roles(project.id);
  const open = row.rollout ? `Rollout ${row.rollout.number} has not ended.` : null;
  const may = (permission: Permission, otherwise: string | null): string | null => (mayDo(held, permission) ? otherwise : whoMay(permission));
  return [
    { command: "apply", disabledBecause: may("manifests.apply", null), cli: `holdfast apply -f ${row.name}.yaml --reason "…"` },
    { command: "scale", disabledBecause: may("manifests.apply", row.kind === "daemon" ? "A daemon has one unit on each matching node." : null), cli: `holdfast apply -f ${row.name}.yaml --reason "…"  # with spec.replicas changed` },
    { command: "rollBackTo", disabledBecause: may("manifests.apply", row.generation < 2 ? "It has only one revision." : open), cli: `holdfast apply -f ${row.name}.yaml --reason "…"  # with what rN said` },
    { command: "rollOut", disabledBecause: may("rollouts.operate", open), cli: `holdfast rollout create ${row.name} --generation N --strategy NAME --reason "…"` },
    { command: "remove", disabledBecause: may("manifests.delete", open), cli: `holdfast delete workload ${row.name}` },
  ];
}
