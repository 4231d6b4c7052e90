"use client";

import type { ReactNode } from "react";
import { LastLoaded, NotLoaded } from "@/components/state/query-states";
import Link from "@/components/ui/link";
import { useQuery } from "@tanstack/react-query";
import { refusalOf } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { StateMark } from "@/components/state";
import { EmptyState } from "@/components/ui/empty-state";
import { PageBody, PageHead } from "@/components/ui/page";
import { Loading, Skeleton, SkeletonRows } from "@/components/ui/skeleton";
import { LinkTabs } from "@/components/ui/tabs";
import type { RolloutDetail } from "@/server/core/views";
import { RolloutActions } from "./rollout-actions";

export type RolloutPart = "overview" | "analysis" | "rollback";

/** What the pages of one rollout share: its head with state and commands, the tabs, and every state of loading it. */
export function RolloutFrame({ number, part, children }: { number: number; part: RolloutPart; children: (rollout: RolloutDetail) => ReactNode }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const query = useQuery({ ...trpc.rollouts.get.queryOptions({ project, number }), refetchInterval: (q) => (q.state.data?.final ? false : 15_000) });
  const r = query.data;
  const trail = [{ label: "Rollouts", href: routes.rollouts(project) }];
  if (!r) {
    return (
      <>
        <PageHead title={`Rollout #${number}`} trail={trail} />
        {query.isPending ? (
          <FrameSkeleton number={number} />
        ) : refusalOf(query.error)?.code === "not_found" ? (
          <EmptyState title={`There is no rollout #${number}`}>
            <p>Rollouts are numbered by project: it may belong to another one.</p>
          </EmptyState>
        ) : (
          <NotLoaded title={`Rollout #${number} could not be loaded`} query={query} />
        )}
      </>
    );
  }
  return (
    <>
      <PageHead
        trail={trail}
        title={
          <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
            <span className="tnum text-muted-foreground">#{r.number}</span>
            <Link href={routes.workload(project, r.workload)} className="hover:underline">
              {r.workload}
            </Link>
            <span className="tnum">
              r{r.fromGeneration} → r{r.toGeneration}
            </span>
            <StateMark state={r.state} word={r.phaseLabel} soft />
          </span>
        }
        actions={<RolloutActions rollout={r} />}
      >
        <LinkTabs
          label="Parts of the rollout"
          items={[
            { href: routes.rollout(project, number), label: "Overview", current: part === "overview" },
            { href: routes.rollout(project, number, "analysis"), label: "Analysis", current: part === "analysis" },
            { href: routes.rollout(project, number, "rollback"), label: "Rollback", current: part === "rollback", count: r.proof && r.proof.notProven > 0 ? `${r.proof.notProven} not proven` : undefined },
          ]}
        />
      </PageHead>
      <PageBody>
        <LastLoaded query={query} />
        {children(r)}
      </PageBody>
    </>
  );
}

function FrameSkeleton({ number }: { number: number }) {
  return (
    <Loading what={`rollout ${number}`}>
      <PageBody>
        <Skeleton className="h-5 w-[60ch] max-w-full" />
        <div className="grid grid-cols-[minmax(0,1fr)_minmax(280px,340px)] gap-4 max-lg:grid-cols-1">
          <div className="flex flex-col gap-3">
            <div className="rounded-md border bg-card"><SkeletonRows rows={5} columns={3} /></div>
            <div className="rounded-md border bg-card"><SkeletonRows rows={5} columns={3} /></div>
          </div>
          <div className="rounded-md border bg-card"><SkeletonRows rows={8} columns={2} /></div>
        </div>
      </PageBody>
    </Loading>
  );
}
