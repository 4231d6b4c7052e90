import type { RouteSpec } from "../../protocol/messages";
import { asJson } from "../queryable";
import type { Queryable } from "../queryable";
import type { Tx } from "../transaction";

/** A workload at some of its sites. */
export interface RoutedAt {
  projectId: string;
  workloadId: string;
  siteIds: readonly string[];
}

/**
 * Divides a service's requests at these sites from now on; what is left out of `spec` stays as it was (or has its
 * default). The nodes of the sites are told. A service is routed from the first time on, until `clear`.
 */
export async function set(tx: Tx, at: RoutedAt, spec: Partial<RouteSpec>): Promise<void> {
  await tx.client.query(
    `insert into service_routes (workload_id, site_id, project_id, spec) select $1, s, $3, $4::jsonb from unnest($2::text[]) s order by s
     on conflict (workload_id, site_id) do update set spec = service_routes.spec || excluded.spec, updated_at = now()`,
    [at.workloadId, at.siteIds, at.projectId, asJson(spec)],
  );
  tell(tx, at);
}

/** Routes the service no longer at these sites: routers there close its port. */
export async function clear(tx: Tx, at: RoutedAt): Promise<void> {
  await tx.client.query("delete from service_routes where workload_id = $1 and site_id = any($2)", [at.workloadId, at.siteIds]);
  tell(tx, at);
}

function tell(tx: Tx, at: RoutedAt): void {
  for (const siteId of at.siteIds) tx.notify("holdfast_desired", `site:${siteId}`);
  tx.changes.add("workload", at.workloadId, at.projectId);
}

/** What is routed at a site: the service, its ports by name, and how (not yet with its defaults), in a fixed order. */
export async function ofSite(db: Queryable, siteId: string): Promise<{ service: string; ports: string[]; spec: unknown }[]> {
  const { rows } = await db.query<{ service: string; ports: string[]; spec: unknown }>(
    `select o.name as service, array(select p ->> 'name' from jsonb_array_elements(coalesce(o.spec -> 'template' -> 'ports', '[]')) p order by 1) as ports, r.spec
     from service_routes r join objects o on o.id = r.workload_id and o.deleted_at is null where r.site_id = $1 order by o.name`,
    [siteId],
  );
  return rows;
}
