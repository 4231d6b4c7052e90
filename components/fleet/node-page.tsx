"use client";

import { useQuery, keepPreviousData } from "@tanstack/react-query";
import { explain, refusalOf } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { bytesText, ChartPanel, TimeRangeControl, useTimeRange } from "@/components/chart";
import { FollowChange } from "@/components/preview/follow-change";
import { NotHere } from "@/components/decisions/not-here";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age, At, Elapsed } from "@/components/state";
import { LastLoaded, NotLoaded } from "@/components/state/query-states";
import { Alert } from "@/components/ui/alert";
import { LabelChip } from "@/components/ui/badge";
import { EmptyState } from "@/components/ui/empty-state";
import { Facts, PageBody, PageHead, Section } from "@/components/ui/page";
import { Loading, Skeleton, SkeletonRows } from "@/components/ui/skeleton";
import { Timeline } from "@/components/ui/timeline";
import { Command } from "@/components/ui/copy-button";
import type { NodeDetail } from "@/server/core/views";
import { Certificates } from "./certificates";
import { DesiredReported } from "./desired-reported";
import { NodeActions } from "./node-actions";
import { DesiredBadge, NodeState } from "./node-columns";
import { UnitsTable } from "./units-table";
import { deviceLines, sharedLines } from "./devices";
import { counted, trustWords } from "./words";

/** A node, whole. */
export function NodePage({ name }: { name: string }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const range = useTimeRange();
  const query = useQuery(trpc.fleet.node.queryOptions({ project, name }));
  const charts = useQuery({
    ...trpc.telemetry.node.queryOptions({ project, name, range: { fromMs: range?.fromMs ?? 0, toMs: range?.toMs ?? 1 } }),
    enabled: range !== null,
    placeholderData: keepPreviousData,
  });
  const node = query.data;
  const trail = [
    { label: "Fleet", href: routes.fleet(project) },
    ...(node ? [{ label: node.siteTitle, href: routes.site(project, node.site) }] : []),
  ];
  if (!node) {
    return (
      <>
        <PageHead title={name} trail={trail} />
        {query.isPending ? (
          <NodeSkeleton name={name} />
        ) : refusalOf(query.error)?.code === "not_found" ? (
          <EmptyState title={`There is no node called “${name}”`}>
            <p>It may have been decommissioned long ago, or the name was mistyped. Ctrl/Cmd-K finds nodes by a part of their name.</p>
          </EmptyState>
        ) : (
          <NotLoaded title={`${name} could not be loaded`} query={query} />
        )}
      </>
    );
  }
  return (
    <>
      <PageHead
        trail={trail}
        title={
          <span className="flex flex-wrap items-center gap-2">
            {node.name} <NodeState node={node} soft /> <DesiredBadge desiredState={node.desiredState} />
          </span>
        }
        purpose={node.state.because}
        actions={
          <>
            <TimeRangeControl range={range} />
            <NodeActions node={node} />
          </>
        }
      />
      <PageBody>
        <LastLoaded query={query} />
        {node.identityRevoked ? (
          <Alert tone="error" title="Its identity is revoked">
            {node.identityRevoked.reason} (<At at={node.identityRevoked.atMs} />
            ). The machine must be enrolled anew to come back.
          </Alert>
        ) : null}
        <FollowChange object={`Node ${node.name}`} />
        <div className="grid grid-cols-[minmax(0,1fr)_minmax(280px,340px)] gap-4 max-lg:grid-cols-1">
          <div className="flex min-w-0 flex-col gap-4">
            <Section title="Desired, reported, last known" flush>
              <DesiredReported node={node} />
            </Section>
            <Section title="Units" aside={<span className="tnum">{node.unitsHere.length} assigned</span>} flush>
              <UnitsTable project={project} units={node.unitsHere} />
            </Section>
            <div className="grid gap-3 sm:grid-cols-2">
              {charts.data?.length === 0 ? <p className="text-sm text-muted-foreground">This node has not reported any usage in this time.</p> : null}
              {(charts.data ?? [undefined, undefined, undefined, undefined]).map((chart, index) => (
                <ChartPanel
                  key={chart?.title ?? index}
                  chart={chart}
                  error={charts.error ? explain(charts.error).message : null}
                  onZoom={range ? (fromMs, toMs) => range.set({ fromMs, toMs }) : undefined}
                />
              ))}
            </div>
          </div>
          <div className="flex min-w-0 flex-col gap-4">
            <Section title="What happened">
              <Timeline items={node.timeline} empty="Nothing is recorded of this node yet." />
            </Section>
            <Contact node={node} />
            <Section title="What is not here" className="overflow-visible">
              <NotHere node={node.name} />
            </Section>
            <Machine node={node} />
            <Section title="Certificates" hint={`identity by ${trustWords[node.trustTier]}`} flush>
              <Certificates certificates={node.certificates} />
            </Section>
            <Section title="Equivalent command">
              <Command text={`holdfast describe node ${node.name} --project ${project}`} label="This page at the command line" />
            </Section>
          </div>
        </div>
      </PageBody>
    </>
  );
}

/** When the node was out of reach, and what came of it. */
function Contact({ node }: { node: NodeDetail }) {
  return (
    <Section title="Out of contact" aside={node.firstSeenMs ? <>first seen <Age at={node.firstSeenMs} suffix="ago" className="min-w-0" /></> : null}>
      {node.spells.length === 0 ? (
        <p className="text-sm text-muted-foreground">It has never been out of contact since it joined.</p>
      ) : (
        <ul className="flex flex-col gap-2 text-sm">
          {node.spells.map((spell) => (
            <li key={spell.fromMs}>
              <p>
                From <At at={spell.fromMs} />{" "}
                {spell.toMs === null ? (
                  <span className="text-silent">until now, <Elapsed from={spell.fromMs} /></span>
                ) : (
                  <>to <At at={spell.toMs} /> (<Elapsed from={spell.fromMs} to={spell.toMs} />)</>
                )}
              </p>
              <p className="tnum text-xs text-muted-foreground">
                {spell.toMs === null
                  ? "What it does meanwhile arrives when it is back."
                  : `${counted(spell.reportsReceived, "late report")} received, ${spell.reportsDropped} dropped, ${counted(spell.corrections, "correction")}.`}
              </p>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Machine({ node }: { node: NodeDetail }) {
  const facts = node.facts;
  return (
    <Section title="Machine" aside={node.factsAtMs ? <Age at={node.factsAtMs} suffix="old" className="min-w-0" /> : null}>
      {facts === null ? (
        <p className="text-sm text-muted-foreground">The agent has not told what its machine is yet.</p>
      ) : (
        <Facts
          items={[
            { name: "Host", value: facts.hostname },
            { name: "System", value: `${facts.os}, ${facts.arch}` },
            { name: "Kernel", value: facts.kernel },
            { name: "Processor", value: `${facts.cpuCount} × ${facts.cpuModel ?? "unknown model"}` },
            { name: "Memory", value: bytesText(facts.memoryBytes) },
            { name: "Disk", value: facts.diskBytes === null ? null : bytesText(facts.diskBytes) },
            {
              name: "Offers",
              value: `${facts.offered.cpuMillis / 1000} cores, ${bytesText(facts.offered.memoryBytes)}, ${bytesText(facts.offered.diskBytes)} disk${facts.sliced ? " (a slice, by configuration)" : ""}`,
            },
            { name: "Devices", value: facts.devices.length === 0 ? "none found" : deviceLines(facts.devices).map((line) => <span key={line} className="block">{line}</span>) },
            ...(sharedLines(node.unitsHere).length > 0 ? [{ name: "Shared devices", value: sharedLines(node.unitsHere).map((line) => <span key={line} className="tnum block">{line}</span>) }] : []),
            {
              name: "Engines",
              value: facts.engines.map((engine) => (
                <span key={engine.type} className="block">
                  {engine.type} {engine.version}: limits {engine.limits === "none" ? "not enforced" : `by ${engine.limits}`}
                  {engine.limitsProven ? ", proven by a probe" : ""}
                  {engine.limitsNote ? <span className="block text-xs text-muted-foreground">{engine.limitsNote}</span> : null}
                </span>
              )),
            },
            { name: "Networks", value: facts.networks.map((network) => `${network.name} ${network.addresses.join(", ")}`).join("; ") || null },
            { name: "Boot", value: <code className="text-xs">{facts.bootId}</code> },
          ]}
        />
      )}
      {Object.keys(node.labels).length > 0 || node.taints.length > 0 ? (
        <div className="mt-3 flex flex-wrap gap-1 border-t pt-3">
          {Object.entries(node.labels).map(([key, value]) => (
            <LabelChip key={key} name={key} value={value} />
          ))}
          {node.taints.map((taint) => (
            <LabelChip key={`taint ${taint.key}`} name={`taint ${taint.key}`} value={`${taint.value ?? ""} ${taint.effect}`.trim()} />
          ))}
        </div>
      ) : null}
    </Section>
  );
}

function NodeSkeleton({ name }: { name: string }) {
  return (
    <Loading what={name}>
      <PageBody>
        <Skeleton className="w-96 max-w-full" />
        <div className="grid grid-cols-[minmax(0,1fr)_minmax(280px,340px)] gap-4 max-lg:grid-cols-1">
          <div className="rounded-md border bg-card">
            <SkeletonRows rows={11} columns={4} />
          </div>
          <div className="rounded-md border bg-card">
            <SkeletonRows rows={8} columns={2} />
          </div>
        </div>
      </PageBody>
    </Loading>
  );
}
