"use client";

import Link from "@/components/ui/link";
import { useRouter } from "next/navigation";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { useDebounced } from "@/components/shell/use-debounced";
import { Age, At, StateMark } from "@/components/state";
import { DataTable, type Column } from "@/components/table/data-table";
import { usePages } from "@/components/table/use-pages";
import { Button, buttonStyle } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { Input, NativeSelect } from "@/components/ui/input";
import { PageHead } from "@/components/ui/page";
import { auditActionCodes } from "@/server/core/audit/actions";
import type { AuditRow } from "@/server/core/views";

const outcomes = ["done", "refused"] as const;
const spans = { "1h": 3_600_000, "24h": 86_400_000, "7d": 604_800_000, "30d": 2_592_000_000 } as const;

/** Who did what to what, refused ones included, newest first; filters in the URL, export of exactly what is filtered. */
export function AuditPage() {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const router = useRouter();
  const [view, setView] = useQueryStates(
    { actor: parseAsString.withDefault(""), action: parseAsString.withDefault(""), object: parseAsString.withDefault(""), outcome: parseAsStringLiteral(outcomes), since: parseAsStringLiteral(Object.keys(spans) as (keyof typeof spans)[]) },
    { history: "replace" },
  );
  const barred = why("audit.read");
  const text = useDebounced(JSON.stringify({ actor: view.actor.trim(), object: view.object.trim() }), 200);
  const { actor, object } = JSON.parse(text) as { actor: string; object: string };
  // The start of the span is rounded, so that the same question keeps the same name for a minute.
  const fromMs = view.since ? Math.floor((Date.now() - spans[view.since]) / 60_000) * 60_000 : undefined;
  const filter = { ...(actor ? { actor } : {}), ...(object ? { object } : {}), ...(view.action ? { action: view.action } : {}), ...(view.outcome ? { outcome: view.outcome } : {}), ...(fromMs ? { fromMs } : {}) };
  const pages = usePages(
    useInfiniteQuery({ ...trpc.audit.list.infiniteQueryOptions({ project, limit: 100, ...filter }, { getNextPageParam: (page) => page.nextCursor }), placeholderData: keepPreviousData, enabled: barred === null }),
  );
  const exportUrl = (format: "csv" | "jsonl") => `/api/audit/export?${new URLSearchParams({ project, format, ...Object.fromEntries(Object.entries(filter).map(([k, v]) => [k, String(v)])) }).toString()}`;
  const filtered = Object.keys(filter).length > 0;
  if (barred) {
    return (
      <>
        <PageHead title="Audit" />
        <EmptyState title="The audit log is not open to you">
          <p>{barred} What you do yourself is recorded there too.</p>
        </EmptyState>
      </>
    );
  }
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageHead
        title="Audit"
        purpose="Every command, done or refused: who, what, when, and why. Entries can be added and never changed."
        className="pb-2.5"
        actions={
          <>
            <a className={buttonStyle()} href={exportUrl("csv")} download>
              <Download aria-hidden /> CSV
            </a>
            <a className={buttonStyle()} href={exportUrl("jsonl")} download>
              <Download aria-hidden /> JSON lines
            </a>
          </>
        }
      >
        <div className="flex flex-wrap items-center gap-2">
          <Input aria-label="Actor" placeholder="Who" className="w-40 max-sm:w-full" value={view.actor} onChange={(e) => void setView({ actor: e.target.value || null })} />
          <NativeSelect aria-label="Action" className="w-52 max-sm:w-full" value={view.action} onChange={(e) => void setView({ action: e.target.value || null })}>
            <option value="">Any action</option>
            {[...auditActionCodes].sort().map((code) => (
              <option key={code} value={code}>
                {code}
              </option>
            ))}
          </NativeSelect>
          <Input aria-label="Object" placeholder="What it was done to" className="w-48 max-sm:w-full" value={view.object} onChange={(e) => void setView({ object: e.target.value || null })} />
          <NativeSelect aria-label="Outcome" className="w-32" value={view.outcome ?? ""} onChange={(e) => void setView({ outcome: (e.target.value || null) as (typeof outcomes)[number] | null })}>
            <option value="">Any outcome</option>
            <option value="done">Done</option>
            <option value="refused">Refused</option>
          </NativeSelect>
          <NativeSelect aria-label="Time" className="w-36" value={view.since ?? ""} onChange={(e) => void setView({ since: (e.target.value || null) as keyof typeof spans | null })}>
            <option value="">All time</option>
            <option value="1h">Last hour</option>
            <option value="24h">Last 24 hours</option>
            <option value="7d">Last 7 days</option>
            <option value="30d">Last 30 days</option>
          </NativeSelect>
          {filtered ? (
            <Button variant="ghost" onClick={() => void setView({ actor: null, action: null, object: null, outcome: null, since: null })}>
              Clear
            </Button>
          ) : null}
        </div>
      </PageHead>
      <DataTable
        {...pages}
        label="entries"
        columns={columns(project)}
        idOf={(e) => e.seq}
        filtered={filtered}
        orderKey={JSON.stringify(filter)}
        onOpen={(e) => router.push(routes.auditEntry(project, e.seq))}
        onActive={(seq) => {
          if (seq) router.push(routes.auditEntry(project, seq));
        }}
        empty={
          <EmptyState title="Nothing is recorded yet">
            <p>Every command leaves an entry here in the same transaction as its effect, and refused ones leave one too.</p>
          </EmptyState>
        }
      />
    </div>
  );
}

const columns = (project: string): Column<AuditRow>[] => [
  { id: "at", header: "When", width: { min: 92 }, narrow: "line", cell: (e) => <At at={e.atMs} className="text-muted-foreground" /> },
  { id: "sentence", header: "What happened", width: { min: 320, grow: 6 }, narrow: "title", cell: (e) => <Link href={routes.auditEntry(project, e.seq)} className="truncate hover:underline">{e.sentence}</Link> },
  { id: "outcome", header: "Outcome", width: { min: 96 }, narrow: "aside", cell: (e) => <StateMark state={e.outcome === "done" ? "healthy" : "failing"} word={e.outcome} /> },
  { id: "code", header: "Code", width: { min: 150, grow: 1 }, narrow: "hidden", cell: (e) => <code className="truncate text-xs">{e.action}</code> },
  { id: "proof", header: "Proved by", width: { min: 86 }, narrow: "hidden", cell: (e) => <span className="text-muted-foreground">{e.strength ?? (e.actorKind === "system" ? "the system" : "–")}</span> },
  { id: "age", header: "Age", width: { min: 60 }, numeric: true, narrow: "hidden", cell: (e) => <Age at={e.atMs} className="text-right" /> },
  { id: "seq", header: "No.", width: { min: 70 }, numeric: true, narrow: "hidden", cell: (e) => <span className="tnum text-muted-foreground">{e.seq}</span> },
];
