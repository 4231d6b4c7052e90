"use client";

import { useState } from "react";
import { useRouter } from "next/navigation";
import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { parseAsInteger, parseAsString, useQueryStates } from "nuqs";
import { explain, fieldMessage } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { ChangeList } from "@/components/diff";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { StateMark, type State } from "@/components/state";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { Command } from "@/components/ui/copy-button";
import { EmptyState } from "@/components/ui/empty-state";
import { NativeSelect, Textarea } from "@/components/ui/input";
import { Field } from "@/components/ui/label";
import { PageBody, PageHead, Section } from "@/components/ui/page";
import { SkeletonRows } from "@/components/ui/skeleton";

/** Composes a rollout: workload, revision, strategy; beside it the waves with every unit, and what to think of. */
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
  if (workloads.data?.items.length === 0) {
    return (
      <>
        <PageHead title="New rollout" trail={[{ label: "Rollouts", href: routes.rollouts(project) }]} />
        <EmptyState title="There is no workload to roll out">
          <p>Apply a workload first. Its first revision needs no rollout; the next one can go in waves.</p>
        </EmptyState>
      </>
    );
  }
  return (
    <>
      <PageHead title="New rollout" purpose="See exactly what it would touch before it starts." trail={[{ label: "Rollouts", href: routes.rollouts(project) }]} />
      <PageBody>
        <div className="grid grid-cols-[minmax(260px,340px)_minmax(0,1fr)] gap-4 max-md:grid-cols-1">
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
            {ready ? <Command label="The same at the command line" text={`holdfast rollout create --workload ${view.workload} --generation ${view.revision} --strategy ${view.strategy} --reason "…"`} /> : null}
          </form>
          <div className="flex min-w-0 flex-col gap-3">
            {!ready ? (
              <p className="text-sm text-muted-foreground">The waves with every unit they would touch appear here.</p>
            ) : preview.error ? (
              <Alert tone="error" title="This rollout cannot be planned">
                {explain(preview.error).message}
              </Alert>
            ) : !preview.data ? (
              <div className="rounded-md border bg-card">
                <SkeletonRows rows={8} columns={3} />
              </div>
            ) : (
              <>
                {preview.data.warnings.map((w) => (
                  <Alert key={w} tone="warning" title={w} />
                ))}
                <Section title="What changes" flush>
                  <ChangeList changes={preview.data.changes} className="px-3" />
                </Section>
                {preview.data.waves.map((w, i) => (
                  <Section key={w.name} title={`${i + 1}. ${w.name}`} hint={w.steps.join(" · ")} aside={<span className="tnum">{w.targets.length} of {preview.data.unitsTotal} units</span>}>
                    {w.targets.length === 0 ? (
                      <p className="text-sm text-muted-foreground">No unit runs where this wave selects.</p>
                    ) : (
                      <ul className="grid grid-cols-[repeat(auto-fill,minmax(200px,1fr))] gap-x-4 gap-y-1 text-sm">
                        {w.targets.map((t) => (
                          <li key={t.unit} className="flex min-w-0 items-center gap-2">
                            <StateMark state={t.state as State} word="" />
                            <span className="truncate">
                              {t.unit} <span className="text-muted-foreground">{t.site}</span>
                            </span>
                          </li>
                        ))}
                      </ul>
                    )}
                  </Section>
                ))}
              </>
            )}
          </div>
        </div>
      </PageBody>
    </>
  );
}
