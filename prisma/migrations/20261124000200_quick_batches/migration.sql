-- What a batch of placements costs: history is written for all its rows at once, and not at all where nothing that it
-- keeps has changed.

-- New rows of one statement, in one go; otherwise as "holdfast_history".
CREATE FUNCTION "holdfast_history_of_new"() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO history (kind, key, project_id, doc, valid_from)
  SELECT tg_argv[0], d.doc ->> tg_argv[1], d.doc ->> 'project_id', d.doc, date_trunc('milliseconds', clock_timestamp())
  FROM (SELECT to_jsonb(n) - tg_argv[2]::text[] AS doc FROM new_rows n) d;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION "holdfast_history_of_new"() FROM PUBLIC;

DROP TRIGGER "history" ON "assignments";
CREATE TRIGGER "history_of_new" AFTER INSERT ON "assignments" REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
  EXECUTE FUNCTION holdfast_history_of_new('assignment', 'id', '{updated_at}');
CREATE TRIGGER "history" AFTER UPDATE OR DELETE ON "assignments" FOR EACH ROW
  EXECUTE FUNCTION holdfast_history('assignment', 'id', '{updated_at}');

-- A node's desired generation counts what is wanted of it, and that stands in the history of its assignments. It counts up
-- with every placement, and the heartbeat's columns change with every heartbeat: statements that name only such columns
-- do not come to the trigger at all. A test holds the list against the table.
DROP TRIGGER "history" ON "nodes";
CREATE TRIGGER "history" AFTER INSERT OR DELETE OR UPDATE OF
    "id", "project_id", "site_id", "name", "labels", "taints", "trust_tier", "desired_state", "desired_reason", "desired_digest", "version",
    "observed_facts", "observed_generation", "observed_version", "first_seen_at", "connected", "session_id", "address", "cpu_millis", "memory_bytes", "disk_bytes", "created_at"
  ON "nodes" FOR EACH ROW
  EXECUTE FUNCTION holdfast_history('node', 'id', '{last_seen_at,observed_at,observed_usage,journal_depth,rtt_ms,reports_stored_to,desired_generation}');

-- What decisions of one batch share is stored once: counts by reason, and nodes named for them.
CREATE TABLE "decision_evidence" (
    "id" TEXT NOT NULL,
    "doc" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "decision_evidence_pkey" PRIMARY KEY ("id")
);
REVOKE UPDATE ON "decision_evidence" FROM holdfast_app;
ALTER TABLE "decisions" ADD COLUMN "evidence_id" TEXT;
CREATE INDEX "decisions_evidence_id_idx" ON "decisions"("evidence_id");
