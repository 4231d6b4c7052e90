"use client";

import { useState } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { useProject } from "@/components/shell/project-context";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/cn";
import { Textarea } from "@/components/ui/input";
import { Field } from "@/components/ui/label";
import { toast } from "@/components/ui/toaster";
import type { ApprovalView } from "@/server/core/views";

/** The two answers, alike, with a remark that stays on the record. Who may not answer is told why and gets no form. */
export function Decide({ approval: a }: { approval: ApprovalView }) {
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
        <p className="text-sm">
          <span className="font-medium">You cannot answer this.</span> <span className="text-muted-foreground">{barred}</span>
        </p>
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
