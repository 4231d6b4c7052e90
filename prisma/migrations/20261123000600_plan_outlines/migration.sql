-- Plans of large workloads name thousands of targets. Lists need their shape only: this keeps, beside each plan, the plan
-- with the targets of its waves replaced by their number, and what they add up to. Filled by a trigger, so that nobody
-- who writes a plan can forget it, and lists never read the targets.

ALTER TABLE "rollouts" ADD COLUMN "outline" JSONB;
ALTER TABLE "approvals" ADD COLUMN "outline" JSONB;

CREATE FUNCTION "holdfast_plan_outline"(plan jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = public, pg_temp AS $$
  SELECT (plan - 'waves') || jsonb_build_object(
    'waves', coalesce((
      SELECT jsonb_agg((w.value - 'targets') || jsonb_build_object('count', jsonb_array_length(coalesce(w.value -> 'targets', '[]'))) ORDER BY w.ordinality)
      FROM jsonb_array_elements(coalesce(plan -> 'waves', '[]')) WITH ORDINALITY w), '[]'),
    'units', t.units, 'nodes', t.nodes, 'sites', t.sites)
  FROM (
    SELECT count(*) AS units, count(DISTINCT t.value ->> 'node') AS nodes, coalesce(jsonb_agg(DISTINCT t.value ->> 'site'), '[]') AS sites
    FROM jsonb_array_elements(coalesce(plan -> 'waves', '[]')) w, jsonb_array_elements(coalesce(w.value -> 'targets', '[]')) t
  ) t
$$;

CREATE FUNCTION "holdfast_keep_outline"() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  new.outline := holdfast_plan_outline(new.plan);
  RETURN new;
END
$$;
CREATE TRIGGER "outline_of_new" BEFORE INSERT ON "rollouts" FOR EACH ROW EXECUTE FUNCTION holdfast_keep_outline();
CREATE TRIGGER "outline_of_changed" BEFORE UPDATE OF "plan" ON "rollouts" FOR EACH ROW WHEN (old.plan IS DISTINCT FROM new.plan) EXECUTE FUNCTION holdfast_keep_outline();
CREATE TRIGGER "outline_of_new" BEFORE INSERT ON "approvals" FOR EACH ROW EXECUTE FUNCTION holdfast_keep_outline();

-- History keeps neither the plan nor its outline: the digest stands for both.
DROP TRIGGER "history" ON "rollouts";
UPDATE "rollouts" SET "outline" = holdfast_plan_outline("plan");
UPDATE "approvals" SET "outline" = holdfast_plan_outline("plan");
CREATE TRIGGER "history" AFTER INSERT OR UPDATE OR DELETE ON "rollouts" FOR EACH ROW
  EXECUTE FUNCTION holdfast_history('rollout', 'id', '{updated_at,plan,outline}');

