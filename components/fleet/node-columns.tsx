"use client";

import Link from "@/components/ui/link";
import { bytesText, coresText, Meter, shareText } from "@/components/chart";
import { routes } from "@/components/routes";
import { Age, IntervalCount, StateMark } from "@/components/state";
import type { Column } from "@/components/table/columns";
import { Badge } from "@/components/ui/badge";
import { Tooltip } from "@/components/ui/tooltip";
import type { NodeRow } from "@/server/core/views";
import { desiredStateMeaning, desiredStateWords, trustWords } from "./words";

/** The state of a node: shape, word, and while it is silent since when nothing was heard. */
export function NodeState({ node, soft }: { node: Pick<NodeRow, "state" | "lastSeenMs">; soft?: boolean }) {
  const { state, because } = node.state;
  return (
    <Tooltip content={because}>
      <span tabIndex={-1} className="inline-flex">
        <StateMark state={state} soft={soft} age={state === "silent" && node.lastSeenMs !== null ? <Age at={node.lastSeenMs} className="min-w-0" /> : null} />
      </span>
    </Tooltip>
  );
}

/** Whether the scheduler may use the node, where that is not the normal case. */
export function DesiredBadge({ desiredState }: { desiredState: NodeRow["desiredState"] }) {
  if (desiredState === "active") return null;
  return (
    <Tooltip content={desiredStateMeaning[desiredState]}>
      <span tabIndex={-1} className="inline-flex">
        <Badge tone="outline">{desiredStateWords[desiredState]}</Badge>
      </span>
    </Tooltip>
  );
}

/** The columns of the list of nodes; `withSite` is off where the list is of one site. */
export function nodeColumns(project: string, withSite = true): Column<NodeRow>[] {
  return [
    {
      id: "name",
      header: "Node",
      width: { min: 168, grow: 3 },
      serverSort: true,
      sortValue: (node) => node.name,
      narrow: "title",
      cell: (node) => (
        <span className="flex min-w-0 items-center gap-2">
          <Link href={routes.node(project, node.name)} className="truncate font-medium hover:underline">
            {node.name}
          </Link>
          <DesiredBadge desiredState={node.desiredState} />
        </span>
      ),
    },
    {
      id: "state",
      header: "State",
      width: { min: 120, grow: 1 },
      serverSort: true,
      sortValue: (node) => node.state.state,
      narrow: "aside",
      cell: (node) => <NodeState node={node} />,
    },
    ...(withSite
      ? [
          {
            id: "site",
            header: "Site",
            width: { min: 120, grow: 2 },
            serverSort: true,
            sortValue: (node: NodeRow) => node.siteTitle,
            narrow: "line" as const,
            cell: (node: NodeRow) => (
              <Link href={routes.site(project, node.site)} className="hover:underline">
                {node.siteTitle}
              </Link>
            ),
          },
        ]
      : []),
    {
      id: "units",
      header: "Units",
      hint: "Healthy of those desired here. A range while the node is silent.",
      width: { min: 74 },
      numeric: true,
      cell: (node) => <IntervalCount atLeast={node.units.min} atMost={node.units.max} of={node.units.total} className="max-sm:after:content-['_units']" />,
    },
    {
      id: "cpu",
      header: "CPU in use",
      hint: "Of the whole machine, as last reported.",
      width: { min: 118, grow: 1 },
      serverSort: true,
      narrow: "hidden",
      cell: (node) => (
        <span className="flex items-center gap-2">
          <Meter value={node.cpuShare} of={1} label={`CPU in use on ${node.name}`} />
          <span className="tnum text-muted-foreground">{node.cpuShare === null ? "unknown" : shareText(node.cpuShare)}</span>
        </span>
      ),
    },
    {
      id: "assigned",
      header: "CPU assigned",
      hint: "Cores that units here may use, of those the node offers.",
      width: { min: 96 },
      numeric: true,
      narrow: "hidden",
      cell: (node) => (
        <span>
          {coresText(node.cpuMillis.assigned)} <span className="text-muted-foreground">of {coresText(node.cpuMillis.offered)}</span>
        </span>
      ),
    },
    {
      id: "memory",
      header: "Memory assigned",
      width: { min: 132, grow: 1 },
      serverSort: true,
      numeric: true,
      narrow: "hidden",
      cell: (node) => (
        <span>
          {bytesText(node.memoryBytes.assigned)} <span className="text-muted-foreground">of {bytesText(node.memoryBytes.offered)}</span>
        </span>
      ),
    },
    {
      id: "devices",
      header: "Devices",
      width: { min: 84, grow: 1 },
      narrow: "hidden",
      cell: (node) => (node.devices.length > 0 ? node.devices.join(", ") : <span className="text-muted-foreground">none</span>),
    },
    {
      id: "trust",
      header: "Trust",
      hint: "How the node proves its identity.",
      width: { min: 88 },
      narrow: "hidden",
      cell: (node) => trustWords[node.trustTier],
    },
    {
      id: "lastSeen",
      header: "Heard",
      hint: "Since the node's last word.",
      width: { min: 62 },
      serverSort: true,
      numeric: true,
      narrow: "line",
      cell: (node) => <Age at={node.lastSeenMs} className="min-w-0 text-muted-foreground" />,
    },
  ];
}
