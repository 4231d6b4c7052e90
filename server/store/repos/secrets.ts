import { oneOrNone, toMs } from "../queryable";
import type { Queryable } from "../queryable";

export interface StoredSecret {
  name: string;
  sealed: string;
  version: number;
  updatedBy: string;
  updatedAtMs: number;
}

/** Secrets of a project with the workloads whose newest revision names them; values stay sealed. */
export async function list(db: Queryable, projectId: string): Promise<(Omit<StoredSecret, "sealed"> & { usedBy: string[] })[]> {
  const { rows } = await db.query<{ name: string; version: number; updated_by: string; updated_at: Date; used_by: string[] }>(
    `select s.name, s.version, s.updated_by, s.updated_at,
       coalesce((select array_agg(distinct o.name order by o.name) from objects o, jsonb_each(o.spec #> '{template,env}') e where o.project_id = s.project_id and o.kind = 'Workload' and o.deleted_at is null and e.value ->> 'secret' = s.name), '{}') as used_by
     from secrets s where s.project_id = $1 order by s.name`,
    [projectId],
  );
  return rows.map((r) => ({ name: r.name, version: r.version, updatedBy: r.updated_by, updatedAtMs: toMs(r.updated_at), usedBy: r.used_by }));
}

export async function names(db: Queryable, projectId: string): Promise<Set<string>> {
  return new Set((await db.query<{ name: string }>("select name from secrets where project_id = $1", [projectId])).rows.map((r) => r.name));
}

/** A secret's sealed value; null when there is none of that name. */
export async function sealedOf(db: Queryable, projectId: string, name: string): Promise<string | null> {
  return (await oneOrNone<{ sealed: string }>(db, "select sealed from secrets where project_id = $1 and name = $2", [projectId, name]))?.sealed ?? null;
}

/** Writes a secret; gives its new version. */
export async function put(db: Queryable, s: { projectId: string; name: string; sealed: string; updatedBy: string; nowMs: number }): Promise<number> {
  const r = await oneOrNone<{ version: number }>(
    db,
    `insert into secrets (project_id, name, sealed, updated_by, updated_at) values ($1, $2, $3, $4, to_timestamp($5 / 1000.0))
     on conflict (project_id, name) do update set sealed = excluded.sealed, updated_by = excluded.updated_by, updated_at = excluded.updated_at, version = secrets.version + 1
     returning version`,
    [s.projectId, s.name, s.sealed, s.updatedBy, s.nowMs],
  );
  return r?.version ?? 1;
}

export async function remove(db: Queryable, projectId: string, name: string): Promise<boolean> {
  return (await db.query("delete from secrets where project_id = $1 and name = $2", [projectId, name])).rowCount === 1;
}

/** Nodes that run units of workloads which name the secret: they must be told its new value. */
export async function nodesUsing(db: Queryable, projectId: string, name: string): Promise<string[]> {
  const { rows } = await db.query<{ node_id: string }>(
    `select distinct a.node_id from assignments a join object_revisions r on r.object_id = a.workload_id and r.generation = a.generation, jsonb_each(r.manifest #> '{spec,template,env}') e
     where a.project_id = $1 and a.ended_at is null and e.value ->> 'secret' = $2`,
    [projectId, name],
  );
  return rows.map((r) => r.node_id);
}
