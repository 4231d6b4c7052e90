"use client";

import { useState } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age, StateMark } from "@/components/state";
import { Confirm } from "@/components/ui/confirm";
import { Command } from "@/components/ui/copy-button";
import { NativeSelect } from "@/components/ui/input";
import { Field } from "@/components/ui/label";
import Link from "@/components/ui/link";
import { toast } from "@/components/ui/toaster";
import type { BreakGlassView, FreezeView } from "@/server/core/views";

export type Ask = { kind: "freeze" } | { kind: "thaw"; freeze: FreezeView } | { kind: "abortAll"; open: number } | { kind: "breakGlass" } | { kind: "reviewGlass"; glass: BreakGlassView };
type Dialog = { onClose: () => void };

/** Asks for one of the emergency commands: what it does, what it does not, and why. */
export function EmergencyDialog({ ask, onClose }: { ask: Ask } & Dialog) {
  switch (ask.kind) {
    case "freeze":
      return <Freeze onClose={onClose} />;
    case "thaw":
      return <Thaw freeze={ask.freeze} onClose={onClose} />;
    case "abortAll":
      return <AbortAll open={ask.open} onClose={onClose} />;
    case "breakGlass":
      return <BreakGlass onClose={onClose} />;
    case "reviewGlass":
      return <ReviewGlass glass={ask.glass} onClose={onClose} />;
  }
}

/** What every one of them does with its answer. */
function useFinished(onClose: () => void) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  return {
    onSuccess: (done: { message: string }) => {
      onClose();
      toast.success(done.message);
    },
    onSettled: () => void queries.invalidateQueries(trpc.rollouts.pathFilter()),
  };
}
const cli = (text: string) => <Command label="The same at the command line" text={text} />;
const errorOf = (error: unknown) => (error ? explain(error).message : null);

function Freeze({ onClose }: Dialog) {
  const { project } = useProject();
  const trpc = useTRPC();
  const [site, setSite] = useState("");
  const sites = useQuery(trpc.fleet.sites.queryOptions({ project }));
  const freeze = useMutation(trpc.rollouts.freeze.mutationOptions(useFinished(onClose)));
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title="Freeze rollouts?"
      consequences={<p>No further unit is asked for a new revision. Updated units stay as they are and go on being judged; what is on its way back goes on. It holds until somebody resumes.</p>}
      action={site ? `Freeze ${site}` : "Freeze the project"}
      reason="required"
      busy={freeze.isPending}
      error={errorOf(freeze.error)}
      command={cli(`holdfast rollout freeze${site ? ` --site ${site}` : ""} --reason "…"`)}
      onConfirm={(reason) => freeze.mutate({ project, reason, ...(site ? { site } : {}) })}
    >
      <Field label="What">
        <NativeSelect value={site} onChange={(e) => setSite(e.target.value)}>
          <option value="">The whole project</option>
          {sites.data?.map((s) => (
            <option key={s.name} value={s.name}>
              Only {s.title}
            </option>
          ))}
        </NativeSelect>
      </Field>
    </Confirm>
  );
}

/** Before anything goes on: which rollouts would, and how each stands. */
function Thaw({ freeze: f, onClose }: { freeze: FreezeView } & Dialog) {
  const { project } = useProject();
  const trpc = useTRPC();
  const open = useQuery(trpc.rollouts.list.queryOptions({ project, open: true, limit: 20 }));
  const thaw = useMutation(trpc.rollouts.thaw.mutationOptions(useFinished(onClose)));
  return (
    <Confirm
      open
      onOpenChange={(next) => !next && onClose()}
      title={f.scope === "site" ? `Resume rollouts at ${f.site}?` : "Resume all rollouts?"}
      consequences={
        <p>
          {f.by} froze this <Age at={f.atMs} suffix="ago" className="min-w-0" />: {f.reason} {open.data ? (open.data.total === 0 ? "No rollout is open: nothing goes on at once." : `Look at what goes on at once; ${open.data.total} ${open.data.total === 1 ? "rollout is" : "rollouts are"} open.`) : ""}
        </p>
      }
      action="Resume"
      reason="required"
      busy={thaw.isPending}
      error={errorOf(thaw.error)}
      command={cli(`holdfast rollout thaw ${f.id} --reason "…"`)}
      onConfirm={(reason) => thaw.mutate({ project, id: f.id, reason })}
    >
      {open.data && open.data.items.length > 0 ? (
        <ul className="flex max-h-48 flex-col gap-1.5 overflow-y-auto rounded-md border p-2 text-sm">
          {open.data.items.map((r) => (
            <li key={r.id}>
              <span className="flex flex-wrap items-center gap-x-2">
                <Link href={routes.rollout(project, r.number)} className="link">
                  #{r.number} {r.workload}
                </Link>
                <StateMark state={r.state} word={r.phaseLabel} />
              </span>
              <span className="text-xs text-muted-foreground">{r.reason}</span>
            </li>
          ))}
          {open.data.total > open.data.items.length ? <li className="text-xs text-muted-foreground">and {open.data.total - open.data.items.length} more</li> : null}
        </ul>
      ) : null}
    </Confirm>
  );
}

function AbortAll({ open, onClose }: { open: number } & Dialog) {
  const { project } = useProject();
  const trpc = useTRPC();
  const abort = useMutation(trpc.rollouts.abortAll.mutationOptions(useFinished(onClose)));
  return (
    <Confirm
      open
      onOpenChange={(next) => !next && onClose()}
      title="Abort every open rollout?"
      consequences={<p>Every unit of {open} open {open === 1 ? "rollout" : "rollouts"} returns to its previous revision, and the new revisions are held until somebody lifts the hold. Silent units return when they are back, or by themselves at their deadline. Nothing that has ended is touched.</p>}
      action="Abort everywhere"
      destructive
      reason="required"
      typeName={project}
      busy={abort.isPending}
      error={errorOf(abort.error)}
      command={cli('holdfast rollout abort-all --reason "…"')}
      onConfirm={(reason) => abort.mutate({ project, reason })}
    />
  );
}

const MINUTES = [15, 30, 60, 120] as const;

function BreakGlass({ onClose }: Dialog) {
  const { project } = useProject();
  const trpc = useTRPC();
  const [number, setNumber] = useState<number | null>(null);
  const [minutes, setMinutes] = useState<number>(MINUTES[0]);
  const open = useQuery(trpc.rollouts.list.queryOptions({ project, open: true, limit: 100 }));
  const glass = useMutation(trpc.rollouts.breakGlass.mutationOptions(useFinished(onClose)));
  const [tried, setTried] = useState(false);
  return (
    <Confirm
      open
      onOpenChange={(next) => !next && onClose()}
      title="Break the glass for a rollout?"
      consequences={
        <>
          <p>For the time you choose, gates, windows and freezes do not stop this one rollout. Broken limits still roll it back.</p>
          <p>It ends by itself. A review by somebody else is owed from now on, and everybody sees that the glass is broken.</p>
        </>
      }
      action="Break the glass"
      destructive
      reason="required"
      busy={glass.isPending}
      error={tried && number === null ? "Choose a rollout." : errorOf(glass.error)}
      command={cli(`holdfast rollout break-glass ${number ?? "NUMBER"} --minutes ${minutes} --reason "…"`)}
      onConfirm={(reason) => {
        setTried(true);
        if (number !== null) glass.mutate({ project, number, minutes, reason });
      }}
    >
      <Field label="Rollout">
        <NativeSelect value={number ?? ""} onChange={(e) => setNumber(e.target.value ? Number(e.target.value) : null)}>
          <option value="">Choose a rollout</option>
          {open.data?.items.map((r) => (
            <option key={r.id} value={r.number}>
              #{r.number} {r.workload} r{r.fromGeneration} → r{r.toGeneration}: {r.phaseLabel.toLowerCase()}
            </option>
          ))}
        </NativeSelect>
      </Field>
      <Field label="For">
        <NativeSelect value={minutes} onChange={(e) => setMinutes(Number(e.target.value))}>
          {MINUTES.map((m) => (
            <option key={m} value={m}>
              {m} minutes
            </option>
          ))}
        </NativeSelect>
      </Field>
    </Confirm>
  );
}

function ReviewGlass({ glass: g, onClose }: { glass: BreakGlassView } & Dialog) {
  const { project } = useProject();
  const trpc = useTRPC();
  const review = useMutation(trpc.rollouts.reviewGlass.mutationOptions(useFinished(onClose)));
  return (
    <Confirm
      open
      onOpenChange={(next) => !next && onClose()}
      title={`Review the broken glass of rollout #${g.rolloutNumber}?`}
      consequences={
        <p>
          {g.by} let rollout #{g.rolloutNumber} of {g.workload} past its gates <Age at={g.atMs} suffix="ago" className="min-w-0" />: {g.reason} What you write as the reason is your finding; it stays on the record with your name and cannot be changed.
        </p>
      }
      action="Keep my review"
      reason="required"
      busy={review.isPending}
      error={errorOf(review.error)}
      command={cli(`holdfast rollout review-glass ${g.id} --remark "…"`)}
      onConfirm={(remark) => review.mutate({ project, id: g.id, remark })}
    />
  );
}
