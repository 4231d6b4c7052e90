"use client";

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { ChartPanel, TimeRangeControl, useTimeRange } from "@/components/chart";
import { useProject } from "@/components/shell/project-context";

/** The workload's metrics by revision over time; they go on whatever the rollout does. */
export function RevisionCharts({ workload }: { workload: string }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const range = useTimeRange();
  const charts = useQuery({
    ...trpc.telemetry.workload.queryOptions({ project, name: workload, by: "revision", range: { fromMs: range?.fromMs ?? 0, toMs: range?.toMs ?? 1 } }),
    enabled: range !== null,
    placeholderData: keepPreviousData,
  });
  return (
    <div className="flex min-w-0 flex-col gap-2">
      <div className="flex items-center gap-3">
        <h2 className="text-sm">By revision</h2>
        <span className="ml-auto">
          <TimeRangeControl range={range} />
        </span>
      </div>
      <div className="grid gap-3 sm:grid-cols-2">
        {(charts.data ?? [undefined, undefined, undefined, undefined]).map((chart, i) => (
          <ChartPanel key={chart?.title ?? i} chart={chart} error={charts.error ? explain(charts.error).message : null} onZoom={range ? (fromMs, toMs) => range.set({ fromMs, toMs }) : undefined} />
        ))}
      </div>
    </div>
  );
}
