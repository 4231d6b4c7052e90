"use client";

import { useRouter } from "next/navigation";
import Link from "@/components/ui/link";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { useDebounced } from "@/components/shell/use-debounced";
import { Age } from "@/components/state";
import { DataTable, type Column } from "@/components/table/data-table";
import { usePages } from "@/components/table/use-pages";
import { Button } from "@/components/ui/button";
import { Choice } from "@/components/ui/choice";
import { EmptyState } from "@/components/ui/empty-state";
import { Input } from "@/components/ui/input";
import { PageHead } from "@/components/ui/page";
import type { RouterOutputs } from "@/server/trpc";
import { kindWords, policyKinds } from "./kinds";

type Row = RouterOutputs["manifests"]["objects"]["items"][number];

/** Everything declarative that is not a workload: policies, strategies, templates, sites. */
export function PoliciesPage() {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const router = useRouter();
  const [view, setView] = useQueryStates({ kind: parseAsStringLiteral(policyKinds).withDefault("PlacementPolicy"), q: parseAsString.withDefault("") }, { history: "replace" });
  const q = useDebounced(view.q.trim(), 150);
  const pages = usePages(
    useInfiniteQuery({ ...trpc.manifests.objects.infiniteQueryOptions({ project, kind: view.kind, limit: 100, ...(q ? { q } : {}) }, { getNextPageParam: (page) => page.nextCursor }), placeholderData: keepPreviousData }),
  );
  const words = kindWords[view.kind];
  const create = (
    <Button variant="primary" disabledReason={why("manifests.apply")} onClick={() => router.push(`${routes.policyNew(project)}?kind=${view.kind}`)}>
      <Plus aria-hidden /> New {words.one}
    </Button>
  );
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageHead title="Policies" purpose={`${words.plural}: ${words.purpose}.`} actions={create} className="pb-2.5">
        <Choice label="Kinds" value={view.kind} onChange={(kind) => void setView({ kind, q: null })} options={policyKinds.map((kind) => ({ value: kind, label: kindWords[kind].plural }))} />
        <Input aria-label={`Filter ${words.plural}`} placeholder="Filter by a part of the name" className="w-72 max-sm:w-full" value={view.q} onChange={(e) => void setView({ q: e.target.value || null })} />
      </PageHead>
      <DataTable
        {...pages}
        key={view.kind}
        label={words.plural.toLowerCase()}
        columns={columns(project)}
        idOf={(o) => o.id}
        filtered={q !== ""}
        orderKey={`${view.kind}${q}`}
        onOpen={(o) => router.push(addressOf(project, o))}
        onActive={(id) => {
          const row = pages.rows.find((o) => o.id === id);
          if (row) router.push(addressOf(project, row));
        }}
        empty={
          <EmptyState title={`There is no ${words.one} yet`} action={create}>
            <p>
              A {words.one} says {words.purpose}. It is a manifest with revisions like everything else: edited here, by <code>holdfast apply</code>, or by the API.
            </p>
          </EmptyState>
        }
      />
    </div>
  );
}

const addressOf = (project: string, o: Row): string => `${routes.policy(project, o.name)}?kind=${o.kind}`;

const columns = (project: string): Column<Row>[] => [
  { id: "name", header: "Name", width: { min: 180, grow: 2 }, narrow: "title", sortValue: (o) => o.name, cell: (o) => <Link href={addressOf(project, o)} className="truncate font-medium hover:underline">{o.title ?? o.name}</Link> },
  { id: "summary", header: "What it says", width: { min: 220, grow: 4 }, narrow: "line", cell: (o) => <span className="truncate text-muted-foreground" title={o.summary}>{o.summary}</span> },
  { id: "used", header: "Used by", width: { min: 140, grow: 2 }, narrow: "hidden", cell: (o) => (o.usedBy.length === 0 ? <span className="text-muted-foreground">nothing</span> : <span className="truncate">{o.usedBy.join(", ")}</span>) },
  { id: "revision", header: "Revision", width: { min: 68 }, numeric: true, narrow: "aside", cell: (o) => <span className="tnum">r{o.generation}</span> },
  { id: "author", header: "By", width: { min: 110, grow: 1 }, narrow: "hidden", cell: (o) => <span className="truncate">{o.author}</span> },
  { id: "changed", header: "Changed", width: { min: 76 }, numeric: true, narrow: "hidden", sortValue: (o) => o.updatedAtMs, cell: (o) => <Age at={o.updatedAtMs} className="text-right" /> },
];
