"use client";

import { useQuery } from "@tanstack/react-query";
import { refusalOf } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { NotLoaded } from "@/components/state/query-states";
import { EmptyState } from "@/components/ui/empty-state";
import { PageBody, PageHead, Section } from "@/components/ui/page";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import { ApprovalCard } from "./approval-card";

/** One approval by its address: the card, and the plan's waves with every target. */
export function ApprovalPage({ id }: { id: string }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const query = useQuery(trpc.approvals.get.queryOptions({ project, id }));
  const a = query.data;
  const trail = [{ label: "Approvals", href: routes.approvals(project) }];
  if (!a) {
    return (
      <>
        <PageHead title="Approval" trail={trail} />
        {query.isPending ? (
          <PageBody>
            <Loading what="the approval" className="max-w-3xl rounded-md border bg-card">
              <SkeletonRows rows={9} columns={2} />
            </Loading>
          </PageBody>
        ) : refusalOf(query.error)?.code === "not_found" ? (
          <EmptyState title="There is no such approval">
            <p>The link may belong to another project.</p>
          </EmptyState>
        ) : (
          <NotLoaded title="The approval could not be loaded" query={query} />
        )}
      </>
    );
  }
  return (
    <>
      <PageHead title={`${a.workload}: ${a.gate}`} trail={trail} />
      <PageBody>
        <div className="max-w-3xl">
          <ApprovalCard approval={a} />
        </div>
        <Section title="The plan, whole" className="max-w-3xl">
          <ol className="flex flex-col gap-3 text-sm">
            {a.plan.waves.map((w, i) => (
              <li key={w.name}>
                <p className="font-medium">
                  {i + 1}. {w.name}
                </p>
                <p className="text-muted-foreground">{w.steps.join(" · ")}</p>
                <p className="tnum">{w.targets.length === 0 ? "No unit." : w.targets.map((t) => `${t.unit} on ${t.node}`).join(", ")}</p>
              </li>
            ))}
          </ol>
        </Section>
      </PageBody>
    </>
  );
}
