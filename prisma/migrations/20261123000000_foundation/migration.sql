-- CreateTable
CREATE TABLE "projects" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "projects_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "people" (
    "id" TEXT NOT NULL,
    "login" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "email" TEXT,
    "password_hash" TEXT,
    "must_change_password" BOOLEAN NOT NULL DEFAULT false,
    "oidc_issuer" TEXT,
    "oidc_subject" TEXT,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_sign_in_at" TIMESTAMPTZ(3),

    CONSTRAINT "people_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "memberships" (
    "person_id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "memberships_pkey" PRIMARY KEY ("person_id","project_id","role")
);

-- CreateTable
CREATE TABLE "sessions" (
    "id" TEXT NOT NULL,
    "person_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "strength" TEXT NOT NULL,
    "address" TEXT,
    "user_agent" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "service_tokens" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),

    CONSTRAINT "service_tokens_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "invitations" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "login" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),

    CONSTRAINT "invitations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "throttles" (
    "key" TEXT NOT NULL,
    "failures" INTEGER NOT NULL,
    "locked_until" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "throttles_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "settings" (
    "key" TEXT NOT NULL,
    "value" JSONB NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "settings_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "secrets" (
    "project_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "sealed" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "updated_by" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "secrets_pkey" PRIMARY KEY ("project_id","name")
);

-- CreateTable
CREATE TABLE "objects" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "title" TEXT,
    "labels" JSONB NOT NULL DEFAULT '{}',
    "generation" INTEGER NOT NULL,
    "digest" TEXT NOT NULL,
    "spec" JSONB NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "objects_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "object_revisions" (
    "object_id" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "digest" TEXT NOT NULL,
    "manifest" JSONB NOT NULL,
    "author" TEXT NOT NULL,
    "author_id" TEXT NOT NULL,
    "reason" TEXT,
    "changes" JSONB NOT NULL,
    "held_reason" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "object_revisions_pkey" PRIMARY KEY ("object_id","generation")
);

-- CreateTable
CREATE TABLE "sites" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "jurisdiction" TEXT NOT NULL,
    "time_zone" TEXT NOT NULL,
    "spec" JSONB NOT NULL,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "sites_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "links" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "site_a" TEXT NOT NULL,
    "site_b" TEXT NOT NULL,
    "latency_ms" DOUBLE PRECISION NOT NULL,
    "loss_percent" DOUBLE PRECISION NOT NULL,
    "bandwidth_mbps" DOUBLE PRECISION NOT NULL,
    "price_per_gib" DOUBLE PRECISION NOT NULL,
    "simulated" BOOLEAN NOT NULL DEFAULT false,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "links_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "nodes" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "site_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "labels" JSONB NOT NULL DEFAULT '{}',
    "taints" JSONB NOT NULL DEFAULT '[]',
    "trust_tier" TEXT NOT NULL DEFAULT 'software',
    "desired_state" TEXT NOT NULL DEFAULT 'active',
    "desired_reason" TEXT,
    "desired_generation" INTEGER NOT NULL DEFAULT 0,
    "desired_digest" TEXT NOT NULL DEFAULT '',
    "version" INTEGER NOT NULL DEFAULT 1,
    "observed_facts" JSONB,
    "observed_usage" JSONB,
    "observed_generation" INTEGER NOT NULL DEFAULT 0,
    "observed_version" TEXT,
    "observed_at" TIMESTAMPTZ(3),
    "last_seen_at" TIMESTAMPTZ(3),
    "first_seen_at" TIMESTAMPTZ(3),
    "connected" BOOLEAN NOT NULL DEFAULT false,
    "session_id" TEXT,
    "rtt_ms" DOUBLE PRECISION,
    "journal_depth" INTEGER NOT NULL DEFAULT 0,
    "reports_stored_to" INTEGER NOT NULL DEFAULT 0,
    "address" TEXT,
    "cpu_millis" INTEGER NOT NULL DEFAULT 0,
    "memory_bytes" BIGINT NOT NULL DEFAULT 0,
    "disk_bytes" BIGINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "nodes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "agent_sessions" (
    "id" TEXT NOT NULL,
    "node_id" TEXT NOT NULL,
    "gateway_id" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "opened_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "closed_at" TIMESTAMPTZ(3),
    "close_reason" TEXT,

    CONSTRAINT "agent_sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "silent_spells" (
    "id" TEXT NOT NULL,
    "node_id" TEXT NOT NULL,
    "site_id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "from_at" TIMESTAMPTZ(3) NOT NULL,
    "to_at" TIMESTAMPTZ(3),
    "reports_received" INTEGER NOT NULL DEFAULT 0,
    "reports_dropped" INTEGER NOT NULL DEFAULT 0,
    "corrections" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "silent_spells_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "authorities" (
    "id" TEXT NOT NULL,
    "certificate" TEXT NOT NULL,
    "sealed_key" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "not_after" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "authorities_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "node_identities" (
    "node_id" TEXT NOT NULL,
    "spki_sha256" TEXT NOT NULL,
    "join_token_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "revoked_at" TIMESTAMPTZ(3),
    "revoked_reason" TEXT,

    CONSTRAINT "node_identities_pkey" PRIMARY KEY ("node_id")
);

-- CreateTable
CREATE TABLE "node_certificates" (
    "serial" TEXT NOT NULL,
    "node_id" TEXT NOT NULL,
    "authority_id" TEXT NOT NULL,
    "not_before" TIMESTAMPTZ(3) NOT NULL,
    "not_after" TIMESTAMPTZ(3) NOT NULL,
    "issued_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "cause" TEXT NOT NULL,

    CONSTRAINT "node_certificates_pkey" PRIMARY KEY ("serial")
);

-- CreateTable
CREATE TABLE "join_tokens" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "site_id" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "labels" JSONB NOT NULL DEFAULT '{}',
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),
    "used_by_node_id" TEXT,
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "join_tokens_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "artifacts" (
    "project_id" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "media_type" TEXT NOT NULL,
    "size_bytes" BIGINT NOT NULL,
    "storage" TEXT NOT NULL,
    "complete" BOOLEAN NOT NULL DEFAULT false,
    "labels" JSONB NOT NULL DEFAULT '{}',
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "artifacts_pkey" PRIMARY KEY ("project_id","digest")
);

-- CreateTable
CREATE TABLE "artifact_chunks" (
    "digest" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "data" BYTEA NOT NULL,

    CONSTRAINT "artifact_chunks_pkey" PRIMARY KEY ("digest","seq")
);

-- CreateTable
CREATE TABLE "assignments" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "workload_id" TEXT NOT NULL,
    "unit" TEXT NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "node_id" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "digest" TEXT NOT NULL,
    "desired" TEXT NOT NULL,
    "cause" TEXT NOT NULL,
    "decision_id" TEXT,
    "rollout_id" TEXT,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "assignments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "observations" (
    "assignment_id" TEXT NOT NULL,
    "node_id" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "digest" TEXT NOT NULL,
    "phase" TEXT NOT NULL,
    "health" TEXT NOT NULL,
    "pid" INTEGER,
    "restarts" INTEGER NOT NULL,
    "exit_code" INTEGER,
    "message" TEXT NOT NULL,
    "ports" JSONB NOT NULL,
    "limits" TEXT NOT NULL,
    "cpu_millis" DOUBLE PRECISION,
    "memory_bytes" BIGINT,
    "started_at" TIMESTAMPTZ(3),
    "since_at" TIMESTAMPTZ(3) NOT NULL,
    "observed_at" TIMESTAMPTZ(3) NOT NULL,
    "incoming" JSONB,

    CONSTRAINT "observations_pkey" PRIMARY KEY ("assignment_id")
);

-- CreateTable
CREATE TABLE "decisions" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "workload_id" TEXT NOT NULL,
    "unit" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "node_id" TEXT,
    "because" TEXT NOT NULL,
    "policy_digest" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "candidates" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "decisions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "reconcile_keys" (
    "kind" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "next_look_at" TIMESTAMPTZ(3) NOT NULL,
    "claimed_by" TEXT,
    "claimed_until" TIMESTAMPTZ(3),
    "failures" INTEGER NOT NULL DEFAULT 0,
    "last_error" TEXT,
    "again" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "reconcile_keys_pkey" PRIMARY KEY ("kind","key")
);

-- CreateTable
CREATE TABLE "rollouts" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "workload_id" TEXT NOT NULL,
    "from_generation" INTEGER NOT NULL,
    "to_generation" INTEGER NOT NULL,
    "phase" TEXT NOT NULL,
    "wave_index" INTEGER NOT NULL DEFAULT 0,
    "step_index" INTEGER NOT NULL DEFAULT 0,
    "step_started_at" TIMESTAMPTZ(3),
    "plan" JSONB NOT NULL,
    "plan_digest" TEXT NOT NULL,
    "verdict" JSONB,
    "reason" TEXT NOT NULL,
    "author_id" TEXT NOT NULL,
    "author" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "rollouts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "rollout_events" (
    "id" BIGSERIAL NOT NULL,
    "rollout_id" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "kind" TEXT NOT NULL,
    "actor" TEXT,
    "text" TEXT NOT NULL,
    "data" JSONB,

    CONSTRAINT "rollout_events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "approvals" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "rollout_id" TEXT NOT NULL,
    "gate" TEXT NOT NULL,
    "plan_digest" TEXT NOT NULL,
    "plan" JSONB NOT NULL,
    "state" TEXT NOT NULL,
    "requested_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "decided_by_id" TEXT,
    "decided_by" TEXT,
    "decided_at" TIMESTAMPTZ(3),
    "remark" TEXT,
    "void_reason" TEXT,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "approvals_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit_entries" (
    "seq" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "project_id" TEXT,
    "actor_kind" TEXT NOT NULL,
    "actor_id" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "session_id" TEXT,
    "strength" TEXT,
    "action" TEXT NOT NULL,
    "object_kind" TEXT NOT NULL,
    "object_id" TEXT NOT NULL,
    "object" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "refusal" JSONB,
    "reason" TEXT,
    "before" JSONB,
    "after" JSONB,
    "request_id" TEXT,

    CONSTRAINT "audit_entries_pkey" PRIMARY KEY ("seq")
);

-- CreateTable
CREATE TABLE "history" (
    "id" BIGSERIAL NOT NULL,
    "kind" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "project_id" TEXT,
    "doc" JSONB NOT NULL,
    "valid_from" TIMESTAMPTZ(3) NOT NULL,
    "valid_to" TIMESTAMPTZ(3),

    CONSTRAINT "history_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "changes" (
    "id" BIGSERIAL NOT NULL,
    "xid" BIGINT NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    "topic" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "project_id" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "changes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "processes" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL,
    "heartbeat_at" TIMESTAMPTZ(3) NOT NULL,
    "details" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "processes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "node_samples" (
    "node_id" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "values" DOUBLE PRECISION[],

    CONSTRAINT "node_samples_pkey" PRIMARY KEY ("node_id","at")
);

-- CreateTable
CREATE TABLE "unit_samples" (
    "assignment_id" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "cpu_millis" DOUBLE PRECISION,
    "memory_bytes" DOUBLE PRECISION,

    CONSTRAINT "unit_samples_pkey" PRIMARY KEY ("assignment_id","at")
);

-- CreateTable
CREATE TABLE "request_minutes" (
    "workload_id" TEXT NOT NULL,
    "assignment_id" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "site_id" TEXT NOT NULL,
    "node_id" TEXT NOT NULL,
    "minute" TIMESTAMPTZ(3) NOT NULL,
    "count" INTEGER NOT NULL,
    "errors" INTEGER NOT NULL,
    "sketch" BYTEA NOT NULL,

    CONSTRAINT "request_minutes_pkey" PRIMARY KEY ("workload_id","minute","assignment_id","generation")
);

-- CreateTable
CREATE TABLE "predictions" (
    "workload_id" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "assignment_id" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "site_id" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "predicted" TEXT NOT NULL,
    "confidence" DOUBLE PRECISION,
    "label" TEXT,
    "labelled_at" TIMESTAMPTZ(3),

    CONSTRAINT "predictions_pkey" PRIMARY KEY ("workload_id","id")
);

-- CreateTable
CREATE TABLE "waiting_labels" (
    "workload_id" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "waiting_labels_pkey" PRIMARY KEY ("workload_id","id")
);

-- CreateTable
CREATE TABLE "quality_minutes" (
    "workload_id" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "site_id" TEXT NOT NULL,
    "minute" TIMESTAMPTZ(3) NOT NULL,
    "labelled" INTEGER NOT NULL,
    "correct" INTEGER NOT NULL,

    CONSTRAINT "quality_minutes_pkey" PRIMARY KEY ("workload_id","minute","generation","site_id")
);

-- CreateTable
CREATE TABLE "node_events" (
    "id" BIGSERIAL NOT NULL,
    "node_id" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "kind" TEXT NOT NULL,
    "assignment_id" TEXT,
    "unit" TEXT,
    "message" TEXT NOT NULL,

    CONSTRAINT "node_events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "log_requests" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "node_id" TEXT NOT NULL,
    "assignment_id" TEXT NOT NULL,
    "tail_bytes" INTEGER NOT NULL,
    "follow" BOOLEAN NOT NULL,
    "state" TEXT NOT NULL,
    "error" TEXT,
    "keep_until" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "log_requests_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "log_chunks" (
    "request_id" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "offset" BIGINT NOT NULL,
    "text" TEXT NOT NULL,

    CONSTRAINT "log_chunks_pkey" PRIMARY KEY ("request_id","seq")
);

-- CreateIndex
CREATE UNIQUE INDEX "projects_name_key" ON "projects"("name");

-- CreateIndex
CREATE UNIQUE INDEX "people_login_key" ON "people"("login");

-- CreateIndex
CREATE UNIQUE INDEX "people_oidc_issuer_oidc_subject_key" ON "people"("oidc_issuer", "oidc_subject");

-- CreateIndex
CREATE UNIQUE INDEX "sessions_token_hash_key" ON "sessions"("token_hash");

-- CreateIndex
CREATE INDEX "sessions_person_id_idx" ON "sessions"("person_id");

-- CreateIndex
CREATE UNIQUE INDEX "service_tokens_token_hash_key" ON "service_tokens"("token_hash");

-- CreateIndex
CREATE UNIQUE INDEX "invitations_token_hash_key" ON "invitations"("token_hash");

-- CreateIndex
CREATE INDEX "objects_project_id_kind_name_idx" ON "objects"("project_id", "kind", "name");

-- CreateIndex
CREATE INDEX "sites_project_id_name_idx" ON "sites"("project_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "links_project_id_site_a_site_b_key" ON "links"("project_id", "site_a", "site_b");

-- CreateIndex
CREATE INDEX "nodes_site_id_idx" ON "nodes"("site_id");

-- CreateIndex
CREATE UNIQUE INDEX "nodes_project_id_name_key" ON "nodes"("project_id", "name");

-- CreateIndex
CREATE INDEX "agent_sessions_node_id_opened_at_idx" ON "agent_sessions"("node_id", "opened_at");

-- CreateIndex
CREATE INDEX "silent_spells_project_id_from_at_idx" ON "silent_spells"("project_id", "from_at");

-- CreateIndex
CREATE INDEX "silent_spells_node_id_from_at_idx" ON "silent_spells"("node_id", "from_at");

-- CreateIndex
CREATE UNIQUE INDEX "node_identities_spki_sha256_key" ON "node_identities"("spki_sha256");

-- CreateIndex
CREATE INDEX "node_certificates_node_id_issued_at_idx" ON "node_certificates"("node_id", "issued_at");

-- CreateIndex
CREATE UNIQUE INDEX "join_tokens_token_hash_key" ON "join_tokens"("token_hash");

-- CreateIndex
CREATE INDEX "assignments_workload_id_idx" ON "assignments"("workload_id");

-- CreateIndex
CREATE INDEX "assignments_node_id_idx" ON "assignments"("node_id");

-- CreateIndex
CREATE INDEX "assignments_project_id_unit_idx" ON "assignments"("project_id", "unit");

-- CreateIndex
CREATE INDEX "observations_node_id_idx" ON "observations"("node_id");

-- CreateIndex
CREATE INDEX "decisions_workload_id_created_at_idx" ON "decisions"("workload_id", "created_at");

-- CreateIndex
CREATE INDEX "decisions_project_id_created_at_id_idx" ON "decisions"("project_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "reconcile_keys_kind_next_look_at_idx" ON "reconcile_keys"("kind", "next_look_at");

-- CreateIndex
CREATE INDEX "rollouts_workload_id_created_at_idx" ON "rollouts"("workload_id", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "rollouts_project_id_number_key" ON "rollouts"("project_id", "number");

-- CreateIndex
CREATE INDEX "rollout_events_rollout_id_id_idx" ON "rollout_events"("rollout_id", "id");

-- CreateIndex
CREATE INDEX "approvals_project_id_state_expires_at_idx" ON "approvals"("project_id", "state", "expires_at");

-- CreateIndex
CREATE INDEX "approvals_rollout_id_idx" ON "approvals"("rollout_id");

-- CreateIndex
CREATE INDEX "audit_entries_project_id_seq_idx" ON "audit_entries"("project_id", "seq");

-- CreateIndex
CREATE INDEX "audit_entries_object_kind_object_id_seq_idx" ON "audit_entries"("object_kind", "object_id", "seq");

-- CreateIndex
CREATE INDEX "audit_entries_actor_id_seq_idx" ON "audit_entries"("actor_id", "seq");

-- CreateIndex
CREATE INDEX "history_kind_key_valid_from_idx" ON "history"("kind", "key", "valid_from");

-- CreateIndex
CREATE INDEX "changes_xid_id_idx" ON "changes"("xid", "id");

-- CreateIndex
CREATE INDEX "predictions_workload_id_at_idx" ON "predictions"("workload_id", "at");

-- CreateIndex
CREATE INDEX "node_events_node_id_at_idx" ON "node_events"("node_id", "at");

-- CreateIndex
CREATE INDEX "node_events_assignment_id_at_idx" ON "node_events"("assignment_id", "at");

-- CreateIndex
CREATE INDEX "log_requests_node_id_state_idx" ON "log_requests"("node_id", "state");

-- AddForeignKey
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_person_id_fkey" FOREIGN KEY ("person_id") REFERENCES "people"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "object_revisions" ADD CONSTRAINT "object_revisions_object_id_fkey" FOREIGN KEY ("object_id") REFERENCES "objects"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "nodes" ADD CONSTRAINT "nodes_site_id_fkey" FOREIGN KEY ("site_id") REFERENCES "sites"("id") ON DELETE RESTRICT ON UPDATE CASCADE;


