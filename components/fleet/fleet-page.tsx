"use client";

import { useEffect, useEffectEvent } from "react";
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
import { parseFilter, passes, type Filter, type FilterTerm } from "@/components/table/filter";
import type { NodeRow } from "@/server/core/views";
import { desiredStateWords, siteKindWords, trustWords } from "./words";

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
    { name: "kind", meaning: "of the site", values: [...new Set((sites.data ?? []).map((site) => site.kind))] },
    { name: "jurisdiction", meaning: "of the site", values: [...new Set((sites.data ?? []).map((site) => site.jurisdiction))] },
    { name: "use", meaning: "active, cordoned, draining or decommissioned", values: Object.keys(desiredStateWords) },
    { name: "trust", meaning: "how it proves its identity", values: Object.keys(trustWords) },
    { name: "label", meaning: "key=value" },
  ];
  const { text, setText, filter } = useFilter(fields);
  const [view, setView] = useQueryStates(
    { node: parseAsString, sort: parseAsStringLiteral(sorts), group: parseAsStringLiteral(["site", "none"]).withDefault("site") },
    { history: "replace" },
  );
  // Equal filters must stay the same object: the text is what rests.
  const settled = useDebounced(text, 150);
  const asked = split(settled === text ? filter : parseFilter(settled, fields.map((field) => field.name)));
  const grouped = view.group === "site";
  const query = useInfiniteQuery({
    ...trpc.fleet.nodes.infiniteQueryOptions(
      { project, limit: asked.here.length > 0 ? 200 : 100, ...asked.server, sort: view.sort ?? (grouped ? "site" : "name") },
      { getNextPageParam: (page) => page.nextCursor },
    ),
    placeholderData: keepPreviousData,
  });
  const pages = usePages(query);
  const rows = asked.here.length > 0 ? pages.rows.filter((node) => passes({ terms: asked.here, text: [] }, node, valuesOf, () => "")) : pages.rows;
  const { hasMore, loadingMore, onMore } = pages;
  const searching = asked.here.length > 0 && rows.length < 60 && hasMore;
  // What the server does not filter by is looked for page by page, until a screen is full. The outside system is the server.
  const lookOn = useEffectEvent(() => onMore());
  useEffect(() => {
    if (searching && !loadingMore) lookOn();
  }, [searching, loadingMore, pages.rows.length]);
  const bySite = new Map((sites.data ?? []).map((site) => [site.name, site]));
  const open = rows.find((row) => row.name === view.node);
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
        rows={rows}
        total={asked.here.length > 0 ? null : pages.total}
        nothingFound={searching ? <p className="px-4 py-5 text-muted-foreground">Looked through {pages.rows.length} of {pages.total} nodes so far.</p> : undefined}
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

/**
 * Divides a filter between the server and this page: the server knows one state, one site and words; the rest is
 * looked for in the rows.
 */
function split(filter: Filter): { server: { q?: string; state?: State; site?: string }; here: FilterTerm[] } {
  const only = (field: string) => {
    const terms = filter.terms.filter((term) => term.field === field);
    return terms.length === 1 && terms[0] && !terms[0].not ? terms[0].value : undefined;
  };
  const state = states.find((one) => one === only("state"));
  const site = only("site");
  return {
    server: {
      ...(filter.text.length > 0 ? { q: filter.text.join(" ") } : {}),
      ...(state ? { state } : {}),
      ...(site ? { site } : {}),
    },
    here: filter.terms.filter((term) => !(term.field === "state" && state) && !(term.field === "site" && site)),
  };
}

/** A node's values for a field of the filter. */
function valuesOf(node: NodeRow, field: string): readonly string[] {
  switch (field) {
    case "state":
      return [node.state.state];
    case "site":
      return [node.site];
    case "kind":
      return [node.siteKind];
    case "jurisdiction":
      return [node.jurisdiction];
    case "use":
      return [node.desiredState];
    case "trust":
      return [node.trustTier];
    case "label":
      return Object.entries(node.labels).flatMap(([key, value]) => [key, `${key}=${value}`]);
    default:
      return [];
  }
}
