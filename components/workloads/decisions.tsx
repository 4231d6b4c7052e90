"use client";

import { useState } from "react";
import Link from "@/components/ui/link";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { explain, refusalOf } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age, StateMark } from "@/components/state";
import { usePages } from "@/components/table/use-pages";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/cn";
import { Command } from "@/components/ui/copy-button";
import { ErrorState } from "@/components/ui/empty-state";
import { Section } from "@/components/ui/page";
import { SkeletonRows } from "@/components/ui/skeleton";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import type { DecisionDetail } from "@/server/core/views";

/** Why units are where they are: the newest decisions, and one of them with every candidate. */
export function Decisions({ workload, unit, onUnit }: { workload: string; unit: string | null; onUnit: (unit: string | null) => void }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const [chosen, setChosen] = useState<string | null>(null);
  const pages = usePages(useInfiniteQuery({ ...trpc.placement.decisions.infiniteQueryOptions({ project, workload, limit: 50, ...(unit ? { unit } : {}) }, { getNextPageParam: (page) => page.nextCursor }), placeholderData: keepPreviousData }));
  const id = chosen ?? pages.rows[0]?.id ?? null;
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
            <Button size="sm" variant="ghost" onClick={() => onUnit(null)}>
              Show all units
            </Button>
          </p>
        ) : null}
        <ol className="flex flex-col" aria-label="Decisions, newest first">
          {pages.rows.map((d) => (
            <li key={d.id}>
              <button type="button" onClick={() => setChosen(d.id)} aria-current={d.id === id ? "true" : undefined} className={cn("flex w-full flex-col gap-0.5 rounded-md px-3 py-1.5 text-left text-sm hover:bg-accent", d.id === id && "bg-accent")}>
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
      {detail.data ? <DecisionPanel decision={detail.data} /> : detail.isError ? <ErrorState title="The decision could not be loaded" message={refusalOf(detail.error)?.message ?? explain(detail.error).message} id={explain(detail.error).id} onRetry={() => void detail.refetch()} /> : <SkeletonRows rows={8} columns={3} />}
    </div>
  );
}

/** How many nodes of a reason are not named. */
function more(d: DecisionDetail, group: { code: string; nodes: number }): string {
  const named = Math.min(60, d.candidates.filter((c) => c.reason?.code === group.code).length);
  return group.nodes > named ? ` and ${group.nodes - named} more` : "";
}

/** One decision: why here, then why not elsewhere, candidates grouped by their decisive reason. */
export function DecisionPanel({ decision: d }: { decision: DecisionDetail }) {
  const { project } = useProject();
  const feasible = d.candidates.filter((c) => c.feasible).sort((a, b) => (b.score ?? 0) - (a.score ?? 0));
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <div>
        <h2 className="text-base font-semibold">
          {d.outcome === "placed" ? (
            <>
              Why {d.unit} is on{" "}
              <Link href={routes.node(project, d.node ?? "")} className="link">
                {d.node}
              </Link>
            </>
          ) : (
            `Why ${d.unit} is nowhere`
          )}
        </h2>
        <p className="mt-0.5 text-sm">{d.because}</p>
        {d.flip ? (
          <p className="mt-1 text-sm">
            <span className="font-medium">What would change it:</span> {d.flip}
          </p>
        ) : null}
        <p className="mt-0.5 text-xs text-muted-foreground">
          Revision r{d.generation}, {d.policy ? `policy ${d.policy}` : "no policy"}, decided <Age at={d.atMs} suffix="ago" className="min-w-0" />
          {d.margin !== null ? `; ahead of the next best by ${d.margin.toFixed(2)}` : ""}
        </p>
      </div>
      {feasible.length > 0 ? (
        <Section title="Where it could run" aside={<span className="tnum">{d.feasible === 1 ? "1 node" : d.feasible > feasible.length ? `the best ${feasible.length} of ${d.feasible} nodes` : `${d.feasible} nodes`}</span>} flush>
          <Table label="Feasible nodes by score">
            <thead>
              <tr>
                <Th>Node</Th>
                <Th>Site</Th>
                <Th numeric>Score</Th>
                <Th>Parts</Th>
              </tr>
            </thead>
            <tbody>
              {feasible.map((c) => (
                <Tr key={c.node}>
                  <Td className="whitespace-nowrap">
                    {c.node} {c.node === d.node ? <Badge tone="accent">chosen</Badge> : null}
                  </Td>
                  <Td>{c.site}</Td>
                  <Td numeric>{c.score === null ? "–" : c.score.toFixed(2)}</Td>
                  <Td className="text-xs text-muted-foreground">{c.parts.length === 0 ? "no preference applies" : c.parts.map((p) => `${(p.text || p.name).replace(/\.$/, "")}: ${(p.value * p.weight).toFixed(2)}`).join("; ")}</Td>
                </Tr>
              ))}
            </tbody>
          </Table>
        </Section>
      ) : null}
      {d.counts.map((group) => (
        <Section key={group.code} title={`Nodes that ${group.text}`} aside={<span className="tnum">{group.nodes === 1 ? "1 node" : `${group.nodes} nodes`}</span>}>
          <p className="text-sm text-muted-foreground">
            {d.candidates
              .filter((c) => c.reason?.code === group.code)
              .slice(0, 60)
              .map((c) => c.node)
              .join(", ")}
            {more(d, group)}
          </p>
        </Section>
      ))}
      <Command label="The same at the command line" text={`holdfast explain ${d.unit} --project ${project}`} />
    </div>
  );
}
