"use client";

import { useState } from "react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ChevronDown } from "lucide-react";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { LazyPreview, useFollowNext } from "@/components/preview/lazy";
import { useProject } from "@/components/shell/project-context";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm";
import { Command } from "@/components/ui/copy-button";
import { DropdownMenu, DropdownMenuContent, DropdownMenuItem, DropdownMenuTrigger } from "@/components/ui/dropdown-menu";
import { toast } from "@/components/ui/toaster";
import type { CommandView } from "@/server/core/views";

const kinds = ["cordon", "uncordon", "drain", "decommission", "revoke"] as const;
type Kind = (typeof kinds)[number];
const labels: Record<Kind, string> = {
  cordon: "Cordon node",
  uncordon: "Let it take units again",
  drain: "Drain node",
  decommission: "Decommission node",
  revoke: "Revoke its identity",
};
const consequences: Record<Kind, (name: string) => string> = {
  cordon: (name) => `No new units are placed on ${name}. The units that run there go on.`,
  uncordon: (name) => `The scheduler may place units on ${name} again. Nothing moves at once.`,
  drain: (name) => `Each unit on ${name} is started elsewhere first, where there is room, and stopped here once the other is healthy. No new units come.`,
  decommission: (name) => `${name} is taken out of the fleet. Its units are moved, its certificates are revoked and its session is closed. It can come back only with a new join token.`,
  revoke: (name) => `The certificates of ${name} are revoked and its session is closed now. What runs there goes on unobserved until the machine is enrolled anew.`,
};

/** What can be done to a node. Commands that cannot be used now stay visible and say why. */
export function NodeActions({ node }: { node: { name: string; version: number; commands: readonly CommandView[]; identityRevoked: unknown } }) {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [asked, setAsked] = useState<Kind | null>(null);
  const followNext = useFollowNext();
  // A node that is drained keeps its units until others serve; one that is decommissioned takes them with it.
  const changeOf = (kind: Kind | null) => (kind === "drain" ? { drainNode: node.name } : kind === "decommission" ? { loseNode: node.name } : null);
  const change = changeOf(asked);
  const finished = {
    onSuccess: (done: { message: string }) => {
      if (change) followNext(`Node ${node.name}`, change);
      setAsked(null);
      toast.success(done.message);
    },
    onSettled: () => void queries.invalidateQueries(trpc.fleet.pathFilter()),
  };
  const cordon = useMutation(trpc.fleet.cordon.mutationOptions(finished));
  const uncordon = useMutation(trpc.fleet.uncordon.mutationOptions(finished));
  const drain = useMutation(trpc.fleet.drain.mutationOptions(finished));
  const decommission = useMutation(trpc.fleet.decommission.mutationOptions(finished));
  const revoke = useMutation(trpc.fleet.revokeNode.mutationOptions(finished));
  const mutations = { cordon, uncordon, drain, decommission, revoke };
  const running = asked ? mutations[asked] : null;
  const viewOf = (kind: Kind): { reason: string | null; cli: string | null } => {
    const known = node.commands.find((command) => command.command === kind);
    const permission = why(kind === "revoke" ? "fleet.enrol" : "fleet.operate");
    if (kind === "revoke" && !known) {
      return { reason: permission ?? (node.identityRevoked ? "Its identity is revoked already." : null), cli: `holdfast node revoke ${node.name} --project ${project} --reason "…"` };
    }
    return { reason: permission ?? known?.disabledBecause ?? (known ? null : "Not offered in the node's present state."), cli: known?.cli ?? null };
  };
  const ask = (kind: Kind) => {
    mutations[kind].reset();
    setAsked(kind);
  };
  const first: Kind = node.commands.some((command) => command.command === "uncordon" && command.disabledBecause === null) ? "uncordon" : "cordon";
  return (
    <>
      <Button disabledReason={viewOf(first).reason} onClick={() => ask(first)}>
        {labels[first]}
      </Button>
      <DropdownMenu>
        <DropdownMenuTrigger asChild>
          <Button aria-label="More commands for this node">
            More <ChevronDown aria-hidden />
          </Button>
        </DropdownMenuTrigger>
        <DropdownMenuContent>
          {kinds
            .filter((kind) => kind !== first)
            .map((kind) => (
              <DropdownMenuItem key={kind} destructive={kind === "decommission" || kind === "revoke"} disabledReason={viewOf(kind).reason} onSelect={() => ask(kind)}>
                {labels[kind]}
              </DropdownMenuItem>
            ))}
        </DropdownMenuContent>
      </DropdownMenu>
      {asked ? (
        <Confirm
          open
          onOpenChange={(open) => !open && setAsked(null)}
          title={`${labels[asked]} ${node.name}?`}
          consequences={<p>{consequences[asked](node.name)}</p>}
          action={labels[asked]}
          destructive={asked === "decommission" || asked === "revoke"}
          reason="required"
          wide={change !== null}
          typeName={asked === "decommission" ? node.name : undefined}
          busy={running?.isPending ?? false}
          error={running?.error ? explain(running.error).message : null}
          command={viewOf(asked).cli ? <Command label="The same at the command line" text={viewOf(asked).cli ?? ""} /> : null}
          onConfirm={(reason) => {
            if (asked === "revoke") revoke.mutate({ project, name: node.name, reason });
            else mutations[asked].mutate({ project, name: node.name, version: node.version, reason });
          }}
        >
          {change ? <LazyPreview change={change} /> : null}
        </Confirm>
      ) : null}
    </>
  );
}
