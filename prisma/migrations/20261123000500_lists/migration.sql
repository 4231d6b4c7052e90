-- Indexes for lists and counts over large fleets.

-- Units that are not well are few: states of nodes and sites are found from these alone.
CREATE INDEX "observations_unwell_idx" ON "observations" ("node_id", "assignment_id") WHERE "phase" IN ('failed', 'backoff') OR "health" = 'unhealthy' OR "incoming" IS NOT NULL;
-- Units that should run, for counts that need no other column; what has ended stays in the table for good.
CREATE INDEX "assignments_running_idx" ON "assignments" ("project_id", "workload_id", "generation", "node_id", "id") WHERE "ended_at" IS NULL AND "desired" = 'run';
CREATE INDEX "assignments_stopping_idx" ON "assignments" ("node_id") WHERE "ended_at" IS NULL AND "desired" = 'stop';
