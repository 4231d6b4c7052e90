"use client";

import Link from "@/components/ui/link";
import { bytesText, coresText } from "@/components/chart";
import { routes } from "@/components/routes";
import { Age, StateMark } from "@/components/state";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import { Tooltip } from "@/components/ui/tooltip";
import type { UnitRow } from "@/server/core/views";

/** What should run here and what does, side by side, with the reason why each unit is where it is. */
export function UnitsTable({ project, units, brief }: { project: string; units: readonly UnitRow[]; brief?: boolean }) {
  if (units.length === 0) return <p className="px-3 py-2 text-sm text-muted-foreground">No unit is assigned to this node.</p>;
  return (
    <Table stacked label="Units on this node">
      <thead>
        <tr>
          <Th>Unit</Th>
          <Th>State</Th>
          <Th>Desired</Th>
          <Th>Observed</Th>
          {brief ? null : (
            <>
              <Th numeric>CPU</Th>
              <Th numeric>Memory</Th>
              <Th numeric>Restarts</Th>
              <Th>Limits</Th>
            </>
          )}
          <Th>Why here</Th>
        </tr>
      </thead>
      <tbody>
        {units.map((unit) => (
          <Tr key={unit.assignmentId}>
            <Td className={unit.devices ? "py-1.5" : undefined}>
              <Link href={routes.workload(project, unit.workload, { tab: "units", unit: unit.unit })} className="font-medium hover:underline">
                {unit.unit}
              </Link>
              {unit.devices ? <span className="block text-xs text-muted-foreground">{unit.devices.text}</span> : null}
            </Td>
            <Td>
              <Tooltip content={unit.state.because}>
                <span tabIndex={-1}>
                  <StateMark
                    state={unit.state.state}
                    age={unit.state.state === "silent" && unit.observed ? <Age at={unit.observed.atMs} className="min-w-0" /> : null}
                  />
                </span>
              </Tooltip>
            </Td>
            <Td label="Desired" className="whitespace-nowrap">
              {unit.desired.action} <span className="tnum">r{unit.desired.generation}</span>
            </Td>
            <Td label="Observed" className="whitespace-nowrap">
              {unit.observed ? (
                <span title={unit.observed.message || undefined}>
                  {unit.observed.phase} <span className="tnum">r{unit.observed.generation}</span>
                  <span className="text-muted-foreground">
                    , <Age at={unit.observed.atMs} suffix="ago" className="min-w-0" />
                  </span>
                </span>
              ) : (
                <span className="text-muted-foreground">not spoken of yet</span>
              )}
            </Td>
            {brief ? null : (
              <>
                <Td label="CPU" numeric>{unit.observed?.cpuMillis == null ? <Unknown /> : `${coresText(unit.observed.cpuMillis)}`}</Td>
                <Td label="Memory" numeric>{unit.observed?.memoryBytes == null ? <Unknown /> : bytesText(unit.observed.memoryBytes)}</Td>
                <Td label="Restarts" numeric>{unit.observed?.restarts ?? <Unknown />}</Td>
                <Td label="Limits" className="whitespace-nowrap">{unit.observed?.limits ?? <Unknown />}</Td>
              </>
            )}
            <Td label="Why here" className="whitespace-nowrap">
              <Link href={routes.workload(project, unit.workload, { tab: "decisions", unit: unit.unit })} className="link" title={unit.desired.cause}>
                Explain
              </Link>
            </Td>
          </Tr>
        ))}
      </tbody>
    </Table>
  );
}

function Unknown() {
  return <span className="text-muted-foreground">unknown</span>;
}
