-- Repair plans that somebody ran: moves of units that make room for units which wait. What was agreed to never changes;
-- how each move stands, and how it ended, does.
CREATE TABLE "repairs" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "workload_id" TEXT,
    "object" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "plan" JSONB NOT NULL,
    "moves" JSONB NOT NULL,
    "reason" TEXT NOT NULL,
    "by_id" TEXT NOT NULL,
    "by" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "ended_at" TIMESTAMPTZ(3),
    "outcome" TEXT,
    "end_reason" TEXT,
    CONSTRAINT "repairs_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "repairs_project_id_at_idx" ON "repairs"("project_id", "at");
-- One at a time: each plan is made from the fleet as it is, and two at once would be made from a fleet that is not.
CREATE UNIQUE INDEX "repairs_one_open_key" ON "repairs"("project_id") WHERE "ended_at" IS NULL;
ALTER TABLE "repairs" ADD CONSTRAINT "repairs_outcome_known" CHECK ("outcome" IN ('placed', 'moved', 'waits', 'dropped'));
REVOKE UPDATE, DELETE ON "repairs" FROM holdfast_app;
GRANT UPDATE ("moves", "version", "ended_at", "outcome", "end_reason") ON "repairs" TO holdfast_app;
