-- Shares of accelerators, and MIG slices. Additive: the build before it goes on running, and sees neither as whole devices.

ALTER TABLE "object_revisions"
  ADD COLUMN "device_share" INTEGER,
  ADD COLUMN "slice_profile" TEXT,
  ADD COLUMN "slice_count" INTEGER NOT NULL DEFAULT 0;

-- Which of the devices that its node shares a unit is on, and the model that device was opened for ('' is any). As long
-- as the unit lives it stays there.
ALTER TABLE "assignments"
  ADD COLUMN "shared_slot" INTEGER,
  ADD COLUMN "shared_model" TEXT,
  ADD CONSTRAINT "assignments_shared_whole" CHECK (("shared_slot" IS NULL) = ("shared_model" IS NULL) AND ("shared_slot" IS NULL OR "shared_slot" > 0));

-- device_count counts whole devices only: a share is in device_share, slices are in slice_count.
CREATE OR REPLACE FUNCTION "holdfast_revision_demand"() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  asked jsonb := new.manifest #> '{spec,template,resources}';
  devices jsonb := asked -> 'devices';
BEGIN
  IF asked IS NOT NULL THEN
    new.cpu_millis := coalesce((asked ->> 'cpuMillis')::int, 0);
    new.memory_bytes := coalesce(holdfast_bytes(asked ->> 'memory'), 0);
    new.disk_bytes := coalesce(holdfast_bytes(asked ->> 'disk'), 0);
    new.device_model := devices ->> 'model';
    new.device_share := (devices ->> 'shareMillis')::int;
    new.slice_profile := devices ->> 'slice';
    new.device_count := CASE WHEN new.device_share IS NULL AND new.slice_profile IS NULL THEN coalesce((devices ->> 'count')::int, 0) ELSE 0 END;
    new.slice_count := CASE WHEN new.slice_profile IS NULL THEN 0 ELSE coalesce((devices ->> 'count')::int, 1) END;
  END IF;
  RETURN new;
END
$$;
