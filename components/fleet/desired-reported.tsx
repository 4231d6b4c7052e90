"use client";

import type { ReactNode } from "react";
import { bytesText, coresText, latencyText, shareText } from "@/components/chart";
import { Age, At } from "@/components/state";
import { cn } from "@/components/ui/cn";
import { useNarrow } from "@/components/ui/use-media";
import type { NodeDetail } from "@/server/core/views";
import { desiredStateWords } from "./words";

type Line = { name: string; desired: ReactNode; reported: ReactNode | null };

/**
 * What was asked of a node, what it says now, and what it said last, in three columns that are never mixed. While the
 * node is silent nothing stands under "Reported": all it said is only last known. `brief`, for narrow places, leaves out
 * the column that has nothing to say.
 */
export function DesiredReported({ node, brief: asked }: { node: NodeDetail; brief?: boolean }) {
  const narrow = useNarrow();
  const brief = asked || narrow;
  const silent = node.state.state === "silent";
  const run = node.unitsHere.filter((unit) => unit.desired.action === "run").length;
  const healthy = node.unitsHere.filter((unit) => unit.observed?.health === "healthy").length;
  const behind = node.generation.desired - node.generation.applied;
  const lines: Line[] = [
    { name: "Use", desired: desiredStateWords[node.desiredState] + (node.desiredReason ? `: ${node.desiredReason}` : ""), reported: null },
    {
      name: "Generation",
      desired: <span className="tnum">{node.generation.desired}</span>,
      reported: (
        <span className="tnum">
          {node.generation.applied} applied
          {behind > 0 ? <span className="text-pending"> ({behind} behind)</span> : null}
        </span>
      ),
    },
    { name: "Units", desired: <span className="tnum">{run} to run</span>, reported: <span className="tnum">{healthy} healthy</span> },
    {
      name: "CPU",
      desired: <span className="tnum">{coresText(node.cpuMillis.assigned)} of {coresText(node.cpuMillis.offered)} cores assigned</span>,
      reported: node.usage?.cpuShare == null ? "not reported" : <span className="tnum">{shareText(node.usage.cpuShare)} of the machine in use</span>,
    },
    {
      name: "Memory",
      desired: <span className="tnum">{bytesText(node.memoryBytes.assigned)} of {bytesText(node.memoryBytes.offered)} assigned</span>,
      reported:
        node.usage?.memoryUsedBytes == null ? "not reported" : (
          <span className="tnum">
            {bytesText(node.usage.memoryUsedBytes)} in use{node.facts ? ` of ${bytesText(node.facts.memoryBytes)}` : ""}
          </span>
        ),
    },
    {
      name: "Disk",
      desired: node.facts ? <span className="tnum">{bytesText(node.facts.offered.diskBytes)} offered</span> : null,
      reported:
        node.usage?.diskUsedBytes == null ? "not reported" : (
          <span className="tnum">
            {bytesText(node.usage.diskUsedBytes)} in use{node.facts?.diskBytes ? ` of ${bytesText(node.facts.diskBytes)}` : ""}
          </span>
        ),
    },
    {
      name: "Session",
      desired: null,
      reported: node.session ? (
        <span>
          open since <At at={node.session.openedAtMs} />, from {node.session.address}
        </span>
      ) : (
        "none open"
      ),
    },
    { name: "Round trip", desired: null, reported: node.rttMs === null ? "not measured" : <span className="tnum">{latencyText(node.rttMs)}</span> },
    { name: "Reports waiting", desired: null, reported: <span className="tnum">{node.journalDepth} in the node's journal</span> },
    { name: "Agent", desired: null, reported: node.agentVersion ?? "not reported" },
  ];
  const asOf = node.usageAtMs ?? node.lastSeenMs;
  if (brief) {
    return (
      <table className="w-full text-sm" aria-label={silent ? "Desired and last known" : "Desired and reported"}>
        <thead>
          <tr className={head}>
            <th scope="col" className="pl-3!">
              <span className="sr-only">What</span>
            </th>
            <th scope="col">Desired</th>
            <th scope="col" className={cn(silent && "text-silent")}>
              {silent ? "Last known" : "Reported"} <Age at={silent ? node.lastSeenMs : asOf} suffix="ago" className="ml-1 min-w-0 font-normal" />
            </th>
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <tr key={line.name} className={row}>
              <th scope="row" className="w-24 pl-3! text-left font-normal text-muted-foreground">
                {line.name}
              </th>
              <td className="w-[36%]">{line.desired ?? <Dash why="nothing is asked of this" />}</td>
              <td className={cn(silent && "hatched text-silent")}>{line.reported ?? <Dash why="the node says nothing of this" />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    );
  }
  return (
    <table className="w-full text-sm" aria-label="Desired, reported and last known">
      <thead>
        <tr className={head}>
          <th scope="col" className="w-32 pl-3!">
            <span className="sr-only">What</span>
          </th>
          <th scope="col" className="w-[28%]">
            Desired
          </th>
          <th scope="col" className="w-[34%]">
            Reported {!silent ? <Age at={asOf} suffix="ago" className="ml-1 font-normal" /> : null}
          </th>
          <th scope="col" className={cn(silent && "text-silent")}>
            Last known {silent ? <Age at={node.lastSeenMs} suffix="ago" className="ml-1 font-normal" /> : null}
          </th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line, index) => (
          <tr key={line.name} className={row}>
            <th scope="row" className="pl-3! text-left font-normal text-muted-foreground">
              {line.name}
            </th>
            <td>{line.desired ?? <Dash why="nothing is asked of this" />}</td>
            {!silent ? <td>{line.reported ?? <Dash why="the node says nothing of this" />}</td> : null}
            {silent && index === 0 ? (
              <td rowSpan={lines.length} className="hatched border-x text-silent">
                Silent since <At at={node.lastSeenMs} />. Nobody knows what is true there now.
              </td>
            ) : null}
            {silent ? <td className="text-silent">{line.reported ?? <Dash why="the node said nothing of this" />}</td> : null}
            {!silent && index === 0 ? (
              <td rowSpan={lines.length} className="border-l text-muted-foreground">
                The node is in contact, so what it reports is the last that is known.
              </td>
            ) : null}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const head = "border-b text-left text-xs text-muted-foreground [&>th]:h-7 [&>th]:px-2 [&>th]:font-medium";
const row = "border-b align-top last:border-b-0 [&>*]:px-2 [&>*]:py-1.5";

function Dash({ why }: { why: string }) {
  return (
    <span className="text-muted-foreground" title={why}>
      <span aria-hidden>–</span>
      <span className="sr-only">{why}</span>
    </span>
  );
}
