"use client";

import { useState } from "react";
import Link from "@/components/ui/link";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { explain, refusalOf } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { useDebounced } from "@/components/shell/use-debounced";
import { Age } from "@/components/state";
import { Button } from "@/components/ui/button";
import { Command } from "@/components/ui/copy-button";
import { ErrorState } from "@/components/ui/empty-state";
import { Section } from "@/components/ui/page";
import { SkeletonRows } from "@/components/ui/skeleton";
import { FlipCard } from "./flip-card";
import { ScoreParts } from "./score-parts";
import { SearchPicker } from "./search-picker";

/** A fleet moves without telling everything: heartbeats leave no change behind. */
export const AGAIN_MS = 15_000;

/** "Why not on …?": one node, its answer by the fleet as it is now, and what would change it. */
export function WhyNot({ unit, node, onNode }: { unit: string; node: string | null; onNode: (node: string | null) => void }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const [text, setText] = useState("");
  const q = useDebounced(text.trim(), 150);
  const nodes = useQuery({ ...trpc.fleet.nodes.queryOptions({ project, limit: 8, ...(q ? { q } : {}) }), placeholderData: keepPreviousData, staleTime: 10_000 });
  return (
    <Section title="Why not on …?" hint="one node, by the fleet as it is now" className="overflow-visible">
      <div className="flex flex-col gap-3">
        <div className="flex flex-wrap items-center gap-2">
          <SearchPicker
            label="Node to ask about"
            placeholder="A part of a node's name"
            className="w-64 max-sm:w-full"
            text={text}
            onText={setText}
            busy={nodes.isFetching}
            offers={(nodes.data?.items ?? []).map((n) => ({ name: n.name, note: n.siteTitle }))}
            onPick={onNode}
          />
          {node ? (
            <span className="flex items-center gap-1 text-sm">
              asked about{" "}
              <Link href={routes.node(project, node)} className="link font-medium">
                {node}
              </Link>
              <Button size="icon-sm" variant="ghost" aria-label={`Ask no more about ${node}`} onClick={() => onNode(null)}>
                <X aria-hidden />
              </Button>
            </span>
          ) : null}
        </div>
        {node ? <Answer unit={unit} node={node} /> : <p className="text-sm text-muted-foreground">Choose a node: the answer names what keeps {unit} away from it, or how far it is behind, and the smallest change that would send it there.</p>}
      </div>
    </Section>
  );
}

function Answer({ unit, node }: { unit: string; node: string }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const answer = useQuery({ ...trpc.placement.whyNot.queryOptions({ project, unit, node }), placeholderData: keepPreviousData, refetchInterval: AGAIN_MS });
  if (!answer.data) {
    if (answer.isPending) return <SkeletonRows rows={3} columns={2} />;
    const refused = refusalOf(answer.error);
    return <ErrorState title={refused ? "There is no answer" : "The answer could not be loaded"} message={refused ? `${refused.message} ${refused.remedy}` : explain(answer.error).message} id={refused ? null : explain(answer.error).id} className="px-0 py-0" {...(refused ? {} : { onRetry: () => void answer.refetch() })} />;
  }
  const a = answer.data;
  const rival = a.target?.feasible && a.best && a.best.node !== a.target.node ? a.best : null;
  return (
    <div className="flex min-w-0 flex-col gap-2" aria-live="polite">
      <p className="text-sm [overflow-wrap:anywhere]">{a.sentence}</p>
      <p className="text-xs text-muted-foreground">
        Judged <Age at={a.asOfMs} suffix="ago" className="min-w-0" />: {a.feasible} of {a.nodes} nodes can take it.
      </p>
      {rival && a.target ? (
        <div className="overflow-hidden rounded-md border">
          <ScoreParts candidates={[{ what: "best now", candidate: rival }, { what: "asked about", candidate: a.target }]} />
        </div>
      ) : null}
      <FlipCard view={a} node={node} />
      <Command label="The same at the command line" text={`holdfast explain ${unit} --node ${node} --project ${project}`} />
    </div>
  );
}
