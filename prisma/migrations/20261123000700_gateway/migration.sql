-- Artifacts are mostly compressed already: PostgreSQL need not try, and a part of a chunk can be read without the whole.
ALTER TABLE "artifact_chunks" ALTER COLUMN "data" SET STORAGE EXTERNAL;

-- Is there a certificate of this node that is still good? Of this authority that could still be renewed? Both are asked
-- all day, of a table that grows with every renewal.
CREATE INDEX "node_certificates_node_id_not_after_idx" ON "node_certificates" ("node_id", "not_after");
CREATE INDEX "node_certificates_authority_id_not_after_idx" ON "node_certificates" ("authority_id", "not_after");
