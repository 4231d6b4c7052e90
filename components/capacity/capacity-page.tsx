"use client";

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age, StateMark } from "@/components/state";
import { LastLoaded, NotLoaded } from "@/components/state/query-states";
import { Button } from "@/components/ui/button";
import { Choice } from "@/components/ui/choice";
import { Command } from "@/components/ui/copy-button";
import { EmptyState, ErrorState } from "@/components/ui/empty-state";
import { NativeSelect } from "@/components/ui/input";
import Link from "@/components/ui/link";
import { PageBody, PageHead, Section } from "@/components/ui/page";
import { PlainTable } from "@/components/ui/plain-table";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import type { CapacityView } from "@/server/core/views";
import { NodeMap } from "./node-map";
import { RepairPlan } from "./repair-plan";
import { Repairs } from "./repairs";
import { amountOf, capacitySentence, measures, percentText, shareOf, unitOf, type CapacityNode, type Measure } from "./words";

const measureValues = measures.map((m) => m.value);
/** Nodes that one page shows; a larger fleet is looked at site by site. */
const SHOWN = 1_000;

/** What there is and what of it is of use: the map by site and node, the largest gang, who waits, and the repair that makes room. */
export function CapacityPage() {
  const { project } = useProject();
  const trpc = useTRPC();
  const [view, setView] = useQueryStates({ of: parseAsStringLiteral(measureValues).withDefault("cpuMillis"), as: parseAsStringLiteral(["map", "table"] as const).withDefault("map"), site: parseAsString, repair: parseAsString }, { history: "replace" });
  const query = useQuery({ ...trpc.placement.capacity.queryOptions({ project, limit: SHOWN, ...(view.site ? { site: view.site } : {}) }), placeholderData: keepPreviousData });
  const c = query.data;
  return (
    <>
      <PageHead title="Capacity" purpose={c ? capacitySentence(c, view.of) : "What there is by site and node, and what of the idle part is of use."} className="pb-0">
        <Choice label="What is measured" value={view.of} onChange={(of) => void setView({ of })} options={measures} />
      </PageHead>
      <PageBody>
        {!c && query.isError ? (
          <ErrorState title="The capacity could not be loaded" message={explain(query.error).message} id={explain(query.error).id} kept="Whatever runs goes on running." onRetry={() => void query.refetch()} />
        ) : !c ? (
          <Loading what="the capacity" className="rounded-md border bg-card">
            <SkeletonRows rows={8} columns={4} />
          </Loading>
        ) : c.total.nodes === 0 ? (
          <EmptyState title="There is no node yet" action={<Link href={routes.settingsPart(project, "join")} className="link">Enrol a machine</Link>}>
            <p>As soon as a machine is enrolled, its room stands here: what it has, what is taken, and what of the rest the units of this project could use.</p>
          </EmptyState>
        ) : (
          <>
            <LastLoaded query={query} />
            {view.repair ? <RepairPlan project={project} workload={view.repair} onClose={() => void setView({ repair: null })} /> : null}
            <Waiting project={project} planned={view.repair} onPlan={(repair) => void setView({ repair })} />
            <Repairs project={project} />
            <Section
              title="Sites and nodes"
              hint={<>as of <Age at={c.asOfMs} suffix="ago" className="min-w-0" /></>}
              aside={
                <>
                  <NativeSelect aria-label="Site" value={view.site ?? ""} onChange={(e) => void setView({ site: e.target.value || null })}>
                    <option value="">All sites</option>
                    {c.sites.map((s) => (
                      <option key={s.name} value={s.name}>
                        {s.title}
                      </option>
                    ))}
                  </NativeSelect>
                  <Button size="sm" aria-pressed={view.as === "table"} onClick={() => void setView({ as: view.as === "map" ? "table" : null })}>
                    {view.as === "map" ? "Show as a table" : "Show as a map"}
                  </Button>
                </>
              }
              flush
            >
              {view.as === "map" ? <NodeMap project={project} measure={view.of} sites={c.sites.filter((s) => !view.site || s.name === view.site)} nodes={c.nodes} /> : <NodeTable project={project} measure={view.of} nodes={c.nodes} />}
              {c.nodesTotal > c.nodes.length ? <p className="border-t px-3 py-2 text-sm text-muted-foreground">{c.nodes.length} of {c.nodesTotal} nodes are shown; the figures of sites count all. Choose a site to see its nodes.</p> : null}
              {view.as === "map" ? <Legend /> : null}
            </Section>
            <Mix capacity={c} project={project} />
            {c.models.length > 0 ? <Models capacity={c} /> : null}
            <Command label="The same at the command line" text={`holdfast capacity --project ${project}`} />
          </>
        )}
      </PageBody>
    </>
  );
}

function Legend() {
  return (
    <p className="flex flex-wrap items-center gap-x-4 gap-y-1 border-t px-3 py-2 text-xs text-muted-foreground">
      <span className="flex items-center gap-1.5">
        <span aria-hidden className="h-3 w-16 rounded-sm border" style={{ background: "linear-gradient(to right, var(--secondary), var(--primary))" }} /> nothing to all in use
      </span>
      <span className="flex items-center gap-1.5">
        <span aria-hidden className="hatched size-3 rounded-sm border border-dashed" /> silent or closed: takes no units
      </span>
      <span>Arrow keys go from node to node.</span>
    </p>
  );
}

function NodeTable({ project, measure, nodes }: { project: string; measure: Measure; nodes: readonly CapacityNode[] }) {
  return (
    <PlainTable
      label="Nodes"
      rows={nodes}
      keyOf={(n) => n.name}
      columns={[
        { head: "Node", bare: true, cell: (n) => <Link href={routes.node(project, n.name)} className="font-medium hover:underline">{n.name}</Link> },
        { head: "Site", cell: (n) => n.site },
        { head: "State", cell: (n) => <span title={n.because}><StateMark state={n.state} {...(n.state === "pending" ? { word: "closed" } : {})} /></span> },
        { head: "Units", numeric: true, cell: (n) => n.units },
        { head: `In use, ${unitOf(measure)}`, numeric: true, cell: (n) => (n[measure].capacity === 0 ? "none" : `${amountOf(measure, n[measure].allocated)} of ${amountOf(measure, n[measure].capacity)}`) },
        { head: "Share", numeric: true, cell: (n) => (n[measure].capacity === 0 ? "–" : percentText(shareOf(n[measure]))) },
        { head: "Idle", numeric: true, cell: (n) => (n[measure].capacity === 0 ? "–" : amountOf(measure, n[measure].idle)) },
        { head: measure === "devices" ? "F" : "Stranded", numeric: true, cell: (n) => (n[measure].stranded === null ? "–" : percentText(n[measure].stranded)) },
        { head: "Heard from", numeric: true, cell: (n) => <Age at={n.seenMs} className="text-right" /> },
      ]}
    />
  );
}

/** The mix: what units of this project ask for, and how many of each find room now. */
function Mix({ capacity: c, project }: { capacity: CapacityView; project: string }) {
  return (
    <Section title="Largest gang now" hint="the shapes that 95 % of the units ask for, running and waiting; rules of policies apart" flush>
      {c.mix.length === 0 ? (
        <p className="p-3 text-sm text-muted-foreground">No unit runs and none waits, so nothing is known of what this project asks for.</p>
      ) : (
        <PlainTable
          label="Largest gang by shape"
          rows={c.mix}
          keyOf={(m) => m.text}
          columns={[
            { head: "One unit asks for", bare: true, cell: (m) => m.text },
            { head: "Units", numeric: true, cell: (m) => m.units },
            { head: "Share of the mix", numeric: true, cell: (m) => percentText(m.share) },
            { head: "Room for", numeric: true, cell: (m) => `${m.largestGang.toLocaleString("en-GB")} more` },
            { head: "Of", cell: (m) => <span className="flex flex-wrap gap-x-2">{m.workloads.slice(0, 4).map((w) => <Link key={w} href={routes.workload(project, w)} className="hover:underline">{w}</Link>)}{m.workloads.length > 4 ? <span className="text-muted-foreground">and {m.workloads.length - 4} more</span> : null}</span> },
          ]}
        />
      )}
    </Section>
  );
}

function Models({ capacity: c }: { capacity: CapacityView }) {
  return (
    <Section title="Accelerators by model" hint="F: what of the idle ones the mix can't use (FGD paper)" flush>
      <PlainTable
        label="Accelerators by model"
        rows={c.models}
        keyOf={(m) => m.model}
        columns={[
          { head: "Model", bare: true, cell: (m) => <span className="font-medium">{m.model}</span> },
          { head: "Nodes", numeric: true, cell: (m) => m.nodes },
          { head: "In use", numeric: true, cell: (m) => `${amountOf("devices", m.allocated)} of ${m.capacity}` },
          { head: "Idle", numeric: true, cell: (m) => amountOf("devices", m.idle) },
          { head: "F", numeric: true, cell: (m) => (m.stranded === null ? "–" : percentText(m.stranded)) },
        ]}
      />
    </Section>
  );
}

/** Who waits for room, each with the way to a plan. */
function Waiting({ project, planned, onPlan }: { project: string; planned: string | null; onPlan: (workload: string) => void }) {
  const trpc = useTRPC();
  const query = useQuery(trpc.placement.queue.queryOptions({ project }));
  const items = query.data?.items ?? [];
  return (
    <Section title="Who waits" aside={query.data ? <span className="tnum">{items.length}</span> : null} flush>
      {query.isError && !query.data ? (
        <NotLoaded title="The queue could not be loaded" query={query} />
      ) : !query.data ? (
        <Loading what="who waits">
          <SkeletonRows rows={2} columns={4} />
        </Loading>
      ) : items.length === 0 ? (
        <p className="p-3 text-sm text-muted-foreground">Nothing waits: every unit that is asked for has a node.</p>
      ) : (
        <PlainTable
          label="Workloads that wait for room"
          rows={items}
          keyOf={(i) => i.workload}
          columns={[
            { head: "Workload", bare: true, cell: (i) => <Link href={routes.workload(project, i.workload)} className="font-medium hover:underline">{i.workload}</Link> },
            { head: "Waiting", numeric: true, cell: (i) => `${i.waiting} of ${i.replicas}` },
            { head: "Since", numeric: true, cell: (i) => <Age at={i.sinceMs} className="text-right" /> },
            { head: "What is in the way", cell: (i) => <span className="text-muted-foreground">{i.blocker}</span> },
          ]}
          commands={(i) => (
            <Button size="sm" aria-pressed={planned === i.workload} onClick={() => onPlan(i.workload)}>
              Plan a repair
            </Button>
          )}
        />
      )}
    </Section>
  );
}
