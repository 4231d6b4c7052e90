-- Webhooks. What is told is what stands in the audit log: a trigger writes one delivery for each endpoint that wants an
-- action, in the transaction of the change itself. So nothing is told that did not happen, and nothing that happened is lost.

CREATE TABLE "hook_endpoints" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "format" TEXT NOT NULL,
    "events" TEXT[] NOT NULL,
    "sealed_secret" TEXT NOT NULL,
    "sealed_previous" TEXT,
    "previous_until" TIMESTAMPTZ(3),
    "state" TEXT NOT NULL DEFAULT 'active',
    "state_reason" TEXT,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(3),
    "last_delivered_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "hook_endpoints_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "hook_endpoints_project_id_name_key" ON "hook_endpoints"("project_id", "name");

CREATE TABLE "hook_deliveries" (
    "id" BIGSERIAL NOT NULL,
    "endpoint_id" TEXT NOT NULL,
    "audit_seq" BIGINT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'waiting',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_status" INTEGER,
    "last_error" TEXT,
    "last_ms" INTEGER,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ended_at" TIMESTAMPTZ(3),
    CONSTRAINT "hook_deliveries_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "hook_deliveries_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "hook_endpoints"("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "hook_deliveries_due_idx" ON "hook_deliveries"("endpoint_id", "next_attempt_at") WHERE "state" = 'waiting';
CREATE INDEX "hook_deliveries_endpoint_id_id_idx" ON "hook_deliveries"("endpoint_id", "id");
CREATE INDEX "hook_deliveries_ended_at_idx" ON "hook_deliveries"("ended_at");

-- "rollout.*" means every action of rollouts; "rollout.rollBack" means that one.
CREATE FUNCTION holdfast_tell_hooks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH wanted AS (
    SELECT e.id FROM hook_endpoints e
    WHERE e.project_id = NEW.project_id AND e.state = 'active'
      AND EXISTS (SELECT 1 FROM unnest(e.events) w WHERE w = NEW.action OR (w LIKE '%.*' AND starts_with(NEW.action, left(w, -1))))
    ORDER BY e.id
  ), told AS (
    INSERT INTO hook_deliveries (endpoint_id, audit_seq) SELECT id, NEW.seq FROM wanted RETURNING endpoint_id
  )
  INSERT INTO reconcile_keys AS k (kind, key, next_look_at, cause)
  SELECT 'hook', endpoint_id, now(), 'nudge' FROM told ORDER BY endpoint_id
  ON CONFLICT (kind, key) DO UPDATE SET cause = 'nudge', next_look_at = least(k.next_look_at, excluded.next_look_at), again = k.again OR k.claimed_until IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER hooks AFTER INSERT ON "audit_entries" FOR EACH ROW WHEN (NEW.outcome = 'done' AND NEW.project_id IS NOT NULL) EXECUTE FUNCTION holdfast_tell_hooks();

-- What was told may not be made to say something else afterwards.
REVOKE UPDATE ON "hook_deliveries" FROM holdfast_app;
GRANT UPDATE ("state", "attempts", "next_attempt_at", "last_status", "last_error", "last_ms", "ended_at") ON "hook_deliveries" TO holdfast_app;
