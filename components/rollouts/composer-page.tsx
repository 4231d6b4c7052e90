"use client";

import { useState } from "react";
import { useRouter } from "next/navigation";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { parseAsInteger, parseAsString, useQueryStates } from "nuqs";
import { explain, fieldMessage } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { Command } from "@/components/ui/copy-button";
import { EmptyState } from "@/components/ui/empty-state";
import { NativeSelect, Textarea } from "@/components/ui/input";
import { Field } from "@/components/ui/label";
import Link from "@/components/ui/link";
import { PageBody, PageHead } from "@/components/ui/page";
import { SkeletonRows } from "@/components/ui/skeleton";
import { ComposerPlan } from "./composer-plan";
import { LintList } from "./lint-list";

/** Composes a rollout: workload, revision, strategy; beside it the whole plan, whom it reaches, and what to think of. */
export function ComposerPage() {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const router = useRouter();
  const [view, setView] = useQueryStates({ workload: parseAsString, revision: parseAsInteger, strategy: parseAsString }, { history: "replace" });
  const [reason, setReason] = useState("");
  const workloads = useQuery(trpc.workloads.list.queryOptions({ project, limit: 200 }));
  const strategies = useQuery(trpc.manifests.objects.queryOptions({ project, limit: 200, kind: "RolloutStrategy" }));
  const revisions = useQuery({ ...trpc.workloads.revisions.queryOptions({ project, name: view.workload ?? "" }), enabled: view.workload !== null });
  const ready = view.workload !== null && view.revision !== null && view.strategy !== null;
  const preview = useQuery({
    ...trpc.rollouts.preview.queryOptions({ project, workload: view.workload ?? "", generation: view.revision ?? 1, strategy: view.strategy ?? "" }),
    enabled: ready,
    placeholderData: keepPreviousData,
  });
  const create = useMutation(trpc.rollouts.create.mutationOptions({ onSuccess: (made) => router.push(routes.rollout(project, made.number)) }));
  const blocked = why("rollouts.operate") ?? (!ready ? "Choose a workload, a revision and a strategy." : preview.error ? "The plan cannot be made: see beside." : reason.trim().length < 3 ? "Write a reason of at least three characters." : null);
  const trail = [{ label: "Rollouts", href: routes.rollouts(project) }];
  if (workloads.data?.items.length === 0) {
    return (
      <>
        <PageHead title="New rollout" trail={trail} />
        <EmptyState title="There is no workload to roll out">
          <p>Apply a workload first. Its first revision needs no rollout; the next one can go in waves.</p>
        </EmptyState>
      </>
    );
  }
  const lint = ready ? (preview.data?.lint ?? []) : [];
  return (
    <>
      <PageHead title="New rollout" purpose="See exactly what it would touch before it starts." trail={trail} />
      <PageBody>
        <div className="grid grid-cols-[minmax(260px,340px)_minmax(0,1fr)] items-start gap-4 max-md:grid-cols-1">
          <form
            className="flex flex-col gap-3"
            onSubmit={(e) => {
              e.preventDefault();
              if (!blocked && view.workload && view.revision !== null && view.strategy) create.mutate({ project, workload: view.workload, generation: view.revision, strategy: view.strategy, reason: reason.trim() });
            }}
          >
            <Field label="Workload">
              <NativeSelect value={view.workload ?? ""} onChange={(e) => void setView({ workload: e.target.value || null, revision: null })}>
                <option value="">Choose a workload</option>
                {workloads.data?.items.map((w) => (
                  <option key={w.id} value={w.name}>
                    {w.name}
                  </option>
                ))}
              </NativeSelect>
            </Field>
            <Field label="To revision" error={create.error ? fieldMessage(create.error, "generation") : null}>
              <NativeSelect value={view.revision ?? ""} onChange={(e) => void setView({ revision: e.target.value ? Number(e.target.value) : null })}>
                <option value="">Choose a revision</option>
                {revisions.data?.map((x) => (
                  <option key={x.generation} value={x.generation} disabled={x.heldReason !== null}>
                    r{x.generation} by {x.author}
                    {x.reason ? `: ${x.reason}` : ""}
                    {x.heldReason ? " (held)" : ""}
                  </option>
                ))}
              </NativeSelect>
            </Field>
            <div className="flex flex-col gap-1.5">
              <Field label="Strategy" help={strategies.data?.items.length === 0 ? "There is none yet: apply a RolloutStrategy under Policies." : undefined}>
                <NativeSelect value={view.strategy ?? ""} onChange={(e) => void setView({ strategy: e.target.value || null })}>
                  <option value="">Choose a strategy</option>
                  {strategies.data?.items.map((x) => (
                    <option key={x.id} value={x.name}>
                      {x.title ?? x.name}
                    </option>
                  ))}
                </NativeSelect>
              </Field>
              {view.workload ? <AsLast workload={view.workload} strategy={view.strategy} onTake={(strategy) => void setView({ strategy })} /> : null}
              {lint.length > 0 ? (
                <div className="rounded-md border bg-card p-2">
                  <LintList findings={lint} />
                </div>
              ) : null}
              {view.strategy ? (
                <Link href={`${routes.policy(project, view.strategy)}?kind=RolloutStrategy`} className="link self-start text-sm">
                  Open the strategy to change it
                </Link>
              ) : null}
            </div>
            <Field label="Reason" help="Kept in the audit log, next to your name.">
              <Textarea rows={3} maxLength={500} value={reason} onChange={(e) => setReason(e.target.value)} />
            </Field>
            {create.error ? (
              <p role="alert" className="rounded-md bg-failing-soft px-2 py-1.5 text-sm text-failing">
                {explain(create.error).message}
              </p>
            ) : null}
            <Button type="submit" variant="primary" size="lg" disabledReason={blocked} busy={create.isPending}>
              Start rollout
            </Button>
            {ready ? <Command label="The same at the command line" text={`holdfast rollout create ${view.workload} --generation ${view.revision} --strategy ${view.strategy} --reason "…"`} /> : null}
          </form>
          <div className="flex min-w-0 flex-col gap-3">
            {!ready ? (
              <p className="text-sm text-muted-foreground">The waves with every unit they would touch, whom that reaches, and how it would have judged earlier rollouts appear here.</p>
            ) : preview.error ? (
              <Alert tone="error" title="This rollout cannot be planned">
                {explain(preview.error).message}
              </Alert>
            ) : !preview.data ? (
              <div className="rounded-md border bg-card">
                <SkeletonRows rows={8} columns={3} />
              </div>
            ) : (
              <ComposerPlan preview={preview.data} strategy={view.strategy ?? ""} />
            )}
          </div>
        </div>
      </PageBody>
    </>
  );
}

/** Offers the strategy of the workload's last rollout, with how that one ended. */
function AsLast({ workload, strategy, onTake }: { workload: string; strategy: string | null; onTake: (strategy: string) => void }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const newest = useQuery(trpc.rollouts.list.queryOptions({ project, workload, limit: 1 }));
  const number = newest.data?.items[0]?.number;
  const last = useQuery({ ...trpc.rollouts.get.queryOptions({ project, number: number ?? 1 }), enabled: number !== undefined });
  if (!last.data || last.data.strategy === strategy) return null;
  const { strategy: name } = last.data;
  return (
    <p className="flex flex-wrap items-center gap-x-2 text-sm text-muted-foreground">
      <span>
        Last time: {name}, #{last.data.number}, {last.data.phaseLabel.toLowerCase()}.
      </span>
      <Button size="sm" onClick={() => onTake(name)}>
        Take {name}
      </Button>
    </p>
  );
}
