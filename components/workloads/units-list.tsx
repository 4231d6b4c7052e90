"use client";

import Link from "@/components/ui/link";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useTRPC } from "@/app/_client/trpc";
import { bytesText, coresText } from "@/components/chart";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age, StateMark } from "@/components/state";
import { DataTable, type Column } from "@/components/table/data-table";
import { usePages } from "@/components/table/use-pages";
import type { UnitRow } from "@/server/core/views";

/** A workload's units: asked for and observed side by side, never one as if it were the other. */
export function UnitsList({ workload, brief, active, onActive }: { workload: string; brief?: boolean; active?: string | null; onActive?: (unit: string | null) => void }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const pages = usePages(useInfiniteQuery({ ...trpc.fleet.units.infiniteQueryOptions({ project, workload, limit: 100 }, { getNextPageParam: (page) => page.nextCursor }), placeholderData: keepPreviousData }));
  return (
    <DataTable
      {...pages}
      label="units"
      columns={columns(project, brief ?? false, pages.rows.some((u) => u.devices))}
      idOf={(u) => u.unit}
      maxHeight={brief ? 320 : 560}
      activeId={active ?? null}
      {...(onActive ? { onActive } : {})}
      isFaded={(u) => u.state.state === "silent"}
      empty={<p className="px-3 py-2 text-sm text-muted-foreground">No unit is assigned. If units are wanted, the decisions say why none could be placed.</p>}
    />
  );
}

const none = <span className="text-muted-foreground">–</span>;
const columns = (project: string, brief: boolean, withDevices: boolean): Column<UnitRow>[] => [
  { id: "unit", header: "Unit", width: { min: 120, grow: 2 }, narrow: "title", sortValue: (u) => u.unit, cell: (u) => <span className="truncate font-medium" title={u.unit}>{u.unit}</span> },
  { id: "state", header: "State", width: { min: 130 }, narrow: "aside", sortValue: (u) => u.state.state, cell: (u) => <span title={u.state.because}><StateMark state={u.state.state} age={u.state.state === "silent" ? <Age at={u.observed?.atMs ?? null} className="min-w-0" /> : null} /></span> },
  { id: "node", header: "Node", width: { min: 140, grow: 2 }, narrow: "line", sortValue: (u) => u.node, cell: (u) => <Link href={routes.node(project, u.node)} className="truncate hover:underline">{u.node}</Link> },
  ...(brief ? [] : ([{ id: "site", header: "Site", width: { min: 120, grow: 1 }, narrow: "hidden", sortValue: (u) => u.site, cell: (u) => <Link href={routes.site(project, u.site)} className="truncate hover:underline">{u.siteTitle}</Link> }] satisfies Column<UnitRow>[])),
  ...(withDevices ? ([{ id: "devices", header: "Accelerators", width: { min: 160, grow: 2 }, narrow: "line", cell: (u) => (u.devices ? <span className="tnum truncate" title={u.devices.text}>{u.devices.shared ? `${u.devices.shared.millis}/1000 of device ${u.devices.shared.slot}` : u.devices.text}</span> : none) }] satisfies Column<UnitRow>[]) : []),
  { id: "desired", header: "Asked for", width: { min: 76 }, narrow: "line", cell: (u) => <span className="tnum">{u.desired.action} r{u.desired.generation}</span> },
  { id: "observed", header: "Observed", width: { min: 150, grow: 1 }, narrow: "hidden", cell: (u) => (u.observed ? <span className="tnum truncate" title={u.observed.message || undefined}>{u.observed.phase} r{u.observed.generation}, <Age at={u.observed.atMs} suffix="ago" className="min-w-0 text-muted-foreground" /></span> : <span className="text-muted-foreground">not spoken of yet</span>) },
  ...(brief
    ? []
    : ([
        { id: "cpu", header: "Cores", width: { min: 60 }, numeric: true, narrow: "hidden", sortValue: (u) => u.observed?.cpuMillis ?? null, cell: (u) => (u.observed?.cpuMillis == null ? none : coresText(u.observed.cpuMillis)) },
        { id: "memory", header: "Memory", width: { min: 72 }, numeric: true, narrow: "hidden", sortValue: (u) => u.observed?.memoryBytes ?? null, cell: (u) => (u.observed?.memoryBytes == null ? none : bytesText(u.observed.memoryBytes)) },
        { id: "restarts", header: "Restarts", width: { min: 64 }, numeric: true, narrow: "hidden", sortValue: (u) => u.observed?.restarts ?? null, cell: (u) => u.observed?.restarts ?? none },
        { id: "limits", header: "Limits", hint: "How the node enforces CPU and memory limits", width: { min: 72 }, narrow: "hidden", cell: (u) => (u.observed ? (u.observed.limits === "none" ? "not enforced" : u.observed.limits) : none) },
        { id: "more", header: "", width: { min: 110 }, narrow: "hidden", cell: (u) => <span className="flex gap-3"><Link className="link" href={routes.workload(project, u.workload, { tab: "logs", unit: u.unit })}>Log</Link><Link className="link" href={routes.workload(project, u.workload, { tab: "decisions", unit: u.unit })}>Why here</Link></span> },
      ] satisfies Column<UnitRow>[])),
];
