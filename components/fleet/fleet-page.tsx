"use client";

import dynamic from "next/dynamic";
import Link from "@/components/ui/link";
import { useRouter } from "next/navigation";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { MapPin, Plus } from "lucide-react";
import { parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { ListWithPane, SidePane } from "@/components/shell/side-pane";
import { Age, IntervalCount, StateMark, states, type State } from "@/components/state";
import { DataTable, type ServerSort } from "@/components/table/data-table";
import { FilterField, useFilter, type FilterFieldSpec } from "@/components/table/filter-field";
import { usePages } from "@/components/table/use-pages";
import { Button, buttonStyle } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { PageHead } from "@/components/ui/page";
import { useDebounced } from "@/components/shell/use-debounced";
import { NodeState, nodeColumns } from "./node-columns";
import { StateTallies } from "./state-tallies";
import { siteKindWords } from "./words";

// What stands in the pane is fetched when the pane is opened.
const NodePane = dynamic(() => import("./node-pane").then((module) => module.NodePane), { ssr: false });

const sortKeys = ["name", "site", "state", "lastSeen", "cpu", "memory"] as const;
type SortKey = (typeof sortKeys)[number];
const sorts = sortKeys.flatMap((key) => [key, `-${key}`] as const);

/** The inventory: every node with its state, filter and groups in the URL, one node open at the side. */
export function FleetPage() {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const router = useRouter();
  const sites = useQuery(trpc.fleet.sites.queryOptions({ project }));
  const fields: FilterFieldSpec[] = [
    { name: "state", meaning: "healthy, degraded, failing, silent or pending", values: states },
    { name: "site", meaning: "where it stands", values: (sites.data ?? []).map((site) => site.name) },
  ];
  const { text, setText, filter } = useFilter(fields);
  const [view, setView] = useQueryStates(
    { node: parseAsString, sort: parseAsStringLiteral(sorts), group: parseAsStringLiteral(["site", "none"]).withDefault("site") },
    { history: "replace" },
  );
  const settled = useDebounced(filterInput(filter), 150);
  const grouped = view.group === "site";
  const query = useInfiniteQuery({
    ...trpc.fleet.nodes.infiniteQueryOptions(
      { project, limit: 100, ...settled, sort: view.sort ?? (grouped ? "site" : "name") },
      { getNextPageParam: (page) => page.nextCursor },
    ),
    placeholderData: keepPreviousData,
  });
  const pages = usePages(query);
  const bySite = new Map((sites.data ?? []).map((site) => [site.name, site]));
  const open = pages.rows.find((row) => row.name === view.node);
  const sort: ServerSort | null = view.sort ? { column: view.sort.replace(/^-/, ""), descending: view.sort.startsWith("-") } : null;
  const enrol = (
    <Button variant="primary" disabledReason={why("fleet.enrol")} onClick={() => router.push(`${routes.settingsPart(project, "join")}?new=true`)}>
      <Plus aria-hidden /> Enrol a machine
    </Button>
  );
  return (
    <ListWithPane
      head={
        <PageHead title="Fleet" purpose="Every machine with an agent: what it should run, and what it last said." actions={enrol} className="pb-2.5">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
            <FilterField label="Filter nodes" text={text} onText={setText} fields={fields} placeholder="Filter: a name, state:silent, site:…" className="w-80 max-sm:w-full" />
            <StateTallies project={project} text={text} onText={setText} />
            <Button
              size="sm"
              variant="ghost"
              className="ml-auto"
              aria-pressed={grouped}
              onClick={() => void setView({ group: grouped ? "none" : "site" })}
            >
              <MapPin aria-hidden /> {grouped ? "Grouped by site" : "Not grouped"}
            </Button>
          </div>
        </PageHead>
      }
      pane={
        <SidePane
          open={view.node !== null}
          onClose={() => void setView({ node: null })}
          title={view.node ?? ""}
          mark={open ? <NodeState node={open} soft /> : null}
          href={routes.node(project, view.node ?? "")}
        >
          {view.node !== null ? <NodePane name={view.node} /> : null}
        </SidePane>
      }
    >
      <DataTable
        {...pages}
        label="nodes"
        columns={nodeColumns(project, !grouped)}
        idOf={(node) => node.name}
        filtered={text !== ""}
        orderKey={`${text}|${view.sort ?? ""}|${view.group}`}
        activeId={view.node}
        onActive={(node) => void setView({ node })}
        onOpen={(node) => router.push(routes.node(project, node.name))}
        isFaded={(node) => node.state.state === "silent"}
        sort={sort}
        onSort={(next) => void setView({ sort: next && isSortKey(next.column) ? `${next.descending ? "-" : ""}${next.column}` : null })}
        groupBy={grouped ? (node) => node.site : undefined}
        groupHead={(key, rows) => {
          const site = bySite.get(key);
          return (
            <>
              <span className="truncate">{site?.title ?? rows[0]?.siteTitle ?? key}</span>
              {site ? (
                <span className="flex min-w-0 items-center gap-3 text-xs font-normal text-muted-foreground">
                  <StateMark state={site.state.state} className="text-xs" />
                  <span className="truncate max-sm:hidden">
                    {siteKindWords[site.kind]}, {site.jurisdiction}
                    {site.place ? `, ${site.place}` : ""}
                  </span>
                  <span className="max-sm:hidden">
                    <IntervalCount atLeast={site.nodes.min} atMost={site.nodes.max} of={site.nodes.total} word="nodes" />
                  </span>
                  <span>
                    heard <Age at={site.lastContactMs} className="min-w-0" />
                  </span>
                </span>
              ) : null}
            </>
          );
        }}
        empty={
          <EmptyState
            title="No machine has joined yet"
            action={
              <>
                {enrol}
                <Link href={routes.workloadNew(project)} className={buttonStyle()}>
                  Apply a Site manifest
                </Link>
              </>
            }
          >
            <p>
              The fleet is every machine that runs a Holdfast agent. An agent dials out to the gateway, so a machine needs no open port. Make a
              join token, run the command it gives you on the machine, and the node appears here within seconds.
            </p>
          </EmptyState>
        }
      />
    </ListWithPane>
  );
}

function isSortKey(column: string): column is SortKey {
  return (sortKeys as readonly string[]).includes(column);
}

/** What the server filters by: one state, one site, and words. */
function filterInput(filter: ReturnType<typeof useFilter>["filter"]): { q?: string; state?: State; site?: string } {
  const one = (field: string) => filter.terms.filter((term) => term.field === field && !term.not).at(-1)?.value;
  const state = one("state");
  const site = one("site");
  return {
    ...(filter.text.length > 0 ? { q: filter.text.join(" ") } : {}),
    ...(state && (states as readonly string[]).includes(state) ? { state: state as State } : {}),
    ...(site ? { site } : {}),
  };
}
