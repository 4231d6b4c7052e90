"use client";

import Link from "@/components/ui/link";
import { countText, shareText, valueText } from "@/components/chart";
import { routes } from "@/components/routes";
import { IntervalCount, StateMark } from "@/components/state";
import { Section } from "@/components/ui/page";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import { Tooltip } from "@/components/ui/tooltip";
import type { HomeView } from "@/server/core/views";

/** The workloads as they are now: state, units, and what was measured. */
export function WorkloadsNow({ project, workloads }: { project: string; workloads: HomeView["workloads"] }) {
  return (
    <Section
      title="Workloads"
      aside={
        <>
          <Link href={routes.queue(project)} className="link">
            Queue
          </Link>
          <Link href={routes.workloads(project)} className="link">
            All workloads
          </Link>
        </>
      }
      flush
    >
      {workloads.length === 0 ? (
        <p className="px-3 py-2.5 text-sm text-muted-foreground">
          No workload is applied yet.{" "}
          <Link href={routes.workloadNew(project)} className="link">
            Apply the first one
          </Link>
        </p>
      ) : (
        <Table stacked label="Workloads now">
          <thead>
            <tr>
              <Th>Workload</Th>
              <Th>State</Th>
              <Th numeric>Units ready</Th>
              <Th numeric>Requests</Th>
              <Th numeric>Accuracy</Th>
            </tr>
          </thead>
          <tbody>
            {workloads.map((workload) => (
              <Tr key={workload.name}>
                <Td>
                  <Link href={routes.workload(project, workload.name)} className="font-medium hover:underline">
                    {workload.name}
                  </Link>
                </Td>
                <Td>
                  <Tooltip content={workload.state.because}>
                    <span tabIndex={-1}>
                      <StateMark state={workload.state.state} />
                    </span>
                  </Tooltip>
                </Td>
                <Td label="Units ready" numeric>
                  <IntervalCount atLeast={workload.units.min} atMost={workload.units.max} of={workload.units.total} asOf={workload.units.asOfMs} />
                </Td>
                <Td label="Requests" numeric>{workload.requestsPerSecond === null ? <Unmeasured /> : valueText("perSecond", workload.requestsPerSecond)}</Td>
                <Td label="Accuracy" numeric>
                  {workload.accuracy === null ? (
                    <Unmeasured />
                  ) : (
                    <>
                      {shareText(workload.accuracy)} <span className="text-xs text-muted-foreground">n={countText(workload.accuracySample)}</span>
                    </>
                  )}
                </Td>
              </Tr>
            ))}
          </tbody>
        </Table>
      )}
    </Section>
  );
}

function Unmeasured() {
  return <span className="text-muted-foreground">not measured</span>;
}
