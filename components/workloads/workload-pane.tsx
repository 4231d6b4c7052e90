"use client";

import { useQuery } from "@tanstack/react-query";
import { useTRPC } from "@/app/_client/trpc";
import { useProject } from "@/components/shell/project-context";
import { IntervalCount } from "@/components/state";
import { NotLoaded } from "@/components/state/query-states";
import { Facts, Section } from "@/components/ui/page";
import { Loading, Skeleton, SkeletonRows } from "@/components/ui/skeleton";
import { Objectives } from "./objectives";
import { UnitsList } from "./units-list";
import { revisionsText } from "./words";

/** A workload in the side pane. */
export function WorkloadPane({ name }: { name: string }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const query = useQuery(trpc.workloads.get.queryOptions({ project, name }));
  if (query.isPending)
    return (
      <Loading what={name} className="flex flex-col gap-3 p-3">
        <Skeleton className="w-72" />
        <SkeletonRows rows={8} columns={3} />
      </Loading>
    );
  const w = query.data;
  if (!w) return <NotLoaded title={`${name} could not be loaded`} query={query} />;
  return (
    <div className="flex flex-col gap-3 p-3">
      <p className="text-base">{w.state.because}</p>
      <Facts
        items={[
          { name: "Healthy", value: <IntervalCount atLeast={w.units.min} atMost={w.units.max} of={w.units.total} asOf={w.units.asOfMs} /> },
          { name: "Asked / runs", value: revisionsText(w) },
          { name: "Policy", value: w.policy ?? "none: only its own selector binds" },
        ]}
      />
      <Section title="Objectives" flush>
        <Objectives objectives={w.objectives} />
      </Section>
      <Section title="Units" flush>
        <UnitsList workload={name} brief />
      </Section>
    </div>
  );
}
