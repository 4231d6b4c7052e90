"use client";

import Link from "@/components/ui/link";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { explain, refusalOf } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { ApprovalCard } from "@/components/approvals/approval-card";
import { ChartPanel, TimeRangeControl, useTimeRange } from "@/components/chart";
import { ChangeList } from "@/components/diff";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age, At, Elapsed, StateMark } from "@/components/state";
import { Alert } from "@/components/ui/alert";
import { CopyButton } from "@/components/ui/copy-button";
import { EmptyState, ErrorState } from "@/components/ui/empty-state";
import { Facts, PageBody, PageHead, Section } from "@/components/ui/page";
import { Loading, Skeleton, SkeletonRows } from "@/components/ui/skeleton";
import { Timeline } from "@/components/ui/timeline";
import type { RolloutDetail } from "@/server/core/views";
import { RolloutActions } from "./rollout-actions";
import { NoVerdict, Verdict } from "./verdict";
import { WaveRail } from "./wave-rail";

/** A rollout, whole: the sentence first, the gate if one waits, the waves with a block per unit, the evidence, what happened. */
export function RolloutPage({ number }: { number: number }) {
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
          <RolloutSkeleton number={number} />
        ) : refusalOf(query.error)?.code === "not_found" ? (
          <EmptyState title={`There is no rollout #${number}`}>
            <p>Rollouts are numbered by project: it may belong to another one.</p>
          </EmptyState>
        ) : (
          <ErrorState title={`Rollout #${number} could not be loaded`} message={explain(query.error).message} id={explain(query.error).id} onRetry={() => void query.refetch()} />
        )}
      </>
    );
  }
  const pending = r.approvals.filter((a) => a.state === "pending");
  const decided = r.approvals.filter((a) => a.state !== "pending");
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
      />
      <PageBody>
        {query.isError ? (
          <Alert tone="silent" title="This is the last that could be loaded">
            {explain(query.error).message}
          </Alert>
        ) : null}
        <p className="max-w-[90ch] text-md font-medium" aria-live="polite">
          {r.reason}
        </p>
        {pending.map((a) => (
          <ApprovalCard key={a.id} approval={a} compact />
        ))}
        <div className="grid grid-cols-[minmax(0,1fr)_minmax(280px,340px)] gap-4 max-lg:grid-cols-1">
          <div className="flex min-w-0 flex-col gap-4">
            <WaveRail project={project} rollout={r} />
            <Section title="Evidence" hint="Measured while it runs, also while it is paused" flush>
              {r.verdict ? <Verdict verdict={r.verdict} /> : <NoVerdict />}
            </Section>
            <Charts workload={r.workload} />
          </div>
          <Aside rollout={r} decided={decided} />
        </div>
      </PageBody>
    </>
  );
}

/** The workload's metrics by revision over time; they go on whatever the rollout does. */
function Charts({ workload }: { workload: string }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const range = useTimeRange();
  const charts = useQuery({
    ...trpc.telemetry.workload.queryOptions({ project, name: workload, by: "revision", range: { fromMs: range?.fromMs ?? 0, toMs: range?.toMs ?? 1 } }),
    enabled: range !== null,
    placeholderData: keepPreviousData,
  });
  return (
    <div className="flex min-w-0 flex-col gap-2">
      <div className="flex items-center gap-3">
        <h2 className="text-sm">By revision</h2>
        <span className="ml-auto">
          <TimeRangeControl range={range} />
        </span>
      </div>
      <div className="grid gap-3 sm:grid-cols-2">
        {(charts.data ?? [undefined, undefined, undefined, undefined]).map((chart, i) => (
          <ChartPanel key={chart?.title ?? i} chart={chart} error={charts.error ? explain(charts.error).message : null} onZoom={range ? (fromMs, toMs) => range.set({ fromMs, toMs }) : undefined} />
        ))}
      </div>
    </div>
  );
}

function Aside({ rollout: r, decided }: { rollout: RolloutDetail; decided: RolloutDetail["approvals"] }) {
  return (
    <div className="flex min-w-0 flex-col gap-4">
      <Section title="About">
        <Facts
          items={[
            { name: "Author", value: r.author },
            { name: "Strategy", value: r.strategy },
            { name: "Started", value: <At at={r.createdAtMs} /> },
            { name: r.endedAtMs ? "Took" : "For", value: <Elapsed from={r.createdAtMs} to={r.endedAtMs} /> },
            { name: "Plan", value: <span className="flex items-center gap-1"><code className="truncate text-xs">{r.planDigest.slice(0, 19)}…</code><CopyButton text={r.planDigest} what="the plan's digest" /></span> },
          ]}
        />
      </Section>
      <Section title="What changes" flush>
        <ChangeList changes={r.changes} className="px-3" />
      </Section>
      <Section title="Approvals" aside={<span className="tnum">{decided.length} decided</span>}>
        {decided.length === 0 ? (
          <p className="text-sm text-muted-foreground">Nothing has been decided yet.</p>
        ) : (
          <ul className="flex flex-col gap-2 text-sm">
            {decided.map((a) => (
              <li key={a.id}>
                <p>
                  <span className="font-medium">{a.gate}</span>: {a.state}
                  {a.decidedBy ? ` by ${a.decidedBy}` : ""} <Age at={a.decidedAtMs} suffix="ago" className="min-w-0 text-muted-foreground" />
                </p>
                {a.remark ?? a.voidReason ? <p className="text-muted-foreground">{a.remark ?? a.voidReason}</p> : null}
              </li>
            ))}
          </ul>
        )}
      </Section>
      <Section title="What happened">
        <Timeline items={r.events} empty="Nothing has happened yet." />
      </Section>
    </div>
  );
}

function RolloutSkeleton({ number }: { number: number }) {
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
