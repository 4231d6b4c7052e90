-- What a rollout remembers besides its plan: where each wave stands, sites sent back, breaches that a person went on over.
ALTER TABLE "rollouts" ADD COLUMN "progress" JSONB;

-- Who has to agree at a gate, where its strategy names groups; and each consent, which nobody can change afterwards.
ALTER TABLE "approvals" ADD COLUMN "groups" JSONB;
CREATE TABLE "approval_consents" (
    "approval_id" TEXT NOT NULL,
    "person_id" TEXT NOT NULL,
    "person" TEXT NOT NULL,
    "roles" TEXT[] NOT NULL,
    "remark" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "approval_consents_pkey" PRIMARY KEY ("approval_id", "person_id")
);
REVOKE UPDATE, DELETE ON "approval_consents" FROM holdfast_app;

CREATE TABLE "freezes" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "site" TEXT,
    "reason" TEXT NOT NULL,
    "by_id" TEXT NOT NULL,
    "by" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),
    "ended_by" TEXT,
    "end_reason" TEXT,
    CONSTRAINT "freezes_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "freezes_project_id_at_idx" ON "freezes"("project_id", "at");
-- One freeze of a project or site at a time: freezing what is frozen is the same freeze.
CREATE UNIQUE INDEX "freezes_one_open_key" ON "freezes"("project_id", coalesce("site", '')) WHERE "ended_at" IS NULL;
REVOKE UPDATE, DELETE ON "freezes" FROM holdfast_app;
GRANT UPDATE ("ended_at", "ended_by", "end_reason") ON "freezes" TO holdfast_app;

CREATE TABLE "break_glass" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "rollout_id" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "by_id" TEXT NOT NULL,
    "by" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "reviewed_by" TEXT,
    "reviewed_at" TIMESTAMPTZ(3),
    "review_remark" TEXT,
    CONSTRAINT "break_glass_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "break_glass_project_id_at_idx" ON "break_glass"("project_id", "at");
CREATE INDEX "break_glass_rollout_id_idx" ON "break_glass"("rollout_id");
REVOKE UPDATE, DELETE ON "break_glass" FROM holdfast_app;
GRANT UPDATE ("reviewed_by", "reviewed_at", "review_remark") ON "break_glass" TO holdfast_app;

-- Inputs of verdicts that decided something, once by digest (gzip of their canonical JSON), and the verdicts that rest on them.
CREATE TABLE "verdict_bundles" (
    "digest" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "body" BYTEA NOT NULL,
    CONSTRAINT "verdict_bundles_pkey" PRIMARY KEY ("project_id", "digest")
);
REVOKE UPDATE ON "verdict_bundles" FROM holdfast_app;
CREATE TABLE "rollout_verdicts" (
    "id" BIGSERIAL NOT NULL,
    "rollout_id" TEXT NOT NULL,
    "wave" TEXT,
    "template" TEXT NOT NULL,
    "verdict" TEXT NOT NULL,
    "sentence" TEXT NOT NULL,
    "bundle_digest" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "rollout_verdicts_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "rollout_verdicts_rollout_id_id_idx" ON "rollout_verdicts"("rollout_id", "id");
REVOKE UPDATE ON "rollout_verdicts" FROM holdfast_app;
