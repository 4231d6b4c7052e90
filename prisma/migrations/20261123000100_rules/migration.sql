-- What Prisma's schema language can't say: partial indexes, closed sets, history triggers, and what the application's
-- role may do. Everything here works on PostgreSQL 15 to 18.

-- ── one of each, as long as it lives ────────────────────────────────────────────────────────────────────────────────

CREATE UNIQUE INDEX "objects_live_name_key" ON "objects" ("project_id", "kind", "name") WHERE "deleted_at" IS NULL;
CREATE UNIQUE INDEX "sites_live_name_key" ON "sites" ("project_id", "name") WHERE "deleted_at" IS NULL;
-- No unit runs twice: at most one assignment of a unit is meant to run, whoever schedules at the same time.
CREATE UNIQUE INDEX "assignments_one_running_unit_key" ON "assignments" ("workload_id", "unit") WHERE "ended_at" IS NULL AND "desired" = 'run';
CREATE UNIQUE INDEX "rollouts_one_open_key" ON "rollouts" ("workload_id") WHERE "ended_at" IS NULL;
CREATE UNIQUE INDEX "approvals_one_pending_key" ON "approvals" ("rollout_id", "gate") WHERE "state" = 'pending';
CREATE UNIQUE INDEX "silent_spells_one_open_key" ON "silent_spells" ("node_id") WHERE "to_at" IS NULL;
CREATE UNIQUE INDEX "authorities_one_active_key" ON "authorities" ("state") WHERE "state" = 'active';
CREATE UNIQUE INDEX "service_tokens_live_name_key" ON "service_tokens" ("project_id", "name") WHERE "revoked_at" IS NULL;

-- Live assignments are a small part of all there ever were; the scheduler and the gateway read only these.
CREATE INDEX "assignments_live_node_idx" ON "assignments" ("node_id") WHERE "ended_at" IS NULL;
CREATE INDEX "assignments_live_workload_idx" ON "assignments" ("workload_id", "ordinal") WHERE "ended_at" IS NULL;
CREATE INDEX "reconcile_keys_due_idx" ON "reconcile_keys" ("next_look_at");
CREATE INDEX "changes_at_idx" ON "changes" ("at");
CREATE INDEX "history_ended_idx" ON "history" ("valid_to") WHERE "valid_to" IS NOT NULL;
CREATE UNIQUE INDEX "history_open_key" ON "history" ("kind", "key") WHERE "valid_to" IS NULL;
CREATE INDEX "audit_entries_seq_of_request_idx" ON "audit_entries" ("request_id") WHERE "request_id" IS NOT NULL;
CREATE INDEX "audit_entries_action_idx" ON "audit_entries" ("project_id", "action", "seq");
CREATE INDEX "audit_entries_at_idx" ON "audit_entries" ("at");
CREATE INDEX "node_samples_at_idx" ON "node_samples" USING brin ("at");
CREATE INDEX "unit_samples_at_idx" ON "unit_samples" USING brin ("at");
CREATE INDEX "log_requests_keep_idx" ON "log_requests" ("keep_until");

-- Rows that are touched with every heartbeat leave room on their page, so that an update stays there (HOT).
ALTER TABLE "nodes" SET (fillfactor = 80);
ALTER TABLE "observations" SET (fillfactor = 80);
ALTER TABLE "reconcile_keys" SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE "processes" SET (fillfactor = 50);

-- ── closed sets that safety rests on ────────────────────────────────────────────────────────────────────────────────

ALTER TABLE "nodes" ADD CONSTRAINT "nodes_desired_state_known" CHECK ("desired_state" IN ('active', 'cordoned', 'draining', 'decommissioned'));
ALTER TABLE "assignments" ADD CONSTRAINT "assignments_desired_known" CHECK ("desired" IN ('run', 'stop'));
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_state_known" CHECK ("state" IN ('pending', 'approved', 'rejected', 'void', 'expired'));
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_decision_named" CHECK ("state" NOT IN ('approved', 'rejected') OR "decided_by_id" IS NOT NULL);
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_role_known" CHECK ("role" IN ('administrator', 'operator', 'approver', 'auditor', 'viewer'));
ALTER TABLE "service_tokens" ADD CONSTRAINT "service_tokens_role_known" CHECK ("role" IN ('administrator', 'operator', 'approver', 'auditor', 'viewer'));
ALTER TABLE "audit_entries" ADD CONSTRAINT "audit_entries_outcome_known" CHECK ("outcome" IN ('done', 'refused'));
ALTER TABLE "audit_entries" ADD CONSTRAINT "audit_entries_actor_known" CHECK ("actor_kind" IN ('person', 'token', 'node', 'system'));

-- ── history ─────────────────────────────────────────────────────────────────────────────────────────────────────────

-- Keeps one row of "history" for each state that a row was in: valid from, and valid to once it changed or went.
-- Arguments: kind, key column, and the columns that are left out (because they change with every heartbeat, or are kept
-- elsewhere); a change of these alone is no change.
-- It runs as the owner, so that the application's role can't write history by itself.
-- Times come from the wall clock when the row is written, not from the start of the transaction: writers of one row wait
-- for each other, so times never run backwards. A row changed twice within a millisecond keeps the last state.
CREATE FUNCTION "holdfast_history"() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  left_out text[] := tg_argv[2]::text[];
  old_doc jsonb;
  new_doc jsonb;
  row_key text;
  project text;
  moment timestamptz := date_trunc('milliseconds', clock_timestamp());
  open_id bigint;
  open_from timestamptz;
BEGIN
  IF tg_op <> 'DELETE' THEN new_doc := to_jsonb(new) - left_out; END IF;
  IF tg_op <> 'INSERT' THEN old_doc := to_jsonb(old) - left_out; END IF;
  IF tg_op = 'UPDATE' AND new_doc = old_doc THEN RETURN NULL; END IF;
  row_key := coalesce(new_doc, old_doc) ->> tg_argv[1];
  project := coalesce(new_doc, old_doc) ->> 'project_id';
  IF project IS NULL AND tg_argv[0] = 'observation' THEN
    SELECT a.project_id INTO project FROM assignments a WHERE a.id = row_key;
  END IF;
  IF tg_op <> 'INSERT' THEN
    SELECT h.id, h.valid_from INTO open_id, open_from FROM history h WHERE h.kind = tg_argv[0] AND h.key = row_key AND h.valid_to IS NULL;
    moment := greatest(moment, open_from);
    IF new_doc IS NOT NULL AND open_from = moment THEN
      UPDATE history SET doc = new_doc, project_id = project WHERE id = open_id;
      RETURN NULL;
    END IF;
    UPDATE history SET valid_to = moment WHERE id = open_id;
  END IF;
  IF new_doc IS NOT NULL THEN
    INSERT INTO history (kind, key, project_id, doc, valid_from) VALUES (tg_argv[0], row_key, project, new_doc, moment);
  END IF;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION "holdfast_history"() FROM PUBLIC;

CREATE TRIGGER "history" AFTER INSERT OR UPDATE OR DELETE ON "nodes" FOR EACH ROW
  EXECUTE FUNCTION holdfast_history('node', 'id', '{last_seen_at,observed_at,observed_usage,journal_depth,rtt_ms,reports_stored_to}');
CREATE TRIGGER "history" AFTER INSERT OR UPDATE OR DELETE ON "sites" FOR EACH ROW
  EXECUTE FUNCTION holdfast_history('site', 'id', '{}');
CREATE TRIGGER "history" AFTER INSERT OR UPDATE OR DELETE ON "links" FOR EACH ROW
  EXECUTE FUNCTION holdfast_history('link', 'id', '{}');
CREATE TRIGGER "history" AFTER INSERT OR UPDATE OR DELETE ON "objects" FOR EACH ROW
  EXECUTE FUNCTION holdfast_history('object', 'id', '{updated_at}');
CREATE TRIGGER "history" AFTER INSERT OR UPDATE OR DELETE ON "assignments" FOR EACH ROW
  EXECUTE FUNCTION holdfast_history('assignment', 'id', '{updated_at}');
CREATE TRIGGER "history" AFTER INSERT OR UPDATE OR DELETE ON "observations" FOR EACH ROW
  EXECUTE FUNCTION holdfast_history('observation', 'assignment_id', '{observed_at,cpu_millis,memory_bytes}');
-- The plan is large and does not change under its digest, which stays in the document.
CREATE TRIGGER "history" AFTER INSERT OR UPDATE OR DELETE ON "rollouts" FOR EACH ROW
  EXECUTE FUNCTION holdfast_history('rollout', 'id', '{updated_at,plan}');

-- ── what the application may do ─────────────────────────────────────────────────────────────────────────────────────

-- holdfast_app is the role of the processes. It owns nothing, so nobody who takes over a process can grant himself more.
GRANT USAGE ON SCHEMA public TO holdfast_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO holdfast_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO holdfast_app;
-- Tables of later migrations start with the same rights; a migration that adds a protected table revokes what it must.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO holdfast_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO holdfast_app;

-- The audit log is append-only, and its number and time come from the database alone.
REVOKE ALL ON "audit_entries" FROM holdfast_app;
GRANT SELECT ON "audit_entries" TO holdfast_app;
GRANT INSERT ("project_id", "actor_kind", "actor_id", "actor", "session_id", "strength", "action", "object_kind", "object_id", "object", "outcome", "refusal", "reason", "before", "after", "request_id")
  ON "audit_entries" TO holdfast_app;
REVOKE ALL ON SEQUENCE "audit_entries_seq_seq" FROM holdfast_app;
GRANT USAGE ON SEQUENCE "audit_entries_seq_seq" TO holdfast_app;

-- History is written by the triggers; the application reads it, and deletes what its retention no longer keeps.
REVOKE INSERT, UPDATE ON "history" FROM holdfast_app;
-- What a person approved, which key a node is, and what a revision said can't be changed afterwards.
REVOKE UPDATE, DELETE ON "approvals" FROM holdfast_app;
GRANT UPDATE ("state", "decided_by_id", "decided_by", "decided_at", "remark", "void_reason", "version") ON "approvals" TO holdfast_app;
REVOKE UPDATE, DELETE ON "node_identities" FROM holdfast_app;
GRANT UPDATE ("revoked_at", "revoked_reason") ON "node_identities" TO holdfast_app;
REVOKE UPDATE, DELETE ON "node_certificates" FROM holdfast_app;
REVOKE UPDATE, DELETE ON "object_revisions" FROM holdfast_app;
GRANT UPDATE ("held_reason") ON "object_revisions" TO holdfast_app;
REVOKE UPDATE, DELETE ON "rollout_events" FROM holdfast_app;
-- Migrations are the owner's business.
DO $$
BEGIN
  IF to_regclass('public._prisma_migrations') IS NOT NULL THEN
    REVOKE INSERT, UPDATE, DELETE ON public._prisma_migrations FROM holdfast_app;
  END IF;
END
$$;

-- ── what is there from the start ────────────────────────────────────────────────────────────────────────────────────

INSERT INTO "projects" ("id", "name", "title") VALUES ('project-default', 'default', 'Default');
