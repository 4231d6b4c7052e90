"use client";

import { LastLoaded, NotLoaded } from "@/components/state/query-states";
import Link from "@/components/ui/link";
import { useQuery } from "@tanstack/react-query";
import { parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age } from "@/components/state";
import { buttonStyle } from "@/components/ui/button-style";
import { Choice } from "@/components/ui/choice";
import { cn } from "@/components/ui/cn";
import { Command } from "@/components/ui/copy-button";
import { EmptyState } from "@/components/ui/empty-state";
import { PageBody, PageHead, Section } from "@/components/ui/page";
import { PlainTable } from "@/components/ui/plain-table";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import { Tooltip } from "@/components/ui/tooltip";
import { amountOf, barText, quotaBar, resourceName, shareWords, type Quota, type QuotaResource } from "./words";

const reclaimWords = { never: "never stops others to take back what is its own", lowerPriority: "takes back what is its own from units of lower priority", any: "takes back what is its own from any unit" } as const;

/** Quotas as a tree: what each is due, has, borrowed and waits for, as bars or as a table. */
export function QuotasPage() {
  const { project } = useProject();
  const trpc = useTRPC();
  const [view, setView] = useQueryStates({ as: parseAsStringLiteral(["bars", "table"] as const).withDefault("bars"), quota: parseAsString }, { history: "replace" });
  const query = useQuery(trpc.placement.quotas.queryOptions({ project }));
  const quotas = query.data?.quotas;
  const create = (
    <Link href={`${routes.policyNew(project)}?kind=Quota`} className={buttonStyle({ variant: quotas?.length === 0 ? "primary" : "secondary" })}>
      {quotas?.length === 0 ? "Write the first quota" : "New quota"}
    </Link>
  );
  return (
    <>
      <PageHead
        title="Quotas"
        purpose="How much of the fleet each quota is due, has, has borrowed, and waits for."
        actions={
          <>
            <Link href={routes.queue(project)} className={buttonStyle()}>
              Queue
            </Link>
            {quotas && quotas.length > 0 ? create : null}
          </>
        }
      />
      {!quotas ? (
        query.isPending ? (
          <Loading what="the quotas">
            <PageBody>
              <div className="rounded-md border bg-card">
                <SkeletonRows rows={8} columns={4} />
              </div>
            </PageBody>
          </Loading>
        ) : (
          <NotLoaded title="The quotas could not be loaded" query={query} />
        )
      ) : quotas.length === 0 ? (
        <EmptyState title="There is no quota yet" action={create}>
          <p>A quota says how much of the fleet the workloads that name it may use. Quotas with one parent lend each other what they do not use, and take back what is their own when they need it. Without a quota only room limits a workload.</p>
        </EmptyState>
      ) : (
        <PageBody>
          <LastLoaded query={query} />
          <Section title="Tree" hint="each parent before its children" aside={<Age at={query.data?.asOfMs ?? null} suffix="ago" className="min-w-0" />} flush>
            <div className="flex flex-wrap items-center gap-3 px-3">
              <Choice label="Shown as" value={view.as} onChange={(as) => void setView({ as })} options={[{ value: "bars", label: "Bars" }, { value: "table", label: "Table" }]} className="flex-1" />
            </div>
            {view.as === "bars" ? <Bars project={project} quotas={quotas} chosen={view.quota} /> : <AsTable project={project} quotas={quotas} chosen={view.quota} />}
          </Section>
          <Command label="The same at the command line" text={`holdfast quotas --project ${project}`} />
        </PageBody>
      )}
    </>
  );
}

const addressOf = (project: string, q: Quota): string => `${routes.policy(project, q.name)}?kind=Quota`;
const indent = (depth: number): { paddingInlineStart: string } => ({ paddingInlineStart: `${Math.min(depth, 6) * 16}px` });

function Name({ project, quota: q }: { project: string; quota: Quota }) {
  return (
    <Link href={addressOf(project, q)} className="font-medium hover:underline">
      {q.name}
    </Link>
  );
}

function Share({ quota: q }: { quota: Quota }) {
  return (
    <Tooltip content={`Dominant share: the largest, over resources, of what it borrows of all that its tree lends, divided by its weight (${q.weight}). Who has the smaller share goes first. It ${reclaimWords[q.reclaim]}.`}>
      <span tabIndex={0} className="tnum text-xs text-muted-foreground underline decoration-dotted underline-offset-2">
        {shareWords(q)}
      </span>
    </Tooltip>
  );
}

function Bars({ project, quotas, chosen }: { project: string; quotas: readonly Quota[]; chosen: string | null }) {
  return (
    <>
      <ul className="divide-y divide-border" aria-label="Quotas">
        {quotas.map((q) => (
          <li key={q.name} className={cn("px-3 py-2", q.name === chosen && "bg-primary-soft")} aria-current={q.name === chosen ? "true" : undefined}>
            <div style={indent(q.depth)}>
              <p className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5 text-sm">
                <Name project={project} quota={q} /> <Share quota={q} />
                <span className="min-w-0 text-xs text-muted-foreground">
                  {q.workloads.length === 0 ? "no workload counts in it itself" : (
                    <>
                      {q.workloads.slice(0, 6).map((w, i) => (
                        <span key={w}>
                          {i > 0 ? ", " : ""}
                          <Link href={routes.workload(project, w)} className="hover:underline">
                            {w}
                          </Link>
                        </span>
                      ))}
                      {q.workloads.length > 6 ? ` and ${q.workloads.length - 6} more` : ""}
                    </>
                  )}
                </span>
              </p>
              <div className="mt-1.5 grid grid-cols-[repeat(auto-fill,minmax(240px,1fr))] gap-x-6 gap-y-2">
                {q.resources.map((r) => (
                  <Bar key={r.resource} resource={r} />
                ))}
              </div>
            </div>
          </li>
        ))}
      </ul>
      <Legend />
    </>
  );
}

function Bar({ resource: r }: { resource: QuotaResource }) {
  const bar = quotaBar(r);
  const percent = (share: number) => `${share * 100}%`;
  const limits = [r.borrowingLimit === null ? null : `may borrow ${amountOf(r.resource, r.borrowingLimit)}`, r.lendingLimit === null ? null : `lends ${amountOf(r.resource, r.lendingLimit)} at most`].filter(Boolean).join("; ");
  return (
    <div className="min-w-0 text-xs">
      <p className="flex items-baseline justify-between gap-2">
        <span className="truncate">{resourceName(r.resource)}</span>
        <span className="tnum shrink-0 text-muted-foreground">
          {amountOf(r.resource, r.allocated)} of {amountOf(r.resource, r.nominal)}
        </span>
      </p>
      <Tooltip content={`${barText(r)}; ${amountOf(r.resource, r.available)} left${limits ? `; ${limits}` : ""}.`}>
        <div role="img" tabIndex={0} aria-label={barText(r)} className="relative mt-0.5 h-3">
          <span className="absolute inset-y-0.5 left-0 right-0 flex overflow-hidden rounded-sm bg-secondary">
            <span className="h-full bg-muted-foreground/80" style={{ width: percent(bar.own) }} />
            <span className="h-full bg-primary/70" style={{ width: percent(bar.borrowed) }} />
            <span className="hatched h-full" style={{ width: percent(bar.waiting) }} />
          </span>
          <span className="absolute inset-y-0 w-0.5 -translate-x-1/2 bg-foreground" style={{ left: percent(bar.nominal) }} />
          <span className="absolute inset-y-0 w-0 -translate-x-1/2 border-l-2 border-dotted border-foreground" style={{ left: percent(bar.deserved) }} />
        </div>
      </Tooltip>
      {r.borrowed > 0 || r.waiting > 0 ? (
        <p className="tnum mt-0.5 text-muted-foreground">
          {[r.borrowed > 0 ? `${amountOf(r.resource, r.borrowed)} borrowed` : null, r.waiting > 0 ? `${amountOf(r.resource, r.waiting)} waiting` : null].filter(Boolean).join(", ")}
        </p>
      ) : null}
    </div>
  );
}

function Legend() {
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1 border-t px-3 py-2 text-xs text-muted-foreground" aria-label="What the bars mean">
      <li className="flex items-center gap-1.5"><span aria-hidden className="h-2 w-4 rounded-sm bg-muted-foreground/80" /> in use of its own</li>
      <li className="flex items-center gap-1.5"><span aria-hidden className="h-2 w-4 rounded-sm bg-primary/70" /> borrowed</li>
      <li className="flex items-center gap-1.5"><span aria-hidden className="hatched h-2 w-4 rounded-sm" /> wanted by units that wait</li>
      <li className="flex items-center gap-1.5"><span aria-hidden className="h-3 w-0.5 bg-foreground" /> nominal: what is its own</li>
      <li className="flex items-center gap-1.5"><span aria-hidden className="h-3 w-0 border-l-2 border-dotted border-foreground" /> deserved: what it is due now, by need and weight</li>
      <li>Each bar ends at the largest of its figures.</li>
    </ul>
  );
}

function AsTable({ project, quotas, chosen }: { project: string; quotas: readonly Quota[]; chosen: string | null }) {
  const rows = quotas.flatMap((q) => q.resources.map((r) => ({ q, r })));
  const amount = (of: (r: QuotaResource) => number) => ({ q: _, r }: (typeof rows)[number]) => amountOf(r.resource, of(r));
  return (
    <PlainTable
      label="Quotas by resource"
      rows={rows}
      keyOf={({ q, r }) => `${q.name} ${r.resource}`}
      columns={[
        { head: "Quota", bare: true, className: ({ q }) => (q.name === chosen ? "bg-primary-soft" : undefined), cell: ({ q }) => <span style={indent(q.depth)} className="inline-block"><Name project={project} quota={q} /></span> },
        { head: "Resource", cell: ({ r }) => resourceName(r.resource) },
        { head: "Nominal", numeric: true, cell: amount((r) => r.nominal) },
        { head: "Deserved", numeric: true, cell: amount((r) => r.deserved) },
        { head: "Allocated", numeric: true, cell: amount((r) => r.allocated) },
        { head: "Borrowed", numeric: true, cell: amount((r) => r.borrowed) },
        { head: "Waiting", numeric: true, cell: amount((r) => r.waiting) },
        { head: "Left", numeric: true, cell: amount((r) => r.available) },
        { head: "Share", cell: ({ q }) => <Share quota={q} /> },
      ]}
    />
  );
}
