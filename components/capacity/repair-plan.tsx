"use client";

import { useState } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { explain, refusalOf } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { Age, durationText } from "@/components/state";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm";
import { Command } from "@/components/ui/copy-button";
import { ErrorState } from "@/components/ui/empty-state";
import Link from "@/components/ui/link";
import { Section } from "@/components/ui/page";
import { PlainTable } from "@/components/ui/plain-table";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toaster";
import type { RepairPlanView } from "@/server/core/views";

/** Moves that are listed; a plan may have hundreds. */
const LISTED = 50;
const NAMED = 8;
const secondsText = (s: number): string => (s < 120 ? `${Number(s.toFixed(1))} s` : durationText(s * 1_000));

/** The plan that makes room for a workload that waits: in words, with its price, and the way to run exactly it. */
export function RepairPlan({ project, workload, onClose }: { project: string; workload: string; onClose: () => void }) {
  const trpc = useTRPC();
  const [asked, setAsked] = useState<RepairPlanView | null>(null);
  const query = useQuery(trpc.placement.repairPlan.queryOptions({ project, workload }, { retry: false }));
  const p = query.data;
  return (
    <Section
      id="repair-plan"
      title={`Room for ${workload}`}
      hint={p ? <>as the fleet was <Age at={p.asOfMs} suffix="ago" className="min-w-0" /></> : null}
      aside={
        <>
          <Button size="sm" busy={query.isFetching} onClick={() => void query.refetch()}>
            Look again
          </Button>
          <Button size="sm" onClick={onClose}>
            Close the plan
          </Button>
        </>
      }
      flush
    >
      {query.isError && refusalOf(query.error)?.code === "illegal_transition" ? (
        <p className="px-3 py-2 text-base">{refusalOf(query.error)?.message} Nothing has to move for it.</p>
      ) : query.isError ? (
        <ErrorState title={`There is no plan for ${workload}`} message={explain(query.error).message} id={explain(query.error).id} kept="Nothing was moved." onRetry={() => void query.refetch()} />
      ) : !p ? (
        <Loading what="the plan">
          <SkeletonRows rows={2} columns={4} />
        </Loading>
      ) : (
        <>
          <p className="px-3 py-2 text-base">{p.sentence}</p>
          {p.moves.length > 0 ? <Moves project={project} plan={p} /> : null}
          {p.moves.length > 0 ? (
            <div className="flex flex-wrap items-center gap-2 border-t px-3 py-2">
              <Button variant="primary" disabledReason={p.run.disabledBecause} onClick={() => setAsked(p)}>
                Run this plan
              </Button>
              <span className="text-sm text-muted-foreground">{p.optimal ? "No plan costs fewer seconds." : "A greedy plan: there may be a cheaper one."}</span>
              <Command label="The same at the command line" text={p.run.cli} />
            </div>
          ) : null}
        </>
      )}
      {asked ? <Run project={project} workload={workload} plan={asked} onClose={() => setAsked(null)} /> : null}
    </Section>
  );
}

function Moves({ project, plan }: { project: string; plan: RepairPlanView }) {
  const inBatches = new Set(plan.moves.map((m) => m.batch)).size < plan.moves.length;
  return (
    <>
    <PlainTable
      label="Moves of the plan, in their order"
      rows={plan.moves.slice(0, LISTED)}
      keyOf={(m) => m.unit}
      columns={[
        { head: "Unit", bare: true, cell: (m) => <Link href={routes.workload(project, m.workload)} className="font-medium hover:underline">{m.unit}</Link> },
        ...(inBatches ? [{ head: "Batch", numeric: true, cell: (m: RepairPlanView["moves"][number]) => m.batch + 1 }] : []),
        { head: "From", cell: (m) => m.from },
        { head: "To", cell: (m) => m.to },
        { head: "Price", numeric: true, cell: (m) => secondsText(m.seconds) },
        { head: "The price is", cell: (m) => <span className="text-muted-foreground">{m.priced}: {m.pricedBecause}</span> },
      ]}
    />
    {plan.moves.length > LISTED ? <p className="border-t px-3 py-1.5 text-xs text-muted-foreground">The first {LISTED} of {plan.moves.length} moves are listed; the command line lists all.</p> : null}
    </>
  );
}

/** Asks for the reason. What is run is the plan that stands here, even if another one would be made by now: then it is refused. */
function Run({ project, workload, plan, onClose }: { project: string; workload: string; plan: RepairPlanView; onClose: () => void }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const run = useMutation(
    trpc.placement.repairRun.mutationOptions({
      onSuccess: (done) => {
        onClose();
        toast.success(done.message);
      },
      onSettled: () => void queries.invalidateQueries(trpc.placement.pathFilter()),
    }),
  );
  const batches = new Set(plan.moves.map((m) => m.batch)).size;
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Move ${plan.moves.length === 1 ? "a unit" : `${plan.moves.length} units`} to make room for ${workload}?`}
      consequences={
        <>
          <ul className="list-disc pl-4">
            {plan.moves.slice(0, NAMED).map((m) => (
              <li key={m.unit}>
                {m.unit} goes from {m.from} to {m.to}
              </li>
            ))}
            {plan.moves.length > NAMED ? <li>and {plan.moves.length - NAMED} more</li> : null}
          </ul>
          <p>{plan.moves.length === 1 ? "It is stopped only when its replacement serves." : `${batches === plan.moves.length ? "One at a time" : `In ${batches} batches, one after the other`}; each is stopped only when its replacement serves.`}</p>
          <p>It costs {secondsText(plan.seconds)} of warm starts. If the plan is another one by now, nothing is moved.</p>
        </>
      }
      action="Run this plan"
      reason="required"
      busy={run.isPending}
      error={run.error ? explain(run.error).message : null}
      command={<Command label="The same at the command line" text={plan.run.cli} />}
      onConfirm={(reason) => run.mutate({ project, workload, digest: plan.digest ?? "", reason })}
    />
  );
}
