-- The dead-man switch: which units are on trial, how that stands as their agents say, and what nodes signed of it.

ALTER TABLE "assignments" ADD COLUMN "trial" JSONB;
ALTER TABLE "observations" ADD COLUMN "trial" JSONB;

CREATE TABLE "rollout_receipts" (
    "id" BIGSERIAL NOT NULL,
    "project_id" TEXT NOT NULL,
    "rollout_id" TEXT NOT NULL,
    "node_id" TEXT NOT NULL,
    "number" BIGINT NOT NULL,
    "assignment_id" TEXT NOT NULL,
    "unit" TEXT NOT NULL,
    "node" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "digest" TEXT NOT NULL,
    "artifacts" JSONB NOT NULL,
    "what" TEXT NOT NULL,
    "cause" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "signature" TEXT NOT NULL,
    "spki_sha256" TEXT NOT NULL,

    CONSTRAINT "rollout_receipts_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "rollout_receipts_node_id_number_key" ON "rollout_receipts"("node_id", "number");
CREATE INDEX "rollout_receipts_rollout_id_id_idx" ON "rollout_receipts"("rollout_id", "id");
CREATE INDEX "rollout_receipts_assignment_id_id_idx" ON "rollout_receipts"("assignment_id", "id");

ALTER TABLE "rollout_receipts" ADD CONSTRAINT "rollout_receipts_what_known" CHECK ("what" IN ('switched', 'kept', 'returned', 'rolledBack'));
ALTER TABLE "rollout_receipts" ADD CONSTRAINT "rollout_receipts_cause_known" CHECK ("cause" IN ('ordered', 'deadline'));

-- Proof can't be rewritten, and its number here and the time of its arrival come from the database alone.
REVOKE ALL ON "rollout_receipts" FROM holdfast_app;
GRANT SELECT ON "rollout_receipts" TO holdfast_app;
GRANT INSERT ("project_id", "rollout_id", "node_id", "number", "assignment_id", "unit", "node", "generation", "digest", "artifacts", "what", "cause", "at", "signature", "spki_sha256")
  ON "rollout_receipts" TO holdfast_app;
REVOKE ALL ON SEQUENCE "rollout_receipts_id_seq" FROM holdfast_app;
GRANT USAGE ON SEQUENCE "rollout_receipts_id_seq" TO holdfast_app;
