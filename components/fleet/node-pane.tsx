"use client";

import { NotLoaded } from "@/components/state/query-states";
import Link from "@/components/ui/link";
import { useQuery } from "@tanstack/react-query";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age } from "@/components/state";
import { LabelChip } from "@/components/ui/badge";
import { Section } from "@/components/ui/page";
import { Loading, Skeleton, SkeletonRows } from "@/components/ui/skeleton";
import { Timeline } from "@/components/ui/timeline";
import { DesiredReported } from "./desired-reported";
import { NodeActions } from "./node-actions";
import { UnitsTable } from "./units-table";

/** A node in the side pane: its sentence, what was asked and said, its units, and what happened last. */
export function NodePane({ name }: { name: string }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const query = useQuery(trpc.fleet.node.queryOptions({ project, name }));
  if (query.isPending) {
    return (
      <Loading what={name} className="flex flex-col gap-3 p-3">
        <Skeleton className="w-72" />
        <Skeleton className="w-40" />
        <SkeletonRows rows={8} columns={3} />
      </Loading>
    );
  }
  const node = query.data;
  if (!node) return <NotLoaded title={`${name} could not be loaded`} query={query} />;
  return (
    <div className="flex flex-col gap-3 p-3">
      <p className="text-base">{node.state.because}</p>
      <p className="text-sm text-muted-foreground">
        In{" "}
        <Link href={routes.site(project, node.site)} className="link">
          {node.siteTitle}
        </Link>{" "}
        ({node.jurisdiction}), heard <Age at={node.lastSeenMs} suffix="ago" className="min-w-0" />
      </p>
      <div className="flex flex-wrap gap-1.5">
        <NodeActions node={node} />
      </div>
      <Section title="Desired and reported" flush>
        <DesiredReported node={node} brief />
      </Section>
      <Section title="Units" aside={<span className="tnum">{node.unitsHere.length}</span>} flush>
        <UnitsTable project={project} units={node.unitsHere} brief />
      </Section>
      {Object.keys(node.labels).length > 0 ? (
        <Section title="Labels">
          <div className="flex flex-wrap gap-1">
            {Object.entries(node.labels).map(([key, value]) => (
              <LabelChip key={key} name={key} value={value} />
            ))}
          </div>
        </Section>
      ) : null}
      <Section title="What happened">
        <Timeline items={node.timeline.slice(0, 8)} empty="Nothing is recorded of this node yet." />
      </Section>
    </div>
  );
}
