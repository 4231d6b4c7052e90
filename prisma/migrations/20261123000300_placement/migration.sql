-- What placement and the reconcilers need beside the foundation. Additive: the build before it goes on running.

-- ── what a revision asks for, as columns ────────────────────────────────────────────────────────────────────────────

-- The scheduler adds up what units take on every node, and lists show it: from the manifest's JSON that would be read
-- and parsed for each unit, on every pass. Filled by a trigger, so that nobody who writes a revision can forget it.
ALTER TABLE "object_revisions"
  ADD COLUMN "template_digest" TEXT,
  ADD COLUMN "gated" BOOLEAN NOT NULL DEFAULT false,
  ADD COLUMN "cpu_millis" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "memory_bytes" BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN "disk_bytes" BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN "device_count" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "device_model" TEXT;

-- Bytes of a size such as 64Mi; null when it is none. The same units as core/manifest parseBytes; a test holds them together.
CREATE FUNCTION "holdfast_bytes"(size text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT round(substring(size from '^\d+(?:\.\d+)?')::numeric * CASE substring(size from '(Ki|Mi|Gi|Ti|k|M|G|T)$')
    WHEN 'Ki' THEN 1024::numeric WHEN 'Mi' THEN 1048576 WHEN 'Gi' THEN 1073741824 WHEN 'Ti' THEN 1099511627776
    WHEN 'k' THEN 1000 WHEN 'M' THEN 1000000 WHEN 'G' THEN 1000000000 WHEN 'T' THEN 1000000000000 ELSE 1 END)::bigint
$$;

CREATE FUNCTION "holdfast_revision_demand"() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  asked jsonb := new.manifest #> '{spec,template,resources}';
BEGIN
  IF asked IS NOT NULL THEN
    new.cpu_millis := coalesce((asked ->> 'cpuMillis')::int, 0);
    new.memory_bytes := coalesce(holdfast_bytes(asked ->> 'memory'), 0);
    new.disk_bytes := coalesce(holdfast_bytes(asked ->> 'disk'), 0);
    new.device_count := coalesce((asked #>> '{devices,count}')::int, 0);
    new.device_model := asked #>> '{devices,model}';
  END IF;
  RETURN new;
END
$$;
CREATE TRIGGER "demand" BEFORE INSERT ON "object_revisions" FOR EACH ROW EXECUTE FUNCTION holdfast_revision_demand();

-- ── why a key is looked at ──────────────────────────────────────────────────────────────────────────────────────────

-- nudge: something changed; wake: the reconciler asked to look again; resync: the timer that looks at everything. What
-- only a resync found to do is counted: it is a nudge that got lost.
ALTER TABLE "reconcile_keys" ADD COLUMN "cause" TEXT NOT NULL DEFAULT 'nudge';
ALTER TABLE "reconcile_keys" ADD CONSTRAINT "reconcile_keys_cause_known" CHECK ("cause" IN ('nudge', 'wake', 'resync'));

-- ── lists ───────────────────────────────────────────────────────────────────────────────────────────────────────────

-- Units are listed by name within a project, live ones only.
CREATE INDEX "assignments_live_unit_idx" ON "assignments" ("project_id", "unit", "id") WHERE "ended_at" IS NULL;
CREATE INDEX "nodes_living_name_idx" ON "nodes" ("project_id", "name") WHERE "desired_state" <> 'decommissioned';
CREATE INDEX "decisions_unit_idx" ON "decisions" ("project_id", "unit", "created_at" DESC);
