"use client";

import { LastLoaded, NotLoaded } from "@/components/state/query-states";
import Link from "@/components/ui/link";
import { usePathname, useRouter } from "next/navigation";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { parseAsInteger, parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { explain, refusalOf } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { ChartPanel, TimeRangeControl, useTimeRange } from "@/components/chart";
import { ManifestStudio } from "@/components/manifests/manifest-studio";
import { WorkloadRevisions } from "@/components/manifests/revisions";
import { FollowChange } from "@/components/preview/follow-change";
import { WaitingNotice } from "@/components/queue/waiting-notice";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age, At, IntervalCount, StateMark } from "@/components/state";
import { Alert } from "@/components/ui/alert";
import { Badge, LabelChip } from "@/components/ui/badge";
import { Choice } from "@/components/ui/choice";
import { Command } from "@/components/ui/copy-button";
import { EmptyState } from "@/components/ui/empty-state";
import { Facts, PageBody, PageHead, Section } from "@/components/ui/page";
import { Loading, Skeleton, SkeletonRows } from "@/components/ui/skeleton";
import { Tabs, TabsContent, TabsList, TabsTrigger } from "@/components/ui/tabs";
import type { WorkloadDetail } from "@/server/core/views";
import { Decisions } from "./decisions";
import { Logs } from "./logs";
import { Objectives } from "./objectives";
import { UnitsList } from "./units-list";
import { WorkloadActions } from "./workload-actions";
import { phaseWord, revisionsText } from "./words";

const tabs = ["units", "telemetry", "decisions", "logs", "revisions", "manifest"] as const;
const tabWord: Record<(typeof tabs)[number], string> = { units: "Units", telemetry: "Telemetry", decisions: "Decisions", logs: "Logs", revisions: "Revisions", manifest: "Manifest" };

/** A workload, whole. */
export function WorkloadPage({ name }: { name: string }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const [view, setView] = useQueryStates({ tab: parseAsStringLiteral(tabs).withDefault("units"), unit: parseAsString, revision: parseAsInteger }, { history: "replace" });
  const query = useQuery(trpc.workloads.get.queryOptions({ project, name }));
  const w = query.data;
  const trail = [{ label: "Workloads", href: routes.workloads(project) }];
  if (!w) {
    return (
      <>
        <PageHead title={name} trail={trail} />
        {query.isPending ? (
          <Loading what={name}>
            <PageBody>
              <Skeleton className="w-96 max-w-full" />
              <div className="rounded-md border bg-card">
                <SkeletonRows rows={10} columns={6} />
              </div>
            </PageBody>
          </Loading>
        ) : refusalOf(query.error)?.code === "not_found" ? (
          <EmptyState title={`There is no workload called “${name}”`}>
            <p>It may have been removed: the audit log says when and by whom.</p>
          </EmptyState>
        ) : (
          <NotLoaded title={`${name} could not be loaded`} query={query} />
        )}
      </>
    );
  }
  const setUnit = (unit: string | null) => void setView({ unit });
  return (
    <>
      <PageHead
        trail={trail}
        title={
          <span className="flex flex-wrap items-center gap-2">
            {w.title ?? w.name} {w.title ? <code className="text-sm text-muted-foreground">{w.name}</code> : null} <StateMark state={w.state.state} soft /> <Badge tone="outline">{w.kind}</Badge>
          </span>
        }
        purpose={w.state.because}
        actions={<WorkloadActions workload={w} />}
      />
      <PageBody>
        <LastLoaded query={query} />
        {view.tab !== "decisions" && w.kind !== "daemon" && w.revisions.reduce((sum, r) => sum + r.desired, 0) < w.units.total ? <WaitingNotice workload={w.name} /> : null}
        {w.rollout ? (
          <Alert title={<>Rollout <Link href={routes.rollout(project, w.rollout.number)} className="link">#{w.rollout.number}</Link> is under way: {phaseWord(w.rollout.phase)}</>} />
        ) : null}
        <FollowChange object={`Workload ${w.name}`} />
        <Tabs value={view.tab} onValueChange={(tab) => void setView({ tab: tab as (typeof tabs)[number] })}>
          <TabsList aria-label={`Parts of ${w.name}`}>
            {tabs.map((t) => (
              <TabsTrigger key={t} value={t}>
                {tabWord[t]}
              </TabsTrigger>
            ))}
          </TabsList>
          <TabsContent value="units" className="pt-4 outline-none">
            <div className="grid grid-cols-[minmax(0,1fr)_minmax(260px,320px)] gap-4 max-lg:grid-cols-1">
              <Section title="Units" hint="what was asked for, and what the agents say" flush>
                <UnitsList workload={w.name} active={view.unit} onActive={setUnit} />
              </Section>
              <About workload={w} />
            </div>
          </TabsContent>
          <TabsContent value="telemetry" className="pt-4 outline-none">
            <Telemetry name={w.name} />
          </TabsContent>
          <TabsContent value="decisions" className="pt-4 outline-none">
            <Decisions workload={w.name} unit={view.unit} onUnit={setUnit} />
          </TabsContent>
          <TabsContent value="logs" className="pt-4 outline-none">
            <Logs workload={w.name} unit={view.unit} onUnit={setUnit} />
          </TabsContent>
          <TabsContent value="revisions" className="pt-4 outline-none">
            <WorkloadRevisions name={w.name} selected={view.revision} onSelect={(revision) => void setView({ revision })} />
          </TabsContent>
          <TabsContent value="manifest" className="pt-4 outline-none">
            <Manifest workload={w} />
          </TabsContent>
        </Tabs>
      </PageBody>
    </>
  );
}

function About({ workload: w }: { workload: WorkloadDetail }) {
  const { project } = useProject();
  return (
    <div className="flex min-w-0 flex-col gap-4">
      <Section title="About">
        <Facts
          items={[
            { name: "Healthy", value: <IntervalCount atLeast={w.units.min} atMost={w.units.max} of={w.units.total} asOf={w.units.asOfMs} /> },
            { name: "Asked / runs", value: <span className="tnum">{revisionsText(w)}</span> },
            { name: "Newest", value: <span className="tnum">r{w.generation}, <At at={w.updatedAtMs} /></span> },
            { name: "Policy", value: w.policy ? <Link className="link" href={routes.policy(project, w.policy)}>{w.policy}</Link> : "none: only its own selector binds" },
            { name: "Sites", value: <span className="tnum">{w.sites}</span> },
            { name: "Measured", value: w.measuredAtMs === null ? null : <Age at={w.measuredAtMs} suffix="ago" className="min-w-0" /> },
          ]}
        />
        {Object.keys(w.labels).length > 0 ? (
          <div className="mt-3 flex flex-wrap gap-1 border-t pt-3">
            {Object.entries(w.labels).map(([key, value]) => (
              <LabelChip key={key} name={key} value={value} />
            ))}
          </div>
        ) : null}
      </Section>
      <Section title="Objectives" flush>
        <Objectives objectives={w.objectives} />
      </Section>
      <Section title="Equivalent command">
        <Command text={`holdfast describe workload ${w.name} --project ${project}`} label="This page at the command line" />
      </Section>
    </div>
  );
}

function Telemetry({ name }: { name: string }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const range = useTimeRange();
  const [by, setBy] = useQueryStates({ by: parseAsStringLiteral(["revision", "site"] as const).withDefault("revision") }, { history: "replace" });
  const charts = useQuery({
    ...trpc.telemetry.workload.queryOptions({ project, name, by: by.by, range: { fromMs: range?.fromMs ?? 0, toMs: range?.toMs ?? 1 } }),
    enabled: range !== null,
    placeholderData: keepPreviousData,
  });
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-3">
        <Choice label="Lines by" value={by.by} onChange={(next) => void setBy({ by: next })} options={[{ value: "revision", label: "By revision" }, { value: "site", label: "By site" }]} />
        <span className="ml-auto">
          <TimeRangeControl range={range} />
        </span>
      </div>
      <div className="grid gap-3 lg:grid-cols-2">
        {(charts.data ?? [undefined, undefined, undefined, undefined]).map((chart, i) => (
          <ChartPanel key={chart?.title ?? i} chart={chart} height={190} error={charts.error ? explain(charts.error).message : null} onZoom={range ? (fromMs, toMs) => range.set({ fromMs, toMs }) : undefined} />
        ))}
      </div>
    </div>
  );
}

function Manifest({ workload: w }: { workload: WorkloadDetail }) {
  const { project } = useProject();
  const router = useRouter();
  const path = usePathname();
  return (
    <ManifestStudio
      key={w.generation}
      initial={w.manifestYaml}
      previews
      onApplied={(result) => {
        const number = result.objects.find((o) => o.rolloutNumber !== null)?.rolloutNumber;
        router.push(number ? routes.rollout(project, number) : `${path}?tab=units`);
      }}
    />
  );
}
