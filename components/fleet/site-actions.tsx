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
import type { NodeRow } from "@/server/core/views";
import { counted } from "./words";

type Verb = "cordon" | "uncordon" | "drain";
const labels: Record<Verb, string> = { cordon: "Cordon site", uncordon: "Let it take units again", drain: "Drain site" };
const consequences: Record<Verb, (site: string) => string> = {
  cordon: (site) => `No new units are placed on any node at ${site}. The units that run there go on.`,
  uncordon: (site) => `The scheduler may place units on every node at ${site} again, also on nodes that were cordoned one by one. Nothing moves at once.`,
  drain: (site) => `Each unit at ${site} is started at another site first, where there is room, and stopped here once the other is healthy. No new units come.`,
};

/** What can be asked of all nodes of a site at once. Commands that cannot be used now stay visible and say why. */
export function SiteActions({ site }: { site: { name: string; nodesHere: readonly Pick<NodeRow, "desiredState">[] } }) {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [asked, setAsked] = useState<Verb | null>(null);
  const followNext = useFollowNext();
  const change = { drainSite: site.name };
  const finished = {
    onSuccess: (done: { message: string }) => {
      if (asked === "drain") followNext(`Site ${site.name}`, change);
      setAsked(null);
      toast.success(done.message);
    },
    onSettled: () => void queries.invalidateQueries(trpc.fleet.pathFilter()),
  };
  const mutations = {
    cordon: useMutation(trpc.fleet.cordonSite.mutationOptions(finished)),
    uncordon: useMutation(trpc.fleet.uncordonSite.mutationOptions(finished)),
    drain: useMutation(trpc.fleet.drainSite.mutationOptions(finished)),
  };
  const running = asked ? mutations[asked] : null;
  const here = site.nodesHere.filter((n) => n.desiredState !== "decommissioned");
  const all = (...of: NodeRow["desiredState"][]) => here.every((n) => of.includes(n.desiredState));
  const reasonOf = (verb: Verb): string | null =>
    why("fleet.operate") ??
    (here.length === 0 ? "No machine has joined here." : verb === "cordon" && all("cordoned", "draining") ? "Every node here is cordoned or draining already." : verb === "uncordon" && all("active") ? "Every node here is open for new units." : verb === "drain" && all("draining") ? "Every node here is draining already." : null);
  const ask = (verb: Verb) => {
    mutations[verb].reset();
    setAsked(verb);
  };
  return (
    <>
      <DropdownMenu>
        <DropdownMenuTrigger asChild>
          <Button aria-label="Commands for this site">
            Operate <ChevronDown aria-hidden />
          </Button>
        </DropdownMenuTrigger>
        <DropdownMenuContent>
          {(["cordon", "uncordon", "drain"] as const).map((verb) => (
            <DropdownMenuItem key={verb} disabledReason={reasonOf(verb)} onSelect={() => ask(verb)}>
              {labels[verb]}
            </DropdownMenuItem>
          ))}
        </DropdownMenuContent>
      </DropdownMenu>
      {asked ? (
        <Confirm
          open
          onOpenChange={(open) => !open && setAsked(null)}
          title={`${asked === "drain" ? "Drain" : asked === "cordon" ? "Cordon" : "Open"} ${site.name} with ${counted(here.length, "node")}?`}
          consequences={<p>{consequences[asked](site.name)}</p>}
          action={labels[asked]}
          reason="required"
          wide={asked === "drain"}
          busy={running?.isPending ?? false}
          error={running?.error ? explain(running.error).message : null}
          command={<Command label="The same at the command line" text={`holdfast site ${asked} ${site.name} --project ${project} --reason "…"`} />}
          onConfirm={(reason) => mutations[asked].mutate({ project, name: site.name, reason })}
        >
          {asked === "drain" ? <LazyPreview change={change} /> : null}
        </Confirm>
      ) : null}
    </>
  );
}
