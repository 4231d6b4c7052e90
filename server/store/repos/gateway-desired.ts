import { oneOrNone } from "../queryable";
import type { Queryable } from "../queryable";

/** A unit that should be on a node, with the manifest of its revision as it is stored (environment sealed). */
export interface DesiredUnitRow {
  assignmentId: string;
  unit: string;
  workload: string;
  generation: number;
  digest: string;
  desired: "run" | "stop";
  /** Of a unit with a share of a device: which of its node. */
  slot: number | null;
  slotModel: string | null;
  manifest: unknown;
  /** While its revision is on trial: until when, and the revision that the node goes back to. */
  trial: { rollout: string; attempt: number | null; returnAtMs: number; generation: number; digest: string; manifest: unknown } | null;
  /** True when the agent has spoken of it: it may be running there. */
  observed: boolean;
}
export interface DesiredNodeRow {
  nodeId: string;
  node: string;
  generation: number;
  projectId: string;
  project: string;
  siteId: string;
  site: string;
}

export async function nodeForDesired(db: Queryable, nodeId: string): Promise<DesiredNodeRow | undefined> {
  return oneOrNone<DesiredNodeRow>(
    db,
    `select n.id as "nodeId", n.name as node, n.desired_generation as generation, n.project_id as "projectId", p.name as project, n.site_id as "siteId", s.name as site
     from nodes n join projects p on p.id = n.project_id join sites s on s.id = n.site_id where n.id = $1`,
    [nodeId],
  );
}

/** Live assignments of a node with their revisions' manifests, in a fixed order. */
export async function unitsForDesired(db: Queryable, nodeId: string): Promise<DesiredUnitRow[]> {
  const { rows } = await db.query<DesiredUnitRow>(
    `select a.id as "assignmentId", a.unit, o.name as workload, a.generation, a.digest, a.desired, a.shared_slot as slot, a.shared_model as "slotModel", r.manifest, exists (select 1 from observations b where b.assignment_id = a.id) as observed,
       case when a.trial is not null then jsonb_build_object('rollout', a.trial -> 'rollout', 'attempt', a.trial -> 'attempt', 'returnAtMs', a.trial -> 'returnAtMs', 'generation', p.generation, 'digest', p.digest, 'manifest', p.manifest) end as trial
     from assignments a join objects o on o.id = a.workload_id join object_revisions r on r.object_id = a.workload_id and r.generation = a.generation
     left join object_revisions p on a.desired = 'run' and p.object_id = a.workload_id and p.generation = (a.trial ->> 'previousGeneration')::int
     where a.node_id = $1 and a.ended_at is null order by a.id`,
    [nodeId],
  );
  return rows;
}

/** Sealed values of a project's secrets by name. */
export async function sealedSecrets(db: Queryable, projectId: string, names: readonly string[]): Promise<Map<string, string>> {
  if (names.length === 0) return new Map();
  const { rows } = await db.query<{ name: string; sealed: string }>("select name, sealed from secrets where project_id = $1 and name = any($2)", [projectId, names]);
  return new Map(rows.map((r) => [r.name, r.sealed]));
}

/** An observed unit of a site that answers, with its ports. */
export interface EndpointRow {
  service: string;
  unit: string;
  assignmentId: string;
  node: string;
  site: string;
  generation: number;
  address: string;
  ports: Record<string, number>;
}

/**
 * Units of a site that run, are not unhealthy and have ports, in a fixed order. A unit without a health check counts: it
 * will never be called healthy. Units on nodes that are out of the control plane's reach stay: their site may reach them.
 */
export async function endpointsOfSite(db: Queryable, siteId: string): Promise<EndpointRow[]> {
  const { rows } = await db.query<EndpointRow>(
    `select w.name as service, a.unit, a.id as "assignmentId", n.name as node, s.name as site, o.generation, n.address, o.ports
     from nodes n join sites s on s.id = n.site_id
     join assignments a on a.node_id = n.id and a.ended_at is null and a.desired = 'run'
     join observations o on o.assignment_id = a.id and o.phase = 'running' and o.health in ('healthy', 'unknown') and o.ports <> '{}'::jsonb
     join objects w on w.id = a.workload_id
     where n.site_id = $1 and n.address is not null and n.desired_state <> 'decommissioned' order by a.id`,
    [siteId],
  );
  return rows;
}
