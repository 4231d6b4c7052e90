"use client";

import Link from "@/components/ui/link";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { useDebounced } from "@/components/shell/use-debounced";
import { states, StateShape, type State } from "@/components/state";
import { Section } from "@/components/ui/page";
import { SkeletonRows } from "@/components/ui/skeleton";

/** What a policy would match now, node by node with the reason: asked anew as the text changes. */
export function PolicyMatches({ text, valid }: { text: string; valid: boolean }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const settled = useDebounced(text, 500);
  const query = useQuery({ ...trpc.placement.matches.queryOptions({ project, policyText: settled }), enabled: valid && settled.trim() !== "", placeholderData: keepPreviousData, staleTime: 5_000 });
  const m = query.data;
  return (
    <Section title="What it matches now" aside={m ? <span className="tnum">{m.nodes.length === 0 && !valid ? null : `${m.matched} of ${m.total} nodes`}</span> : null} className="flex max-h-[52vh] flex-col" flush>
      {!valid && (!m || m.nodes.length === 0) ? (
        <p className="p-3 text-sm text-muted-foreground">The nodes that it lets units run on appear here once the manifest is valid.</p>
      ) : query.isError ? (
        <p className="p-3 text-sm text-failing">{explain(query.error).message}</p>
      ) : !m ? (
        <SkeletonRows rows={8} columns={2} />
      ) : m.total === 0 ? (
        <p className="p-3 text-sm text-muted-foreground">There is no node in this project yet.</p>
      ) : (
        <ul className="max-h-[45vh] divide-y divide-border overflow-y-auto text-sm">
          {[...m.nodes]
            .sort((a, b) => Number(b.matches) - Number(a.matches))
            .map((n) => (
              <li key={n.node} className="flex flex-col px-3 py-1.5">
                <span className="flex items-center gap-2">
                  {(states as readonly string[]).includes(n.state) ? <StateShape state={n.state as State} label={n.state} /> : null}
                  <Link href={routes.node(project, n.node)} className="min-w-0 truncate font-medium hover:underline">
                    {n.node}
                  </Link>
                  <span className="text-muted-foreground">{n.site}</span>
                  <span className={n.matches ? "ml-auto text-xs text-healthy" : "ml-auto text-xs text-muted-foreground"}>{n.matches ? "may run here" : "not here"}</span>
                </span>
                {n.matches ? null : <span className="pl-[18px] text-xs text-muted-foreground">{n.because}</span>}
              </li>
            ))}
        </ul>
      )}
    </Section>
  );
}
