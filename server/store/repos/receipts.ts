import { asJson } from "../queryable";
import type { Queryable } from "../queryable";

/** A verified receipt of a node about a unit on trial. */
export interface NewReceipt {
  projectId: string;
  nodeId: string;
  number: number;
  rollout: string;
  assignmentId: string;
  unit: string;
  node: string;
  generation: number;
  digest: string;
  artifacts: readonly string[];
  what: string;
  cause: string;
  atMs: number;
  signature: string;
  spkiSha256: string;
}
export interface StoredReceipt {
  number: number;
  nodeId: string;
  assignmentId: string;
  unit: string;
  node: string;
  generation: number;
  digest: string;
  artifacts: string[];
  what: "switched" | "kept" | "returned" | "rolledBack";
  cause: "ordered" | "deadline";
  /** By the node's clock, and when it was stored. */
  atMs: number;
  receivedAtMs: number;
  signature: string;
  spkiSha256: string;
}

/** Which of these assignments are, or were, the node's own. */
export async function assignmentsOfNode(db: Queryable, nodeId: string, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ id: string }>("select id from assignments where node_id = $1 and id = any($2)", [nodeId, ids]);
  return new Set(rows.map((r) => r.id));
}

/**
 * Stores a receipt unless one of this node and number is there. `stored`: it is new. `duplicate`: exactly this one is
 * there. `reused`: another one is there under its number, which an honest node never does; nothing is changed.
 */
export async function insertNew(db: Queryable, r: NewReceipt): Promise<"stored" | "duplicate" | "reused"> {
  const { rowCount } = await db.query(
    `insert into rollout_receipts (project_id, rollout_id, node_id, number, assignment_id, unit, node, generation, digest, artifacts, what, cause, at, signature, spki_sha256)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) on conflict (node_id, number) do nothing`,
    [r.projectId, r.rollout, r.nodeId, r.number, r.assignmentId, r.unit, r.node, r.generation, r.digest, asJson(r.artifacts), r.what, r.cause, new Date(r.atMs), r.signature, r.spkiSha256],
  );
  if (rowCount === 1) return "stored";
  const { rows } = await db.query<{ same: boolean }>("select signature = $3 as same from rollout_receipts where node_id = $1 and number = $2", [r.nodeId, r.number, r.signature]);
  return rows[0]?.same === true ? "duplicate" : "reused";
}

/** All receipts of a rollout, in the order in which they came. */
export async function ofRollout(db: Queryable, rolloutId: string): Promise<StoredReceipt[]> {
  const { rows } = await db.query<Omit<StoredReceipt, "atMs" | "receivedAtMs"> & { at: Date; receivedAt: Date }>(
    `select number, node_id as "nodeId", assignment_id as "assignmentId", unit, node, generation, digest, artifacts, what, cause, at, received_at as "receivedAt", signature, spki_sha256 as "spkiSha256"
     from rollout_receipts where rollout_id = $1 order by id`,
    [rolloutId],
  );
  return rows.map(({ at, receivedAt, ...r }) => ({ ...r, atMs: at.getTime(), receivedAtMs: receivedAt.getTime() }));
}
