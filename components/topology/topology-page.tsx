"use client";

import dynamic from "next/dynamic";
import { NotLoaded } from "@/components/state/query-states";
import Link from "@/components/ui/link";
import { useEffect } from "react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Network, Table2 } from "lucide-react";
import { parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { SidePane } from "@/components/shell/side-pane";
import { Age, StateMark } from "@/components/state";
import { useListKeys } from "@/components/table/use-list-keys";
import { Alert } from "@/components/ui/alert";
import { Button, buttonStyle } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { PageHead } from "@/components/ui/page";
import { Select } from "@/components/ui/select";
import { Loading, Skeleton } from "@/components/ui/skeleton";
import { TopologySitePane } from "./site-pane";
import { TopologyTable } from "./topology-table";

const CanvasSkeleton = () => (
  <Loading what="topology" className="grid flex-1 grid-cols-3 content-center justify-items-center gap-x-8 gap-y-16 p-8 max-sm:grid-cols-1">
    {[0, 1, 2, 3, 4, 5].map((box) => (
      <Skeleton key={box} className="h-28 w-full max-w-64 rounded-lg opacity-60" />
    ))}
  </Loading>
);
const Canvas = dynamic(() => import("./topology-canvas"), { ssr: false, loading: CanvasSkeleton });

/** Sites, links, nodes and workloads as a picture that lives, with its table twin. */
export function TopologyPage() {
  const { project } = useProject();
  const trpc = useTRPC();
  const [view, setView] = useQueryStates(
    {
      site: parseAsString,
      workload: parseAsString,
      as: parseAsStringLiteral(["picture", "table"]).withDefault("picture"),
      color: parseAsStringLiteral(["state", "jurisdiction"]).withDefault("state"),
    },
    { history: "replace" },
  );
  // What was there is kept while a workload's units are asked for: choosing one must not empty the picture.
  const query = useQuery({ ...trpc.fleet.topology.queryOptions({ project, workload: view.workload ?? undefined }), placeholderData: keepPreviousData });
  // The drawing code is fetched while the data is, not after it.
  useEffect(() => void import("./topology-canvas"), []);
  const data = query.data;
  const names = data?.sites.map((site) => site.name) ?? [];
  useListKeys(data !== undefined, {
    move: (by) => {
      const at = view.site === null ? (by > 0 ? -1 : names.length) : names.indexOf(view.site);
      const next = names[Math.min(names.length - 1, Math.max(0, at + by))];
      if (next) void setView({ site: next });
    },
    open: () => view.site !== null && window.location.assign(routes.site(project, view.site)),
    peek: () => undefined,
    select: () => undefined,
    close: () => {
      if (view.site === null) return false;
      void setView({ site: null });
      return true;
    },
  });
  const workloads = data?.workloads ?? [];
  const cut = (data?.sites ?? []).filter((site) => site.state.state === "silent");
  const open = data?.sites.find((site) => site.name === view.site);
  const table = view.as === "table";
  return (
    <>
      <PageHead
        title="Topology"
        purpose={
          cut.length > 0
            ? `${cut.map((site) => site.title).join(", ")} ${cut.length === 1 ? "is" : "are"} out of reach; what is drawn there is last known.`
            : "Where everything stands and how it is connected."
        }
        className="pb-2.5"
        actions={
          <>
            {data ? <span className="text-xs text-muted-foreground"><Age at={data.asOfMs} suffix="old" className="text-right" /></span> : null}
            <Select
              label="Workload to highlight"
              value={view.workload ?? "-"}
              onValueChange={(next) => void setView({ workload: next === "-" ? null : next })}
              options={[{ value: "-", label: "No workload highlighted" }, ...[...new Set([...workloads, ...(view.workload ? [view.workload] : [])])].map((name) => ({ value: name, label: name }))]}
            />
            <Select
              label="Colour by"
              value={view.color}
              onValueChange={(color) => void setView({ color })}
              options={[
                { value: "state", label: "Colour by state" },
                { value: "jurisdiction", label: "Colour by jurisdiction" },
              ]}
            />
            <Button aria-pressed={table} onClick={() => void setView({ as: table ? "picture" : "table" })}>
              {table ? <Network aria-hidden /> : <Table2 aria-hidden />} {table ? "As a picture" : "As a table"}
            </Button>
          </>
        }
      />
      {query.isError && data ? (
        <Alert tone="silent" className="mx-4 mb-2" title={<>This picture is <Age at={data.asOfMs} className="min-w-0" /> old</>}>
          {explain(query.error).message}
        </Alert>
      ) : null}
      <div className="flex min-h-0 flex-1 border-t">
        <div className="flex min-h-80 min-w-0 flex-1 flex-col overflow-y-auto">
          {!data ? (
            query.isPending ? (
              <CanvasSkeleton />
            ) : (
              <NotLoaded title="The topology could not be loaded" query={query} />
            )
          ) : data.sites.length === 0 ? (
            <EmptyState
              title="There is no site yet"
              action={
                <Link href={routes.workloadNew(project)} className={buttonStyle({ variant: "primary" })}>
                  Apply a Site manifest
                </Link>
              }
            >
              <p>A site is a place with location, jurisdiction and uplink; its manifest also declares its links to other sites. Sites, links and the machines that join appear here.</p>
            </EmptyState>
          ) : table ? (
            <TopologyTable view={data} project={project} workload={view.workload} />
          ) : (
            <Canvas view={data} workload={view.workload} colorBy={view.color} openSite={view.site} onOpen={(site) => void setView({ site })} />
          )}
        </div>
        {data ? (
          <SidePane
            open={view.site !== null}
            onClose={() => void setView({ site: null })}
            title={open?.title ?? view.site ?? ""}
            mark={open ? <StateMark state={open.state.state} soft /> : null}
            href={routes.site(project, view.site ?? "")}
          >
            <TopologySitePane view={data} name={view.site ?? ""} project={project} />
          </SidePane>
        ) : null}
      </div>
    </>
  );
}
