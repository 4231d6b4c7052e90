import type { FleetNode, WhatIfWorld } from "../../core/placement";
import type { PlacementDeps } from "../deps";
import { contactFreshMs } from "../fleet-cache";
import { readProject } from "./read";
import type { ProjectRows } from "./read";
import { readWarm, worldOf } from "./world";

/** Whatever a picture of a project is made from. */
const TOPICS = ["node", "site", "workload", "policy", "object", "assignment", "observation", "rollout"] as const;
/** Pictures kept: a large one takes some hundred MiB. */
const KEPT = 2;

export interface ReadWorld {
  rows: ProjectRows;
  warm: ReadonlyMap<string, ReadonlySet<string>>;
  nodes: ReadonlyMap<string, FleetNode>;
  world: WhatIfWorld;
}

export interface WorldCache {
  read(projectId: string, at: { nowMs: number; silentAfterMs: number }): Promise<ReadWorld>;
}

/**
 * Remembers the picture of a project as long as nothing of it has changed: people who edit a policy ask many times in a
 * row. Whether something has is asked of the change pointers, so an answer is never older than the store.
 */
export function snapshotCache(deps: PlacementDeps): WorldCache {
  const db = deps.store.read.client;
  const known = new Map<string, { cursor: string; atMs: number; read: Promise<ReadWorld> }>();
  const load = async (projectId: string, at: { nowMs: number; silentAfterMs: number }): Promise<ReadWorld> => {
    const rows = await readProject(db, projectId);
    const warm = await readWarm(db, projectId, rows, at);
    return { rows, warm, ...worldOf(rows, at, warm) };
  };
  return {
    async read(projectId, at) {
      const had = known.get(projectId);
      if (had && Math.abs(at.nowMs - had.atMs) < contactFreshMs(at.silentAfterMs) && !(await deps.store.changedSince(had.cursor, TOPICS, projectId))) return had.read;
      // The cursor comes first: what changes while it is read is found changed the next time.
      const cursor = await deps.store.changesNow();
      const read = load(projectId, at);
      known.delete(projectId);
      known.set(projectId, { cursor, atMs: at.nowMs, read });
      for (const id of known.keys()) if (known.size > KEPT) known.delete(id);
      read.catch(() => known.delete(projectId));
      return read;
    },
  };
}
