"use client";

import Link from "@/components/ui/link";
import { useRouter } from "next/navigation";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Plus, Snowflake } from "lucide-react";
import { parseAsStringLiteral, useQueryStates, parseAsString } from "nuqs";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { useDebounced } from "@/components/shell/use-debounced";
import { Age, StateMark } from "@/components/state";
import { DataTable, type Column } from "@/components/table/data-table";
import { usePages } from "@/components/table/use-pages";
import { Button } from "@/components/ui/button";
import { Choice } from "@/components/ui/choice";
import { EmptyState } from "@/components/ui/empty-state";
import { Input } from "@/components/ui/input";
import { PageHead } from "@/components/ui/page";
import type { RolloutRow } from "@/server/core/views";
import { TargetTally } from "./target-tally";

const shows = ["open", "ended", "all"] as const;

/** Every rollout, newest first: what it moves, where it is, and the sentence that says why. */
export function RolloutsPage() {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const router = useRouter();
  const [view, setView] = useQueryStates({ show: parseAsStringLiteral(shows).withDefault("all"), q: parseAsString.withDefault("") }, { history: "replace" });
  const workload = useDebounced(view.q.trim(), 200);
  const pages = usePages(
    useInfiniteQuery({
      ...trpc.rollouts.list.infiniteQueryOptions(
        { project, limit: 50, ...(workload ? { workload } : {}), ...(view.show === "all" ? {} : { open: view.show === "open" }) },
        { getNextPageParam: (page) => page.nextCursor },
      ),
      placeholderData: keepPreviousData,
    }),
  );
  const compose = (
    <Button variant="primary" disabledReason={why("rollouts.operate")} onClick={() => router.push(routes.rolloutNew(project))}>
      <Plus aria-hidden /> New rollout
    </Button>
  );
  const actions = (
    <>
      <Button asChild>
        <Link href={routes.emergency(project)}>
          <Snowflake aria-hidden /> Freezes and emergency
        </Link>
      </Button>
      {compose}
    </>
  );
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageHead title="Rollouts" purpose="Revisions on their way: in waves, judged by what is measured, with a way back." actions={actions} className="pb-2.5">
        <div className="flex flex-wrap items-center gap-3">
          <Input aria-label="Workload" placeholder="Workload, by its whole name" className="w-64 max-sm:w-full" value={view.q} onChange={(e) => void setView({ q: e.target.value || null })} />
          <Choice label="Which rollouts" value={view.show} onChange={(show) => void setView({ show })} options={[{ value: "all", label: "All" }, { value: "open", label: "Under way" }, { value: "ended", label: "Ended" }]} />
        </div>
      </PageHead>
      <DataTable
        {...pages}
        label="rollouts"
        columns={columns(project)}
        idOf={(r) => r.id}
        filtered={workload !== "" || view.show !== "all"}
        orderKey={`${workload}|${view.show}`}
        onOpen={(r) => router.push(routes.rollout(project, r.number))}
        onActive={(id) => {
          const row = pages.rows.find((r) => r.id === id);
          if (row) router.push(routes.rollout(project, row.number));
        }}
        empty={
          <EmptyState title="Nothing has been rolled out yet" action={compose}>
            <p>
              A rollout moves a workload from one revision to another in waves of steps. It starts by itself when a workload that names a strategy gets a new revision, or from here.
            </p>
          </EmptyState>
        }
      />
    </div>
  );
}

const columns = (project: string): Column<RolloutRow>[] => [
  {
    id: "rollout", header: "Rollout", width: { min: 190, grow: 2 }, narrow: "title",
    cell: (r) => (
      <Link href={routes.rollout(project, r.number)} className="font-medium hover:underline">
        <span className="tnum text-muted-foreground">#{r.number}</span> {r.workload}
      </Link>
    ),
  },
  { id: "revisions", header: "Revisions", width: { min: 84 }, narrow: "line", cell: (r) => <span className="tnum whitespace-nowrap">r{r.fromGeneration} → r{r.toGeneration}</span> },
  { id: "phase", header: "Phase", width: { min: 176 }, narrow: "aside", cell: (r) => <StateMark state={r.state} word={r.phaseLabel} /> },
  { id: "wave", header: "Wave", width: { min: 120, grow: 1 }, narrow: "hidden", cell: (r) => (r.final ? <span className="text-muted-foreground">–</span> : <span className="truncate">{r.wave.name} <span className="tnum text-muted-foreground">{r.wave.index + 1} of {r.wave.count}</span></span>) },
  { id: "targets", header: "Units", width: { min: 150 }, narrow: "hidden", cell: (r) => (r.final ? <span className="tnum">{r.targets.total}</span> : <TargetTally targets={r.targets} />) },
  { id: "reason", header: "Why", width: { min: 240, grow: 5 }, narrow: "hidden", cell: (r) => <span className="truncate text-muted-foreground" title={r.reason}>{r.reason}</span> },
  { id: "author", header: "Author", width: { min: 90, grow: 1 }, narrow: "line", cell: (r) => <span className="truncate">{r.author}</span> },
  { id: "changed", header: "Changed", width: { min: 72 }, narrow: "line", numeric: true, cell: (r) => <Age at={r.updatedAtMs} className="text-right" /> },
];
