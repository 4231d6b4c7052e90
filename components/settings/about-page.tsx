"use client";

import { useQuery } from "@tanstack/react-query";
import { useProject } from "@/components/shell/project-context";
import { Age, durationText, StateMark, type State } from "@/components/state";
import { Command } from "@/components/ui/copy-button";
import { ErrorState } from "@/components/ui/empty-state";
import { Facts, PageBody, Section } from "@/components/ui/page";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import { useOrigin } from "@/components/ui/use-origin";
import { healthView } from "@/server/core/views/access";

/** What this installation is made of, and how its processes are: the same answer that `/api/health` gives. */
export function AboutPage() {
  const { project } = useProject();
  const origin = useOrigin();
  const health = useQuery({
    queryKey: ["api", "health"],
    // 503 is an answer too: it says which process is not ready.
    queryFn: async ({ signal }) => healthView.parse(await (await fetch("/api/health", { signal, cache: "no-store" })).json()),
    refetchInterval: 10_000,
  });
  return (
    <PageBody>
      <Section title="Processes" aside={health.data ? <Age at={health.dataUpdatedAt} suffix="old" className="min-w-0" /> : null} flush>
        {health.data ? (
          <Table stacked label="Processes">
            <thead>
              <tr>
                <Th>Process</Th>
                <Th>State</Th>
                <Th>Version</Th>
                <Th numeric>Since</Th>
                <Th numeric>Heard</Th>
                <Th>Details</Th>
              </tr>
            </thead>
            <tbody>
              {health.data.processes.map((process) => (
                <Tr key={process.id}>
                  <Td className="font-medium">{process.name}</Td>
                  <Td>
                    <StateMark state={stateOf(process.state)} word={process.state} />
                  </Td>
                  <Td label="Version">{process.version}</Td>
                  <Td label="Since" numeric>
                    <Age at={process.since} className="min-w-0" />
                  </Td>
                  <Td label="Heard" numeric>{durationText(process.ageMs)}</Td>
                  <Td label="Details" className="max-w-96 truncate text-xs text-muted-foreground">
                    {Object.entries(process.details).map(([key, value]) => `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`).join(", ")}
                  </Td>
                </Tr>
              ))}
            </tbody>
          </Table>
        ) : health.isError ? (
          <ErrorState title="The health could not be loaded" message="The server did not answer, or not in a way this page understands." onRetry={() => void health.refetch()} />
        ) : (
          <Loading what="health">
            <SkeletonRows rows={4} columns={5} />
          </Loading>
        )}
      </Section>
      <div className="grid gap-4 lg:grid-cols-2">
        <Section title="Holdfast">
          <Facts
            items={[
              { name: "Version", value: health.data?.version ?? null },
              { name: "State", value: health.data ? <StateMark state={health.data.status === "ready" ? "healthy" : "degraded"} word={health.data.status === "ready" ? "ready" : "not ready"} /> : null },
              { name: "Licence", value: "Apache License 2.0" },
              {
                name: "For programs",
                value: (
                  <span className="flex flex-wrap gap-x-3">
                    <a className="link" href="/api/health">
                      /api/health
                    </a>
                    <a className="link" href="/metrics">
                      /metrics
                    </a>
                    <a className="link" href="/download/schema.json">
                      JSON Schema of manifests
                    </a>
                    <a className="link" href="/download/agent">
                      Agent
                    </a>
                  </span>
                ),
              },
            ]}
          />
        </Section>
        <Section title="The command line">
          <Command label="Sign in once, then use it" text={`holdfast login ${origin}\nholdfast get nodes --project ${project}`} />
        </Section>
      </div>
    </PageBody>
  );
}

function stateOf(state: string): State {
  return state === "ready" ? "healthy" : state === "starting" || state === "stopping" ? "pending" : state === "silent" ? "silent" : "failing";
}
