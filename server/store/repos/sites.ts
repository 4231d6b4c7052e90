import { asJson, oneOrNone } from "../queryable";
import type { Queryable } from "../queryable";

/** The runtime row of a Site object. `spec` is the manifest's; whoever needs it parses it with `core/manifest`. */
export interface StoredSite {
  id: string;
  projectId: string;
  name: string;
  title: string;
  kind: string;
  jurisdiction: string;
  timeZone: string;
  spec: unknown;
}

const columns = `id, project_id as "projectId", name, title, kind, jurisdiction, time_zone as "timeZone", spec`;

export const byName = (db: Queryable, projectId: string, name: string) =>
  oneOrNone<StoredSite>(db, `select ${columns} from sites where project_id = $1 and name = $2 and deleted_at is null`, [projectId, name]);
/** Every site of a project that is not removed, by name. */
export const all = async (db: Queryable, projectId: string) =>
  (await db.query<StoredSite>(`select ${columns} from sites where project_id = $1 and deleted_at is null order by name`, [projectId])).rows;

/** Writes the row of a Site object as it now is. */
export async function upsert(db: Queryable, s: StoredSite): Promise<void> {
  await db.query(
    `insert into sites (id, project_id, name, title, kind, jurisdiction, time_zone, spec) values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (id) do update set name = excluded.name, title = excluded.title, kind = excluded.kind, jurisdiction = excluded.jurisdiction, time_zone = excluded.time_zone, spec = excluded.spec, deleted_at = null`,
    [s.id, s.projectId, s.name, s.title, s.kind, s.jurisdiction, s.timeZone, asJson(s.spec)],
  );
}

/** Marks a site as removed; its nodes' rows keep pointing at it. */
export async function markRemoved(db: Queryable, id: string): Promise<void> {
  await db.query("update sites set deleted_at = now() where id = $1", [id]);
}

/** A declared link; `siteA` comes before `siteB` by name. */
export interface StoredLink {
  id: string;
  projectId: string;
  siteA: string;
  siteB: string;
  latencyMs: number;
  lossPercent: number;
  bandwidthMbps: number;
  pricePerGib: number;
  simulated: boolean;
}

const linkColumns = `id, project_id as "projectId", site_a as "siteA", site_b as "siteB", latency_ms as "latencyMs", loss_percent as "lossPercent", bandwidth_mbps as "bandwidthMbps", price_per_gib as "pricePerGib", simulated`;

export const links = async (db: Queryable, projectId: string) =>
  (await db.query<StoredLink>(`select ${linkColumns} from links where project_id = $1 order by site_a, site_b`, [projectId])).rows;

/** Writes a link as declared; what is equal already is left alone. */
export async function upsertLink(db: Queryable, l: StoredLink): Promise<void> {
  await db.query(
    `insert into links (id, project_id, site_a, site_b, latency_ms, loss_percent, bandwidth_mbps, price_per_gib, simulated) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (project_id, site_a, site_b) do update
       set latency_ms = excluded.latency_ms, loss_percent = excluded.loss_percent, bandwidth_mbps = excluded.bandwidth_mbps, price_per_gib = excluded.price_per_gib, simulated = excluded.simulated, version = links.version + 1
       where (links.latency_ms, links.loss_percent, links.bandwidth_mbps, links.price_per_gib, links.simulated) is distinct from (excluded.latency_ms, excluded.loss_percent, excluded.bandwidth_mbps, excluded.price_per_gib, excluded.simulated)`,
    [l.id, l.projectId, l.siteA, l.siteB, l.latencyMs, l.lossPercent, l.bandwidthMbps, l.pricePerGib, l.simulated],
  );
}

export async function removeLink(db: Queryable, id: string): Promise<void> {
  await db.query("delete from links where id = $1", [id]);
}
