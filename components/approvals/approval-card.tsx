"use client";

import { useState } from "react";
import Link from "@/components/ui/link";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { ChangeList } from "@/components/diff";
import { routes } from "@/components/routes";
import { Verdict } from "@/components/rollouts/verdict";
import { useProject } from "@/components/shell/project-context";
import { Age, StateMark, Until, type State } from "@/components/state";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/cn";
import { CopyButton } from "@/components/ui/copy-button";
import { Field } from "@/components/ui/label";
import { Textarea } from "@/components/ui/input";
import { toast } from "@/components/ui/toaster";
import type { ApprovalView } from "@/server/core/views";

const look: Record<ApprovalView["state"], { state: State; word: string }> = {
  pending: { state: "pending", word: "waits for you" },
  approved: { state: "healthy", word: "approved" },
  rejected: { state: "failing", word: "rejected" },
  void: { state: "degraded", word: "void" },
  expired: { state: "degraded", word: "expired" },
};

/**
 * One question, answerable on a phone without another page: what, where, how many, the worst case, what the evidence
 * says, who has to agree. Nothing is preselected, and consent names exactly the plan that is shown.
 */
export function ApprovalCard({ approval: a, compact }: { approval: ApprovalView; compact?: boolean }) {
  const { project } = useProject();
  const radius = a.blastRadius;
  return (
    <article className="min-w-0 overflow-hidden rounded-md border bg-card" aria-label={`${a.workload} r${a.plan.toGeneration}, gate ${a.gate}`}>
      <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b px-3 py-2">
        <h2 className="min-w-0 text-base font-semibold">
          {a.workload}: r{a.plan.fromGeneration} → r{a.plan.toGeneration}
        </h2>
        <StateMark state={look[a.state].state} word={look[a.state].word} />
        <span className="ml-auto text-xs">{a.state === "pending" ? <Until at={a.expiresAtMs} /> : <Age at={a.decidedAtMs} suffix="ago" className="min-w-0 text-muted-foreground" />}</span>
        <p className="w-full text-sm text-muted-foreground">
          Gate “{a.gate}” of{" "}
          <Link href={routes.rollout(project, a.rolloutNumber)} className="link">
            rollout #{a.rolloutNumber}
          </Link>
          , by {a.author}, asked <Age at={a.requestedAtMs} suffix="ago" className="min-w-0" />
        </p>
      </header>
      <dl className="grid grid-cols-[84px_minmax(0,1fr)] gap-x-3 gap-y-2 px-3 py-2.5 text-sm">
        <Row name="What">
          {a.plan.artifacts.length > 0 ? a.plan.artifacts.map((x) => x.title).join(", ") : "a new revision"}
          <ChangeList changes={a.plan.changes.slice(0, compact ? 3 : 12)} className="mt-1" />
          {compact && a.plan.changes.length > 3 ? <p className="text-xs text-muted-foreground">and {a.plan.changes.length - 3} more changes</p> : null}
        </Row>
        <Row name="Where">
          {radius.sites.length} site{radius.sites.length === 1 ? "" : "s"}: {radius.sites.join(", ")}
        </Row>
        <Row name="How many">
          <span className="tnum">
            {radius.units} of {radius.unitsTotal} units on {radius.nodes} node{radius.nodes === 1 ? "" : "s"}
          </span>
          {radius.silent > 0 ? <span className="text-silent">, {radius.silent} silent now: what they run is not known</span> : null}
        </Row>
        <Row name="Worst case">{a.worstCase}</Row>
        <Row name="Evidence">{a.evidence ? a.evidence.sentence : "Nothing was measured yet."}</Row>
        <Row name="Who agrees">
          {a.decidedBy ? `${a.decidedBy} ${a.state}${a.remark ? `: ${a.remark}` : ""}` : `One person with the role approver or administrator, not ${a.author}.`}
          {a.voidReason ? <span className="block text-degraded">{a.voidReason}</span> : null}
        </Row>
        <Row name="Bound to">
          <span className="flex min-w-0 items-center gap-1">
            <code className="truncate text-xs">{a.planDigest}</code>
            <CopyButton text={a.planDigest} what="the plan's digest" />
          </span>
        </Row>
      </dl>
      {a.evidence && !compact ? (
        <div className="border-t max-sm:hidden">
          <Verdict verdict={a.evidence} />
        </div>
      ) : null}
      {a.state === "pending" ? <Decide approval={a} /> : null}
    </article>
  );
}

function Row({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <>
      <dt className="text-muted-foreground">{name}</dt>
      <dd className="min-w-0 [overflow-wrap:anywhere]">{children}</dd>
    </>
  );
}

/** The two answers, with a remark that stays on the record. */
function Decide({ approval: a }: { approval: ApprovalView }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [remark, setRemark] = useState("");
  const decide = useMutation(
    trpc.approvals.decide.mutationOptions({
      onSuccess: (done) => toast.success(done.message),
      onSettled: () => {
        void queries.invalidateQueries(trpc.approvals.pathFilter());
        void queries.invalidateQueries(trpc.rollouts.pathFilter());
      },
    }),
  );
  const barred = a.commands.find((c) => c.command === "approve")?.disabledBecause ?? null;
  const why = barred ?? (remark.trim().length < 3 ? "Write a remark of at least three characters: it stays on the record." : null);
  const answer = (decision: "approve" | "reject") => decide.mutate({ project, id: a.id, planDigest: a.planDigest, decision, remark: remark.trim() });
  return (
    <form className="flex flex-col gap-2 border-t px-3 py-2.5" onSubmit={(e) => e.preventDefault()}>
      {barred ? (
        <p className="text-sm text-muted-foreground">{barred}</p>
      ) : (
        <Field label="Remark" help="Why you agree or not. Kept with your name for ever.">
          <Textarea rows={2} maxLength={1_000} value={remark} onChange={(e) => setRemark(e.target.value)} />
        </Field>
      )}
      {decide.error ? (
        <p role="alert" className="rounded-md bg-failing-soft px-2 py-1.5 text-sm text-failing">
          {explain(decide.error).message}
        </p>
      ) : null}
      <div className={cn("flex flex-wrap gap-2 max-sm:[&>button]:flex-1")}>
        <Button size="lg" disabledReason={why} busy={decide.isPending && decide.variables.decision === "approve"} onClick={() => answer("approve")}>
          Approve this plan
        </Button>
        <Button size="lg" disabledReason={why} busy={decide.isPending && decide.variables.decision === "reject"} onClick={() => answer("reject")}>
          Reject and roll back
        </Button>
      </div>
    </form>
  );
}
