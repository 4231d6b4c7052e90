import type { NodeFacts, NodeUsage } from "../../core/fleet/facts";
import { asJson, oneOrNone, toMs, toMsOrNull } from "../queryable";
import type { Queryable } from "../queryable";
import { requireCurrent } from "../transaction";
import type { Tx } from "../transaction";

export type NodeDesiredState = "active" | "cordoned" | "draining" | "decommissioned";
export interface Taint {
  key: string;
  value?: string;
  effect: "noSchedule";
}

/** A node as it is stored: `desired*` by people and the scheduler, `observed*` and below by the gateway. */
export interface StoredNode {
  id: string;
  projectId: string;
  siteId: string;
  name: string;
  labels: Record<string, string>;
  taints: Taint[];
  trustTier: "none" | "software" | "tpm";
  desiredState: NodeDesiredState;
  desiredReason: string | null;
  desiredGeneration: number;
  version: number;
  observedFacts: NodeFacts | null;
  observedUsage: NodeUsage | null;
  observedGeneration: number;
  observedVersion: string | null;
  observedAtMs: number | null;
  lastSeenMs: number | null;
  firstSeenMs: number | null;
  connected: boolean;
  sessionId: string | null;
  rttMs: number | null;
  journalDepth: number;
  reportsStoredTo: number;
  address: string | null;
  cpuMillis: number;
  memoryBytes: number;
  diskBytes: number;
  createdAtMs: number;
}

interface Row {
  id: string; project_id: string; site_id: string; name: string; labels: Record<string, string>; taints: Taint[]; trust_tier: StoredNode["trustTier"];
  desired_state: NodeDesiredState; desired_reason: string | null; desired_generation: number; version: number;
  observed_facts: NodeFacts | null; observed_usage: NodeUsage | null; observed_generation: number; observed_version: string | null;
  observed_at: Date | null; last_seen_at: Date | null; first_seen_at: Date | null; connected: boolean; session_id: string | null; rtt_ms: number | null;
  journal_depth: number; reports_stored_to: number; address: string | null; cpu_millis: number; memory_bytes: number; disk_bytes: number; created_at: Date;
}

const toNode = (r: Row): StoredNode => ({
  id: r.id, projectId: r.project_id, siteId: r.site_id, name: r.name, labels: r.labels, taints: r.taints, trustTier: r.trust_tier,
  desiredState: r.desired_state, desiredReason: r.desired_reason, desiredGeneration: r.desired_generation, version: r.version,
  observedFacts: r.observed_facts, observedUsage: r.observed_usage, observedGeneration: r.observed_generation, observedVersion: r.observed_version,
  observedAtMs: toMsOrNull(r.observed_at), lastSeenMs: toMsOrNull(r.last_seen_at), firstSeenMs: toMsOrNull(r.first_seen_at), connected: r.connected,
  sessionId: r.session_id, rttMs: r.rtt_ms, journalDepth: r.journal_depth, reportsStoredTo: r.reports_stored_to, address: r.address,
  cpuMillis: r.cpu_millis, memoryBytes: r.memory_bytes, diskBytes: r.disk_bytes, createdAtMs: toMs(r.created_at),
});

export async function byId(db: Queryable, id: string): Promise<StoredNode | undefined> {
  const row = await oneOrNone<Row>(db, "select * from nodes where id = $1", [id]);
  return row && toNode(row);
}

export async function byName(db: Queryable, projectId: string, name: string): Promise<StoredNode | undefined> {
  const row = await oneOrNone<Row>(db, "select * from nodes where project_id = $1 and name = $2", [projectId, name]);
  return row && toNode(row);
}

/** Nodes of a site that are not decommissioned, locked in the order of ids. */
export async function atSite(db: Queryable, siteId: string): Promise<StoredNode[]> {
  const { rows } = await db.query<Row>("select * from nodes where site_id = $1 and desired_state <> 'decommissioned' order by id for no key update", [siteId]);
  return rows.map(toNode);
}

/** Makes a node's row at enrolment. Throws a unique violation when the name is taken in the project. */
export async function insert(db: Queryable, n: { id: string; projectId: string; siteId: string; name: string; labels: Record<string, string>; trustTier: StoredNode["trustTier"] }): Promise<void> {
  await db.query("insert into nodes (id, project_id, site_id, name, labels, trust_tier) values ($1, $2, $3, $4, $5, $6)", [n.id, n.projectId, n.siteId, n.name, asJson(n.labels), n.trustTier]);
}

/** Cordons, drains, decommissions or reactivates a node; compare-and-set on the version that the person saw. */
export async function setDesiredState(tx: Tx, node: { id: string; name: string; projectId: string }, version: number, state: NodeDesiredState, reason: string | null): Promise<void> {
  const result = await tx.client.query("update nodes set desired_state = $3, desired_reason = $4, version = version + 1 where id = $1 and version = $2", [node.id, version, state, reason]);
  requireCurrent(result, `node ${node.name}`);
  tx.changes.add("node", node.id, node.projectId);
}

/**
 * Says that what these nodes should run has changed: bumps the generation of their desired state and, at commit, nudges
 * the gateways that hold their sessions. Rows are locked in the order of ids, so that two callers can't deadlock.
 */
export async function touchDesired(tx: Tx, nodeIds: readonly string[]): Promise<void> {
  const ids = [...new Set(nodeIds)];
  if (ids.length === 0) return;
  await tx.client.query(
    `update nodes set desired_generation = desired_generation + 1
     where id in (select id from nodes where id = any($1) order by id for no key update)`,
    [ids],
  );
  for (const id of ids) tx.notify("holdfast_desired", id);
}
