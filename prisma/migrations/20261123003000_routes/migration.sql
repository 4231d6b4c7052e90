-- How a service's requests are divided between revisions at a site.

CREATE TABLE "service_routes" (
    "workload_id" TEXT NOT NULL,
    "site_id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "spec" JSONB NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "service_routes_pkey" PRIMARY KEY ("workload_id","site_id")
);
CREATE INDEX "service_routes_site_id_idx" ON "service_routes"("site_id");
