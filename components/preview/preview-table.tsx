"use client";

import { useState } from "react";
import Link from "@/components/ui/link";
import { routes } from "@/components/routes";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import { kindWord, type PreviewKind, type PreviewRow } from "./rows";

const tone: Record<PreviewKind, "failing" | "degraded" | "accent" | "outline" | "neutral"> = { impossible: "failing", stays: "degraded", moves: "accent", gone: "neutral", added: "outline", waits: "outline" };
const PAGE = 25;

/** Unit by unit: what becomes of it, from where to where, and why. */
export function PreviewTable({ project, rows, hidden }: { project: string; rows: readonly PreviewRow[]; hidden: number }) {
  const [page, setPage] = useState(0);
  const pages = Math.max(1, Math.ceil(rows.length / PAGE));
  const at = Math.min(page, pages - 1);
  const shown = rows.slice(at * PAGE, (at + 1) * PAGE);
  return (
    <div className="@container">
      <Table label="What becomes of which unit">
        <thead>
          <tr>
            <Th>What</Th>
            <Th>Unit</Th>
            <Th className="w-2/5 @max-lg:hidden">Node</Th>
          </tr>
        </thead>
        <tbody>
          {shown.map((r) => (
            <Tr key={r.id} className="align-top">
              <Td className="w-px py-1.5 align-top">
                <Badge tone={tone[r.kind]}>{kindWord[r.kind]}</Badge>
                {r.makesWay ? <span className="mt-0.5 block whitespace-nowrap text-2xs text-muted-foreground">makes way</span> : null}
              </Td>
              <Td className="py-1.5 align-top [overflow-wrap:anywhere]">
                <span className="font-medium">{r.unit}</span>
                {r.becomes ? <span className="text-muted-foreground"> becomes {r.becomes}</span> : null}
                {r.from || r.to ? (
                  <span className="block text-sm @lg:hidden">
                    <Way project={project} row={r} />
                  </span>
                ) : null}
                <span className="block text-xs text-muted-foreground">{r.because}</span>
              </Td>
              <Td className="py-1.5 align-top [overflow-wrap:anywhere] @max-lg:hidden">
                {r.from || r.to ? <Way project={project} row={r} /> : <span className="text-muted-foreground">none</span>}
              </Td>
            </Tr>
          ))}
        </tbody>
      </Table>
      {pages > 1 || hidden > 0 ? (
        <div className="flex min-h-8 flex-wrap items-center gap-2 border-t px-3 py-1 text-xs text-muted-foreground">
          <span className="tnum">
            {at * PAGE + 1} to {at * PAGE + shown.length} of {rows.length + hidden} units
          </span>
          {hidden > 0 ? <span>The first {rows.length} are listed; the counts cover all.</span> : null}
          {pages > 1 ? (
            <span className="ml-auto flex gap-1.5">
              <Button size="sm" disabledReason={at === 0 ? "These are the first." : null} onClick={() => setPage(at - 1)}>
                Back
              </Button>
              <Button size="sm" disabledReason={at === pages - 1 ? "These are the last." : null} onClick={() => setPage(at + 1)}>
                Next
              </Button>
            </span>
          ) : null}
        </div>
      ) : null}
    </div>
  );
}

/** From where to where; in a narrow place it stands below the unit instead of in a column of its own. */
const Way = ({ project, row: r }: { project: string; row: PreviewRow }) => (
  <>
    {r.from ? <NodeLink project={project} name={r.from} /> : null}
    {r.from && r.to ? <Arrow /> : null}
    {r.to ? <NodeLink project={project} name={r.to} /> : null}
  </>
);

const NodeLink = ({ project, name }: { project: string; name: string }) => (
  <Link href={routes.node(project, name)} className="hover:underline">
    {name}
  </Link>
);

export const Arrow = () => (
  <>
    <span aria-hidden className="text-muted-foreground">
      {" → "}
    </span>
    <span className="sr-only"> to </span>
  </>
);
