"use client";

import { useState } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { useProject } from "@/components/shell/project-context";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm";
import { Command } from "@/components/ui/copy-button";
import { toast } from "@/components/ui/toaster";
import { commandText, peopleCommands, type PeopleCommand } from "@/server/core/rollout/lifecycle";
import type { RolloutDetail } from "@/server/core/views";

/** What a person can tell a rollout. Each button states its consequence before it acts; one that cannot be pressed says why. */
export function RolloutActions({ rollout }: { rollout: Pick<RolloutDetail, "number" | "version" | "commands" | "workload"> }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [asked, setAsked] = useState<PeopleCommand | null>(null);
  const finished = {
    onSuccess: (done: { message: string }) => {
      setAsked(null);
      toast.success(done.message);
    },
    onSettled: () => void queries.invalidateQueries(trpc.rollouts.pathFilter()),
  };
  const mutations = {
    pause: useMutation(trpc.rollouts.pause.mutationOptions(finished)),
    resume: useMutation(trpc.rollouts.resume.mutationOptions(finished)),
    promote: useMutation(trpc.rollouts.promote.mutationOptions(finished)),
    abort: useMutation(trpc.rollouts.abort.mutationOptions(finished)),
  };
  const view = (c: PeopleCommand) => rollout.commands.find((x) => x.command === c);
  // Pause and resume share a place: one of them is always the one that makes sense.
  const shown = peopleCommands.filter((c) => !(c === "resume" && view("resume")?.disabledBecause) && !(c === "pause" && !view("resume")?.disabledBecause));
  const running = asked ? mutations[asked] : null;
  return (
    <>
      {shown.map((c) => (
        <Button key={c} variant={c === "abort" ? "destructive" : "secondary"} disabledReason={view(c)?.disabledBecause ?? null} onClick={() => (mutations[c].reset(), setAsked(c))}>
          {commandText[c].verb}
        </Button>
      ))}
      {asked ? (
        <Confirm
          open
          onOpenChange={(open) => !open && setAsked(null)}
          title={`${commandText[asked].verb}: #${rollout.number} of ${rollout.workload}?`}
          consequences={<p>{commandText[asked].consequence}</p>}
          action={commandText[asked].verb}
          destructive={asked === "abort"}
          reason="required"
          busy={running?.isPending ?? false}
          error={running?.error ? explain(running.error).message : null}
          command={view(asked) ? <Command label="The same at the command line" text={`${view(asked)?.cli} --reason "…"`} /> : null}
          onConfirm={(reason) => mutations[asked].mutate({ project, number: rollout.number, version: rollout.version, reason })}
        />
      ) : null}
    </>
  );
}
