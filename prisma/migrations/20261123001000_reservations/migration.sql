-- Room that is kept for a unit that waits: while units of lower priority stop to make way for it, or until what runs there
-- is expected to end. Others of the same or lower priority don't count on it, unless they are over before it begins.
CREATE TABLE "reservations" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "workload_id" TEXT NOT NULL,
    "unit" TEXT NOT NULL,
    "node_id" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "priority" INTEGER NOT NULL,
    "cause" TEXT NOT NULL,
    "because" TEXT NOT NULL,
    "from_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "reservations_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "reservations_workload_id_unit_key" ON "reservations" ("workload_id", "unit");
CREATE INDEX "reservations_project_id_idx" ON "reservations" ("project_id");
ALTER TABLE "reservations" ADD CONSTRAINT "reservations_cause_known" CHECK ("cause" IN ('preempt', 'backfill'));
