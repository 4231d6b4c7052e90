"use client";

import Link from "@/components/ui/link";
import { useRouter } from "next/navigation";
import { useQuery } from "@tanstack/react-query";
import { parseAsString, useQueryState } from "nuqs";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { ListWithPane, SidePane } from "@/components/shell/side-pane";
import { Age, At } from "@/components/state";
import { NotLoaded } from "@/components/state/query-states";
import { DataTable, type Column } from "@/components/table/data-table";
import { buttonStyle } from "@/components/ui/button-style";
import { Command } from "@/components/ui/copy-button";
import { EmptyState } from "@/components/ui/empty-state";
import { PlainTable } from "@/components/ui/plain-table";
import { Facts, PageHead, Section } from "@/components/ui/page";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import { Tooltip } from "@/components/ui/tooltip";
import { queueSentence, waitingText, whyUnknown, type QueueItem } from "./words";

/** Who waits for room, in the order of turns, what is in the way, and when it may be over. */
export function QueuePage() {
  const { project } = useProject();
  const trpc = useTRPC();
  const router = useRouter();
  const [open, setOpen] = useQueryState("workload", parseAsString.withOptions({ history: "replace" }));
  const query = useQuery(trpc.placement.queue.queryOptions({ project }));
  const items = query.data?.items ?? [];
  const item = items.find((i) => i.workload === open);
  return (
    <ListWithPane
      head={
        <PageHead
          title="Queue"
          purpose={query.data ? queueSentence(items) : "Who waits for room, in the order of turns."}
          actions={
            <Link href={routes.quotas(project)} className={buttonStyle()}>
              Quotas
            </Link>
          }
          className="pb-2.5"
        />
      }
      pane={
        <SidePane open={open !== null} onClose={() => void setOpen(null)} title={open ?? ""} href={routes.workload(project, open ?? "", { tab: "decisions", ...(item?.unit ? { unit: item.unit } : {}) })}>
          {item ? <QueuePane project={project} item={item} /> : open === null ? null : query.data ? (
            <p className="p-3 text-sm text-muted-foreground">{open} does not wait: every unit that it asks for has a node.</p>
          ) : query.isError ? (
            <NotLoaded title="The queue could not be loaded" query={query} />
          ) : (
            <Loading what="who waits">
              <SkeletonRows rows={6} columns={2} />
            </Loading>
          )}
        </SidePane>
      }
    >
      <DataTable
        label="waiting workloads"
        rows={items}
        columns={columns(project)}
        idOf={(i) => i.workload}
        status={query.isError ? "error" : query.isPending ? "loading" : "ready"}
        error={query.isError ? explain(query.error) : null}
        onRetry={() => void query.refetch()}
        total={query.data ? items.length : null}
        activeId={open}
        onActive={(workload) => void setOpen(workload)}
        onOpen={(i) => router.push(whyAddress(project, i))}
        empty={
          <EmptyState
            title="Nothing waits"
            action={
              <Link href={routes.workloads(project)} className={buttonStyle()}>
                See all workloads
              </Link>
            }
          >
            <p>Every unit that is asked for has a node. A workload appears here as soon as it finds no room, or its quota is used up: in the order of turns, with what is in the way and, where anybody can tell, when it starts.</p>
          </EmptyState>
        }
      />
    </ListWithPane>
  );
}

const whyAddress = (project: string, i: QueueItem): string => routes.workload(project, i.workload, { tab: "decisions", ...(i.unit ? { unit: i.unit } : {}), ...(i.decision ? { decision: i.decision } : {}) });
const none = <span className="text-muted-foreground">none</span>;

const columns = (project: string): Column<QueueItem>[] => [
  { id: "position", header: "Turn", hint: "Higher priority first; then who stays within nominal, then the smaller share; then who waits longest", width: { min: 44 }, numeric: true, narrow: "aside", cell: (i) => <span className="tnum">{i.position}</span> },
  { id: "workload", header: "Workload", width: { min: 140, grow: 2 }, narrow: "title", cell: (i) => <Link href={routes.workload(project, i.workload)} className="truncate font-medium hover:underline">{i.workload}</Link> },
  { id: "priority", header: "Priority", width: { min: 68 }, numeric: true, narrow: "hidden", cell: (i) => <span className="tnum">{i.priority}</span> },
  { id: "quota", header: "Quota", width: { min: 110, grow: 1 }, narrow: "hidden", cell: (i) => (i.quota === null ? none : <Link href={`${routes.quotas(project)}?quota=${encodeURIComponent(i.quota)}`} className="link truncate">{i.quota}</Link>) },
  { id: "waiting", header: "Waiting", hint: "Units without a node, of those that are asked for", width: { min: 76 }, numeric: true, narrow: "line", cell: (i) => <span className="tnum" title={waitingText(i)}>{i.waiting} of {i.replicas}</span> },
  { id: "since", header: "Since", width: { min: 72 }, numeric: true, narrow: "line", cell: (i) => <Age at={i.sinceMs} className="text-right" /> },
  { id: "blocker", header: "What is in the way", width: { min: 220, grow: 5 }, narrow: "line", cell: (i) => <span className="truncate text-muted-foreground" title={i.blocker}>{i.blocker}</span> },
  { id: "start", header: "May start", width: { min: 150 }, narrow: "hidden", cell: (i) => <Start item={i} /> },
  { id: "chain", header: "Makes way", hint: "Units that are stopping for it", width: { min: 78 }, numeric: true, narrow: "hidden", cell: (i) => (i.chain.length === 0 ? none : <span className="tnum">{i.chain.length}</span>) },
  { id: "why", header: "", width: { min: 44 }, narrow: "hidden", cell: (i) => <Link href={whyAddress(project, i)} className="link">Why</Link> },
];

/** When a workload may start: always a range, and never a promise. */
function Start({ item }: { item: QueueItem }) {
  const unknown = whyUnknown(item);
  if (item.start === null) {
    return (
      <Tooltip content={unknown}>
        <span tabIndex={-1} className="text-muted-foreground">
          nobody can tell
        </span>
      </Tooltip>
    );
  }
  return (
    <Tooltip content={`${item.start.because}${unknown ? ` ${unknown}` : ""}`}>
      <span tabIndex={-1} className="tnum truncate">
        <At at={item.start.earliestMs} /> {item.start.latestMs === null ? "or later" : <>to <At at={item.start.latestMs} /></>}
      </span>
    </Tooltip>
  );
}

function QueuePane({ project, item: i }: { project: string; item: QueueItem }) {
  return (
    <div className="flex flex-col gap-3 p-3">
      <p className="text-base">{i.blocker}</p>
      <div className="flex flex-wrap gap-1.5">
        <Link href={whyAddress(project, i)} className={buttonStyle({ variant: "primary" })}>
          See why, and what would help
        </Link>
      </div>
      <Facts
        items={[
          { name: "Turn", value: <span className="tnum">{i.position}</span> },
          { name: "Waiting", value: waitingText(i) },
          { name: "Since", value: <Age at={i.sinceMs} suffix="ago" className="min-w-0" /> },
          { name: "Priority", value: <span className="tnum">{i.priority}</span> },
          { name: "Quota", value: i.quota === null ? "none: nothing but room limits it" : <Link href={`${routes.quotas(project)}?quota=${encodeURIComponent(i.quota)}`} className="link">{i.quota}</Link> },
          { name: "May start", value: <>{i.start ? <Start item={i} /> : null} <span className={i.start ? "block text-xs text-muted-foreground" : undefined}>{[i.start?.because, whyUnknown(i)].filter(Boolean).join(" ")}</span></> },
        ]}
      />
      <Section title="Who makes way" aside={<span className="tnum">{i.chain.length}</span>} flush>
        {i.chain.length === 0 ? (
          <p className="px-3 py-2 text-sm text-muted-foreground">No unit is stopping for it.</p>
        ) : (
          <PlainTable
            label={`Units that make way for ${i.workload}`}
            rows={i.chain}
            keyOf={(c) => c.stops}
            columns={[
              { head: "Stops", bare: true, cell: (c) => <Link href={routes.workload(project, c.workload, { tab: "decisions", unit: c.stops })} className="font-medium hover:underline">{c.stops}</Link> },
              { head: "Priority", numeric: true, cell: (c) => c.priority },
              { head: "On", cell: (c) => <Link href={routes.node(project, c.node)} className="hover:underline">{c.node}</Link> },
              { head: "For", cell: (c) => c.unit },
              { head: "Then", cell: (c) => (c.waitsAt === null ? "its replacement has a node" : `its workload waits at turn ${c.waitsAt}`) },
            ]}
          />
        )}
      </Section>
      <Command label="The queue at the command line" text={`holdfast queue --project ${project}`} />
    </div>
  );
}
