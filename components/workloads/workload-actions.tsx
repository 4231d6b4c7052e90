"use client";

import { useState } from "react";
import { useRouter } from "next/navigation";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm";
import { Command } from "@/components/ui/copy-button";
import { Input } from "@/components/ui/input";
import { Field } from "@/components/ui/label";
import { toast } from "@/components/ui/toaster";
import type { WorkloadDetail } from "@/server/core/views";

/** What can be done to a workload from its head: scale, start a rollout, remove. */
export function WorkloadActions({ workload: w }: { workload: WorkloadDetail }) {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const router = useRouter();
  const queries = useQueryClient();
  const [asked, setAsked] = useState<"scale" | "remove" | null>(null);
  const [replicas, setReplicas] = useState(String(w.units.total));
  const settled = () => {
    void queries.invalidateQueries(trpc.workloads.pathFilter());
    void queries.invalidateQueries(trpc.fleet.pathFilter());
  };
  const scale = useMutation(trpc.workloads.scale.mutationOptions({ onSuccess: (done) => (setAsked(null), toast.success(done.message)), onSettled: settled }));
  const remove = useMutation(trpc.manifests.remove.mutationOptions({ onSuccess: (done) => (setAsked(null), toast.success(done.message), router.push(routes.workloads(project))), onSettled: settled }));
  const wanted = Number(replicas);
  const scalable = w.kind === "daemon" ? "A daemon runs one unit on each matching node." : null;
  return (
    <>
      <Button disabledReason={why("rollouts.operate")} onClick={() => router.push(routes.rolloutNew(project, { workload: w.name }))}>
        Roll out a revision
      </Button>
      <Button disabledReason={why("manifests.apply") ?? scalable} onClick={() => (scale.reset(), setReplicas(String(w.units.total)), setAsked("scale"))}>
        Scale
      </Button>
      <Button disabledReason={why("manifests.delete")} onClick={() => (remove.reset(), setAsked("remove"))}>
        Remove
      </Button>
      {asked === "scale" ? (
        <Confirm
          open
          onOpenChange={(open) => !open && setAsked(null)}
          title={`Scale ${w.name}?`}
          consequences={<p>{wanted > w.units.total ? `${wanted - w.units.total} more units are placed by its policy.` : wanted < w.units.total ? `${w.units.total - wanted} units are drained and stopped.` : "It has this many units now."} A new revision keeps the number; no rollout is needed for it.</p>}
          action="Scale workload"
          reason="optional"
          busy={scale.isPending}
          error={scale.error ? explain(scale.error).message : null}
          command={<Command label="The same at the command line" text={`holdfast workload scale ${w.name} --replicas ${replicas}`} />}
          onConfirm={(reason) => scale.mutate({ project, name: w.name, replicas: wanted, version: w.version, ...(reason ? { reason } : {}) })}
        >
          <Field label="Units" error={!Number.isSafeInteger(wanted) || wanted < 0 || wanted > 100_000 ? "Write a whole number from 0 to 100,000." : null}>
            <Input inputMode="numeric" value={replicas} onChange={(e) => setReplicas(e.target.value)} />
          </Field>
        </Confirm>
      ) : null}
      {asked === "remove" ? (
        <Confirm
          open
          onOpenChange={(open) => !open && setAsked(null)}
          title={`Remove ${w.name}?`}
          consequences={<p>Its {w.units.total} units are drained and stopped. Its revisions, decisions and audit entries stay.</p>}
          action="Remove workload"
          destructive
          reason="required"
          typeName={w.name}
          busy={remove.isPending}
          error={remove.error ? explain(remove.error).message : null}
          command={<Command label="The same at the command line" text={`holdfast delete workload ${w.name} --reason "…"`} />}
          onConfirm={(reason) => remove.mutate({ project, kind: "Workload", name: w.name, reason, dryRun: false })}
        />
      ) : null}
    </>
  );
}
