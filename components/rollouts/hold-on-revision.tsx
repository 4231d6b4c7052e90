"use client";

import { useState } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { useProject } from "@/components/shell/project-context";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm";
import { Command } from "@/components/ui/copy-button";
import { toast } from "@/components/ui/toaster";

/** The hold that keeps a rolled-back revision from coming back with the next apply, from Git or from hand; and how it is lifted. */
export function HoldOnRevision({ workload, generation }: { workload: string; generation: number }) {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [asked, setAsked] = useState(false);
  const revisions = useQuery(trpc.workloads.revisions.queryOptions({ project, name: workload }));
  const lift = useMutation(
    trpc.workloads.liftHold.mutationOptions({
      onSuccess: (done) => {
        setAsked(false);
        toast.success(done.message);
      },
      onSettled: () => void queries.invalidateQueries(trpc.workloads.pathFilter()),
    }),
  );
  const revision = revisions.data?.find((x) => x.generation === generation);
  if (revisions.isError) {
    return (
      <Alert tone="silent" title={`Whether r${generation} is held could not be loaded`}>
        {explain(revisions.error).message}
      </Alert>
    );
  }
  if (!revision?.heldReason) return null;
  const cli = `holdfast workload lift-hold ${workload} --generation ${generation}`;
  return (
    <>
      <Alert
        tone="warning"
        title={`r${generation} is held: applying it again is refused, from Git and from hand`}
        action={
          <Button disabledReason={why("rollouts.operate")} onClick={() => (lift.reset(), setAsked(true))}>
            Lift hold
          </Button>
        }
      >
        {revision.heldReason}
      </Alert>
      <Confirm
        open={asked}
        onOpenChange={setAsked}
        title={`Lift the hold on r${generation} of ${workload}?`}
        consequences={<p>The same content may be applied again, and a rollout of it may start. Nothing starts by itself, unless a repository applies it again.</p>}
        action="Lift hold"
        reason="required"
        busy={lift.isPending}
        error={lift.error ? explain(lift.error).message : null}
        command={<Command label="The same at the command line" text={`${cli} --reason "…"`} />}
        onConfirm={(reason) => lift.mutate({ project, name: workload, generation, reason })}
      />
    </>
  );
}
