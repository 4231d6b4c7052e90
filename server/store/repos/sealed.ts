/**
 * Sealed values where they lie, for sealing them anew with another master key. Revisions can't be changed by the
 * application: this runs as the owner of the tables.
 */
import { asJson } from "../queryable";
import type { Queryable } from "../queryable";

export type SealedEnvironment = Record<string, string | { secret: string }>;

/** Every secret of every project. Locks the rows. */
export async function secrets(db: Queryable): Promise<{ projectId: string; name: string; sealed: string }[]> {
  return (await db.query<{ projectId: string; name: string; sealed: string }>(`select project_id as "projectId", name, sealed from secrets order by project_id, name for update`)).rows;
}

export async function setSecret(db: Queryable, projectId: string, name: string, sealed: string): Promise<void> {
  await db.query("update secrets set sealed = $3 where project_id = $1 and name = $2", [projectId, name, sealed]);
}

/** Environments of every revision of every workload that has one, the newest one's copy in its object as generation null. */
export async function environments(db: Queryable): Promise<{ objectId: string; generation: number | null; projectId: string; workload: string; env: SealedEnvironment }[]> {
  const { rows } = await db.query<{ objectId: string; generation: number | null; projectId: string; workload: string; env: SealedEnvironment }>(
    `select o.id as "objectId", r.generation, o.project_id as "projectId", o.name as workload, r.manifest #> '{spec,template,env}' as env
     from objects o join object_revisions r on r.object_id = o.id where o.kind = 'Workload' and coalesce(r.manifest #> '{spec,template,env}', '{}') <> '{}'
     union all
     select o.id, null, o.project_id, o.name, o.spec #> '{template,env}' from objects o where o.kind = 'Workload' and coalesce(o.spec #> '{template,env}', '{}') <> '{}'
     order by 1, 2`,
  );
  return rows;
}

export async function setEnvironment(db: Queryable, e: { objectId: string; generation: number | null }, env: SealedEnvironment): Promise<void> {
  if (e.generation === null) await db.query("update objects set spec = jsonb_set(spec, '{template,env}', $2) where id = $1", [e.objectId, asJson(env)]);
  else await db.query("update object_revisions set manifest = jsonb_set(manifest, '{spec,template,env}', $3) where object_id = $1 and generation = $2", [e.objectId, e.generation, asJson(env)]);
}
