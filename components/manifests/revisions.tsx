"use client";

import { useState } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { ChangeList, ManifestDiff } from "@/components/diff";
import { useProject } from "@/components/shell/project-context";
import { Age } from "@/components/state";
import { NotLoaded } from "@/components/state/query-states";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/cn";
import { Confirm } from "@/components/ui/confirm";
import { Command } from "@/components/ui/copy-button";
import { Section } from "@/components/ui/page";
import { SkeletonRows } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toaster";
import type { RouterOutputs } from "@/server/trpc";

type Revision = RouterOutputs["workloads"]["revisions"][number];

/** A workload's revisions: who, why, what changed, where each runs; going back to one, and lifting a hold. */
export function WorkloadRevisions({ name, selected, onSelect }: { name: string; selected: number | null; onSelect: (generation: number) => void }) {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const queries = useQueryClient();
  const list = useQuery(trpc.workloads.revisions.queryOptions({ project, name }));
  const current = selected ?? list.data?.[0]?.generation ?? null;
  const detail = useQuery({ ...trpc.workloads.revision.queryOptions({ project, name, generation: current ?? 1 }), enabled: current !== null });
  const [asked, setAsked] = useState<{ kind: "back" | "lift"; revision: Revision } | null>(null);
  const finished = {
    onSuccess: (done: { message: string }) => {
      setAsked(null);
      toast.success(done.message);
    },
    onSettled: () => {
      void queries.invalidateQueries(trpc.workloads.pathFilter());
      void queries.invalidateQueries(trpc.rollouts.pathFilter());
    },
  };
  const back = useMutation(trpc.workloads.rollBackTo.mutationOptions(finished));
  const lift = useMutation(trpc.workloads.liftHold.mutationOptions(finished));
  const running = asked?.kind === "back" ? back : lift;
  if (list.isPending) return <SkeletonRows rows={5} columns={3} />;
  if (!list.data) return <NotLoaded title="The revisions could not be loaded" query={list} />;
  return (
    <div className="grid grid-cols-[minmax(240px,340px)_minmax(0,1fr)] gap-4 max-md:grid-cols-1">
      <ol className="flex flex-col gap-1" aria-label="Revisions, newest first">
        {list.data.map((r) => (
          <li key={r.generation}>
            <button
              type="button"
              aria-current={r.generation === current ? "true" : undefined}
              onClick={() => onSelect(r.generation)}
              className={cn("flex w-full flex-col gap-0.5 rounded-md border px-3 py-2 text-left text-sm hover:bg-accent", r.generation === current ? "border-primary/60 bg-card" : "border-transparent")}
            >
              <span className="flex items-center gap-2">
                <span className="tnum font-semibold">r{r.generation}</span>
                {r.current ? <Badge tone="accent">newest</Badge> : null}
                {r.heldReason ? <Badge tone="failing">held</Badge> : null}
                <span className="tnum ml-auto text-xs text-muted-foreground">
                  {r.unitsObserved === r.unitsDesired ? `${r.unitsObserved} units` : `${r.unitsObserved} of ${r.unitsDesired} units`}
                </span>
              </span>
              <span className="text-muted-foreground">
                {r.author}, <Age at={r.createdAtMs} suffix="ago" className="min-w-0" />
              </span>
              {r.reason ? <span className="line-clamp-2">{r.reason}</span> : null}
            </button>
          </li>
        ))}
      </ol>
      <div className="flex min-w-0 flex-col gap-3">
        {detail.data ? (
          <>
            <div className="flex flex-wrap items-center gap-2">
              <h2 className="text-base font-semibold">Revision r{detail.data.generation}</h2>
              <code className="truncate text-xs text-muted-foreground">{detail.data.digest.slice(0, 19)}…</code>
              <span className="ml-auto flex gap-1.5">
                {detail.data.heldReason ? (
                  <Button disabledReason={why("rollouts.operate")} onClick={() => (lift.reset(), setAsked({ kind: "lift", revision: detail.data }))}>
                    Lift the hold
                  </Button>
                ) : null}
                <Button disabledReason={why("manifests.apply") ?? (detail.data.current ? "It is the newest revision." : detail.data.heldReason ? "It is held: lift the hold first." : null)} onClick={() => (back.reset(), setAsked({ kind: "back", revision: detail.data }))}>
                  Go back to r{detail.data.generation}
                </Button>
              </span>
            </div>
            {detail.data.heldReason ? <p className="rounded-md bg-failing-soft px-3 py-2 text-sm text-failing">Held: {detail.data.heldReason}</p> : null}
            <Section title="What it changed" flush>
              <ChangeList changes={detail.data.changes} className="px-3" />
            </Section>
            <ManifestDiff before={detail.data.previousYaml ?? ""} after={detail.data.manifestYaml} label={`r${detail.data.generation} against the revision before`} />
          </>
        ) : detail.isPending ? (
          <SkeletonRows rows={8} columns={2} />
        ) : (
          <NotLoaded title="The revision could not be loaded" query={detail} />
        )}
      </div>
      {asked ? (
        <Confirm
          open
          onOpenChange={(open) => !open && setAsked(null)}
          title={asked.kind === "back" ? `Go back to r${asked.revision.generation} of ${name}?` : `Lift the hold on r${asked.revision.generation} of ${name}?`}
          consequences={<p>{asked.kind === "back" ? "A new revision with the content of this one is made. It goes out as any new revision does: by the workload's rollout strategy, or at once without one." : `It was held: ${asked.revision.heldReason} Once lifted, it can be applied and rolled out again.`}</p>}
          action={asked.kind === "back" ? `Go back to r${asked.revision.generation}` : "Lift the hold"}
          reason="required"
          busy={running.isPending}
          error={running.error ? explain(running.error).message : null}
          command={<Command label="The same at the command line" text={asked.kind === "back" ? `holdfast workload roll-back ${name} --to ${asked.revision.generation} --reason "…"` : `holdfast workload lift-hold ${name} --generation ${asked.revision.generation} --reason "…"`} />}
          onConfirm={(reason) => running.mutate({ project, name, generation: asked.revision.generation, reason })}
        />
      ) : null}
    </div>
  );
}
