"use client";

import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { explain, refusalOf } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { DecisionPanel } from "@/components/decisions/decision-panel";
import { useProject } from "@/components/shell/project-context";
import { Age, StateMark } from "@/components/state";
import { usePages } from "@/components/table/use-pages";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/cn";
import { ErrorState } from "@/components/ui/empty-state";
import { SkeletonRows } from "@/components/ui/skeleton";

/** Why units are where they are: the newest decisions, and one of them with every candidate. */
export function Decisions({ workload, unit, onUnit }: { workload: string; unit: string | null; onUnit: (unit: string | null) => void }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const [view, setView] = useQueryStates({ decision: parseAsString, node: parseAsString, as: parseAsStringLiteral(["then", "now"] as const).withDefault("then") }, { history: "replace" });
  const pages = usePages(useInfiniteQuery({ ...trpc.placement.decisions.infiniteQueryOptions({ project, workload, limit: 50, ...(unit ? { unit } : {}) }, { getNextPageParam: (page) => page.nextCursor }), placeholderData: keepPreviousData }));
  const id = view.decision ?? pages.rows[0]?.id ?? null;
  const detail = useQuery({ ...trpc.placement.decision.queryOptions({ project, id: id ?? "" }), enabled: id !== null });
  if (pages.status === "loading") return <SkeletonRows rows={6} columns={3} />;
  if (pages.status === "error" && pages.rows.length === 0) return <ErrorState title="The decisions could not be loaded" message={pages.error?.message ?? ""} id={pages.error?.id ?? null} onRetry={pages.onRetry} />;
  if (pages.rows.length === 0) return <p className="text-sm text-muted-foreground">{unit ? `No decision is recorded for ${unit}.` : "The scheduler has not decided anything for this workload yet."}</p>;
  return (
    <div className="grid grid-cols-[minmax(240px,340px)_minmax(0,1fr)] gap-4 max-md:grid-cols-1">
      <div className="flex min-w-0 flex-col gap-2">
        {unit ? (
          <p className="flex items-center gap-2 text-sm">
            Of <span className="font-medium">{unit}</span>
            <Button size="sm" variant="ghost" onClick={() => (onUnit(null), void setView({ decision: null, node: null }))}>
              Show all units
            </Button>
          </p>
        ) : null}
        <ol className="flex flex-col" aria-label="Decisions, newest first">
          {pages.rows.map((d) => (
            <li key={d.id}>
              <button type="button" onClick={() => void setView({ decision: d.id, node: null })} aria-current={d.id === id ? "true" : undefined} className={cn("flex w-full flex-col gap-0.5 rounded-md px-3 py-1.5 text-left text-sm hover:bg-accent", d.id === id && "bg-accent")}>
                <span className="flex items-center gap-2">
                  <StateMark state={d.outcome === "placed" ? "healthy" : "failing"} word={d.unit} />
                  <Age at={d.atMs} suffix="ago" className="ml-auto text-right text-xs text-muted-foreground" />
                </span>
                <span className="text-muted-foreground">{d.outcome === "placed" ? `on ${d.node} in ${d.site}` : "could not be placed"}</span>
              </button>
            </li>
          ))}
        </ol>
        {pages.hasMore ? (
          <Button busy={pages.loadingMore} onClick={pages.onMore}>
            Show older
          </Button>
        ) : null}
      </div>
      {detail.data ? <DecisionPanel decision={detail.data} as={view.as} onAs={(as) => void setView({ as })} node={view.node} onNode={(node) => void setView({ node })} /> : detail.isError ? <ErrorState title="The decision could not be loaded" message={refusalOf(detail.error)?.message ?? explain(detail.error).message} id={explain(detail.error).id} onRetry={() => void detail.refetch()} /> : <SkeletonRows rows={8} columns={3} />}
    </div>
  );
}
