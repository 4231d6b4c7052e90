-- Finding audit entries by a part of a name. A log of millions of entries can't be searched text by text, but it has few
-- different names: these are kept beside it, searched first, and lead to the entries by their ids.

CREATE TABLE "audit_names" (
    "role" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,

    CONSTRAINT "audit_names_pkey" PRIMARY KEY ("role", "id", "name")
);
ALTER TABLE "audit_names" ADD CONSTRAINT "audit_names_role_known" CHECK ("role" IN ('actor', 'object'));

CREATE INDEX "audit_entries_object_id_seq_idx" ON "audit_entries"("object_id", "seq");
CREATE INDEX "audit_entries_refused_idx" ON "audit_entries" ("project_id", "seq") WHERE "outcome" = 'refused';

-- Runs as the owner: the application reads the names and can't change them, as with the log itself.
CREATE FUNCTION "holdfast_audit_names"() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  -- The look before the insert spares a write for each entry of a name that is known, which nearly all are.
  IF NOT EXISTS (SELECT 1 FROM audit_names n WHERE n.role = 'actor' AND n.id = new.actor_id AND n.name = new.actor) THEN
    INSERT INTO audit_names VALUES ('actor', new.actor_id, new.actor) ON CONFLICT DO NOTHING;
  END IF;
  IF NOT EXISTS (SELECT 1 FROM audit_names n WHERE n.role = 'object' AND n.id = new.object_id AND n.name = new.object) THEN
    INSERT INTO audit_names VALUES ('object', new.object_id, new.object) ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION "holdfast_audit_names"() FROM PUBLIC;
CREATE TRIGGER "names" AFTER INSERT ON "audit_entries" FOR EACH ROW EXECUTE FUNCTION holdfast_audit_names();
REVOKE INSERT, UPDATE, DELETE ON "audit_names" FROM holdfast_app;

INSERT INTO "audit_names" SELECT DISTINCT 'actor', "actor_id", "actor" FROM "audit_entries";
INSERT INTO "audit_names" SELECT DISTINCT 'object', "object_id", "object" FROM "audit_entries";
