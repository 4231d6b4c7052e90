"use client";

import Link from "@/components/ui/link";
import { useRouter } from "next/navigation";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { parseAsString, useQueryStates } from "nuqs";
import { useTRPC } from "@/app/_client/trpc";
import { latencyText, shareText } from "@/components/chart";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { ListWithPane, SidePane } from "@/components/shell/side-pane";
import { useDebounced } from "@/components/shell/use-debounced";
import { Age, IntervalCount, StateMark } from "@/components/state";
import { DataTable, type Column } from "@/components/table/data-table";
import { usePages } from "@/components/table/use-pages";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { Input } from "@/components/ui/input";
import { PageHead } from "@/components/ui/page";
import { Tooltip } from "@/components/ui/tooltip";
import type { WorkloadRow } from "@/server/core/views";
import { phaseWord, revisionsText } from "./words";
import { WorkloadPane } from "./workload-pane";

/** Every workload: what it should be, what runs, and what was measured. */
export function WorkloadsPage() {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const router = useRouter();
  const [view, setView] = useQueryStates({ q: parseAsString.withDefault(""), workload: parseAsString }, { history: "replace" });
  const q = useDebounced(view.q.trim(), 150);
  const pages = usePages(
    useInfiniteQuery({ ...trpc.workloads.list.infiniteQueryOptions({ project, limit: 100, ...(q ? { q } : {}) }, { getNextPageParam: (page) => page.nextCursor }), placeholderData: keepPreviousData }),
  );
  const open = pages.rows.find((w) => w.name === view.workload);
  const create = (
    <Button variant="primary" disabledReason={why("manifests.apply")} onClick={() => router.push(routes.workloadNew(project))}>
      <Plus aria-hidden /> New workload
    </Button>
  );
  return (
    <ListWithPane
      head={
        <PageHead title="Workloads" purpose="What should run, what does run, and what it achieves." actions={create} className="pb-2.5">
          <Input aria-label="Filter workloads" placeholder="Filter by a part of the name" className="w-72 max-sm:w-full" value={view.q} onChange={(e) => void setView({ q: e.target.value || null })} />
        </PageHead>
      }
      pane={
        <SidePane open={view.workload !== null} onClose={() => void setView({ workload: null })} title={view.workload ?? ""} mark={open ? <StateMark state={open.state.state} soft /> : null} href={routes.workload(project, view.workload ?? "")}>
          {view.workload !== null ? <WorkloadPane name={view.workload} /> : null}
        </SidePane>
      }
    >
      <DataTable
        {...pages}
        label="workloads"
        columns={columns(project)}
        idOf={(w) => w.name}
        filtered={q !== ""}
        orderKey={q}
        activeId={view.workload}
        onActive={(workload) => void setView({ workload })}
        onOpen={(w) => router.push(routes.workload(project, w.name))}
        empty={
          <EmptyState title="No workload has been applied yet" action={create}>
            <p>A workload is what should run: a service, an inference server, a batch job or a daemon, as a manifest with its revisions. The scheduler places its units by policy and says why each is where it is.</p>
          </EmptyState>
        }
      />
    </ListWithPane>
  );
}

const unknown = <span className="text-muted-foreground">–</span>;
const columns = (project: string): Column<WorkloadRow>[] => [
  {
    id: "name", header: "Workload", width: { min: 180, grow: 3 }, narrow: "title", sortValue: (w) => w.name,
    cell: (w) => (
      <span className="flex min-w-0 items-center gap-2">
        <Link href={routes.workload(project, w.name)} className="truncate font-medium hover:underline">{w.name}</Link>
        <Badge tone="outline">{w.kind}</Badge>
      </span>
    ),
  },
  { id: "state", header: "State", width: { min: 110 }, narrow: "aside", sortValue: (w) => w.state.state, cell: (w) => <Tooltip content={w.state.because}><span tabIndex={-1}><StateMark state={w.state.state} /></span></Tooltip> },
  { id: "units", header: "Units", hint: "Healthy of those wanted; an interval while some are silent", width: { min: 120 }, narrow: "line", cell: (w) => <IntervalCount atLeast={w.units.min} atMost={w.units.max} of={w.units.total} asOf={w.units.asOfMs} /> },
  { id: "revisions", header: "Asked for / runs", width: { min: 150, grow: 1 }, narrow: "hidden", cell: (w) => <span className="tnum truncate">{revisionsText(w)}</span> },
  {
    id: "rollout", header: "Rollout", width: { min: 140, grow: 1 }, narrow: "hidden",
    cell: (w) => (w.rollout ? <Link className="link truncate" href={routes.rollout(project, w.rollout.number)}>#{w.rollout.number} {phaseWord(w.rollout.phase)}</Link> : unknown),
  },
  { id: "rps", header: "Requests/s", width: { min: 84 }, numeric: true, narrow: "hidden", sortValue: (w) => w.requestsPerSecond, cell: (w) => (w.requestsPerSecond === null ? unknown : w.requestsPerSecond.toFixed(1)) },
  { id: "p99", header: "p99", width: { min: 76 }, numeric: true, narrow: "hidden", sortValue: (w) => w.latencyP99Ms, cell: (w) => (w.latencyP99Ms === null ? unknown : latencyText(w.latencyP99Ms)) },
  { id: "errors", header: "Errors", width: { min: 70 }, numeric: true, narrow: "hidden", sortValue: (w) => w.errorRate, cell: (w) => (w.errorRate === null ? unknown : shareText(w.errorRate)) },
  { id: "accuracy", header: "Accuracy", hint: "From labels that arrived, newest minutes", width: { min: 76 }, numeric: true, narrow: "line", sortValue: (w) => w.accuracy, cell: (w) => (w.accuracy === null ? unknown : w.accuracy.toFixed(3)) },
  { id: "age", header: "Measured", width: { min: 74 }, numeric: true, narrow: "hidden", cell: (w) => <Age at={w.measuredAtMs} className="text-right" /> },
];
