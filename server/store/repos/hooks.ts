/** Rows of webhooks: endpoints of a project, and what is on its way to them. */
import type { HookFormat } from "../../core/hooks";
import { oneOrNone, toMs, toMsOrNull } from "../queryable";
import type { Queryable } from "../queryable";

export interface HookEndpointRecord {
  id: string;
  projectId: string;
  project: string;
  name: string;
  url: string;
  format: HookFormat;
  events: string[];
  sealedSecret: string;
  sealedPrevious: string | null;
  previousUntilMs: number | null;
  state: "active" | "off";
  stateReason: string | null;
  failures: number;
  nextAttemptAtMs: number | null;
  lastDeliveredAtMs: number | null;
  version: number;
  createdBy: string;
  createdAtMs: number;
}
interface EndpointSql {
  id: string; project_id: string; project: string; name: string; url: string; format: HookFormat; events: string[]; sealed_secret: string; sealed_previous: string | null; previous_until: Date | null;
  state: "active" | "off"; state_reason: string | null; failures: number; next_attempt_at: Date | null; last_delivered_at: Date | null; version: number; created_by: string; created_at: Date;
}
const toEndpoint = (r: EndpointSql): HookEndpointRecord => ({
  id: r.id, projectId: r.project_id, project: r.project, name: r.name, url: r.url, format: r.format, events: r.events, sealedSecret: r.sealed_secret, sealedPrevious: r.sealed_previous, previousUntilMs: toMsOrNull(r.previous_until),
  state: r.state, stateReason: r.state_reason, failures: r.failures, nextAttemptAtMs: toMsOrNull(r.next_attempt_at), lastDeliveredAtMs: toMsOrNull(r.last_delivered_at), version: r.version, createdBy: r.created_by, createdAtMs: toMs(r.created_at),
});
const endpointSelect = "select e.*, p.name as project from hook_endpoints e join projects p on p.id = e.project_id";

export interface DeliveryRecord {
  id: number;
  endpointId: string;
  auditSeq: number;
  state: "waiting" | "delivered" | "dead";
  attempts: number;
  nextAttemptAtMs: number;
  lastStatus: number | null;
  lastError: string | null;
  lastMs: number | null;
  createdAtMs: number;
  endedAtMs: number | null;
}
interface DeliverySql {
  id: number; endpoint_id: string; audit_seq: number; state: DeliveryRecord["state"]; attempts: number; next_attempt_at: Date; last_status: number | null; last_error: string | null; last_ms: number | null; created_at: Date; ended_at: Date | null;
}
const toDelivery = (r: DeliverySql): DeliveryRecord => ({
  id: r.id, endpointId: r.endpoint_id, auditSeq: r.audit_seq, state: r.state, attempts: r.attempts, nextAttemptAtMs: toMs(r.next_attempt_at), lastStatus: r.last_status, lastError: r.last_error, lastMs: r.last_ms, createdAtMs: toMs(r.created_at), endedAtMs: toMsOrNull(r.ended_at),
});

export async function list(db: Queryable, projectId: string): Promise<(HookEndpointRecord & { waiting: number; dead: number })[]> {
  const { rows } = await db.query<EndpointSql & { waiting: number; dead: number }>(
    `select e.*, p.name as project, d.waiting, d.dead from hook_endpoints e join projects p on p.id = e.project_id
     cross join lateral (select count(*) filter (where state = 'waiting')::int as waiting, count(*) filter (where state = 'dead')::int as dead from hook_deliveries d where d.endpoint_id = e.id) d
     where e.project_id = $1 order by e.name`,
    [projectId],
  );
  return rows.map((r) => ({ ...toEndpoint(r), waiting: r.waiting, dead: r.dead }));
}

export async function byName(db: Queryable, projectId: string, name: string, lock = false): Promise<HookEndpointRecord | null> {
  const r = await oneOrNone<EndpointSql>(db, `${endpointSelect} where e.project_id = $1 and e.name = $2${lock ? " for update of e" : ""}`, [projectId, name]);
  return r ? toEndpoint(r) : null;
}
export async function byId(db: Queryable, id: string): Promise<HookEndpointRecord | null> {
  const r = await oneOrNone<EndpointSql>(db, `${endpointSelect} where e.id = $1`, [id]);
  return r ? toEndpoint(r) : null;
}

export async function insert(db: Queryable, e: { id: string; projectId: string; name: string; url: string; format: HookFormat; events: readonly string[]; sealedSecret: string; createdBy: string; nowMs: number }): Promise<void> {
  await db.query(
    `insert into hook_endpoints (id, project_id, name, url, format, events, sealed_secret, created_by, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9 / 1000.0), to_timestamp($9 / 1000.0))`,
    [e.id, e.projectId, e.name, e.url, e.format, e.events, e.sealedSecret, e.createdBy, e.nowMs],
  );
}

export interface EndpointPatch {
  url?: string;
  format?: HookFormat;
  events?: readonly string[];
  state?: "active" | "off";
  stateReason?: string;
}
/** Compare-and-set on the version; turning one on forgets its failures. */
export async function save(db: Queryable, id: string, version: number, p: EndpointPatch, nowMs: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `update hook_endpoints set url = coalesce($3, url), format = coalesce($4, format), events = coalesce($5, events), state = coalesce($6, state),
       state_reason = case when $6 = 'active' then null else coalesce($7, state_reason) end,
       failures = case when $6 = 'active' then 0 else failures end, next_attempt_at = case when $6 = 'active' then null else next_attempt_at end,
       version = version + 1, updated_at = to_timestamp($8 / 1000.0)
     where id = $1 and version = $2`,
    [id, version, p.url ?? null, p.format ?? null, p.events ?? null, p.state ?? null, p.stateReason ?? null, nowMs],
  );
  return rowCount === 1;
}
/** The new secret signs from now on; the one before signs beside it until `previousUntilMs`. */
export async function rotate(db: Queryable, id: string, sealedSecret: string, previousUntilMs: number, nowMs: number): Promise<void> {
  await db.query(
    `update hook_endpoints set sealed_previous = sealed_secret, previous_until = to_timestamp($3 / 1000.0), sealed_secret = $2, version = version + 1, updated_at = to_timestamp($4 / 1000.0) where id = $1`,
    [id, sealedSecret, previousUntilMs, nowMs],
  );
}
export async function remove(db: Queryable, id: string): Promise<void> {
  await db.query("delete from hook_endpoints where id = $1", [id]);
}
/** Sealed secrets of every endpoint, locked: for a change of the master key. */
export async function sealedSecrets(db: Queryable): Promise<{ id: string; sealedSecret: string; sealedPrevious: string | null }[]> {
  return (await db.query<{ id: string; sealedSecret: string; sealedPrevious: string | null }>(`select id, sealed_secret as "sealedSecret", sealed_previous as "sealedPrevious" from hook_endpoints order by id for update`)).rows;
}
export async function setSealed(db: Queryable, id: string, sealedSecret: string, sealedPrevious: string | null): Promise<void> {
  await db.query("update hook_endpoints set sealed_secret = $2, sealed_previous = $3 where id = $1", [id, sealedSecret, sealedPrevious]);
}

// ── deliveries ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Endpoints with something on its way: the keys of the reconciler. */
export async function endpointsWithWork(db: Queryable): Promise<string[]> {
  return (await db.query<{ id: string }>("select distinct d.endpoint_id as id from hook_deliveries d join hook_endpoints e on e.id = d.endpoint_id where d.state = 'waiting' and e.state = 'active' order by id")).rows.map((r) => r.id);
}
export async function due(db: Queryable, endpointId: string, nowMs: number, limit: number): Promise<DeliveryRecord[]> {
  const { rows } = await db.query<DeliverySql>("select * from hook_deliveries where endpoint_id = $1 and state = 'waiting' and next_attempt_at <= to_timestamp($2 / 1000.0) order by id limit $3", [endpointId, nowMs, limit]);
  return rows.map(toDelivery);
}
export async function nextDueMs(db: Queryable, endpointId: string): Promise<number | null> {
  const r = await oneOrNone<{ at: Date | null }>(db, "select min(next_attempt_at) as at from hook_deliveries where endpoint_id = $1 and state = 'waiting'", [endpointId]);
  return toMsOrNull(r?.at ?? null);
}
/** Keeps what came of an attempt; the delivery, and how its endpoint is doing. */
export async function afterAttempt(db: Queryable, d: DeliveryRecord, o: { state: DeliveryRecord["state"]; nextAttemptAtMs: number; status: number | null; error: string | null; tookMs: number; nowMs: number; answered: boolean }): Promise<void> {
  await db.query(
    `update hook_deliveries set state = $2, attempts = attempts + 1, next_attempt_at = to_timestamp($3 / 1000.0), last_status = $4, last_error = $5, last_ms = $6, ended_at = case when $2 = 'waiting' then null else to_timestamp($7 / 1000.0) end where id = $1`,
    [d.id, o.state, o.nextAttemptAtMs, o.status, o.error, o.tookMs, o.nowMs],
  );
  await db.query(
    `update hook_endpoints set failures = case when $2 then 0 else failures + 1 end, last_delivered_at = case when $3 then to_timestamp($4 / 1000.0) else last_delivered_at end where id = $1`,
    [d.endpointId, o.answered, o.state === "delivered", o.nowMs],
  );
}
/** The receiver asked not to be called again. */
export async function turnOff(db: Queryable, endpointId: string, reason: string): Promise<void> {
  await db.query("update hook_endpoints set state = 'off', state_reason = $2, version = version + 1 where id = $1 and state = 'active'", [endpointId, reason]);
}
export async function deliveries(db: Queryable, endpointId: string, o: { belowId?: number | undefined; state?: DeliveryRecord["state"] | undefined; limit: number }): Promise<DeliveryRecord[]> {
  const { rows } = await db.query<DeliverySql>(
    "select * from hook_deliveries where endpoint_id = $1 and ($2::bigint is null or id < $2) and ($3::text is null or state = $3) order by id desc limit $4",
    [endpointId, o.belowId ?? null, o.state ?? null, o.limit],
  );
  return rows.map(toDelivery);
}
export async function countDeliveries(db: Queryable, endpointId: string, state?: DeliveryRecord["state"]): Promise<number> {
  return (await oneOrNone<{ n: number }>(db, "select count(*)::int as n from hook_deliveries where endpoint_id = $1 and ($2::text is null or state = $2)", [endpointId, state ?? null]))?.n ?? 0;
}
/** Puts dead letters back on their way: one, or all of an endpoint. Gives how many. */
export async function sendAgain(db: Queryable, endpointId: string, deliveryId: number | null, nowMs: number): Promise<number> {
  const { rowCount } = await db.query(
    "update hook_deliveries set state = 'waiting', attempts = 0, ended_at = null, next_attempt_at = to_timestamp($3 / 1000.0) where endpoint_id = $1 and state <> 'waiting' and (($2::bigint is null and state = 'dead') or id = $2)",
    [endpointId, deliveryId, nowMs],
  );
  return rowCount ?? 0;
}
/** One event for one endpoint whatever it asked for: a test. */
export async function tell(db: Queryable, endpointId: string, auditSeq: number): Promise<void> {
  await db.query("insert into hook_deliveries (endpoint_id, audit_seq) values ($1, $2)", [endpointId, auditSeq]);
}
