"use client";

import { useQuery } from "@tanstack/react-query";
import { NotLoaded } from "@/components/state/query-states";
import Link from "@/components/ui/link";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age, At, StateShape } from "@/components/state";
import { Alert } from "@/components/ui/alert";
import { buttonStyle } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { PageBody, PageHead, Section } from "@/components/ui/page";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import type { HomeView } from "@/server/core/views";
import { Changes } from "./changes";
import { Counts } from "./counts";
import { SitesByContact } from "./sites-by-contact";
import { WorkloadsNow } from "./workloads-now";

/** Home: what needs this person first, then how things stand, then what changed. */
export function HomePage() {
  const { project } = useProject();
  const trpc = useTRPC();
  const query = useQuery(trpc.home.get.queryOptions({ project }));
  const home = query.data;
  return (
    <>
      <PageHead title="Home" purpose={home ? summary(home) : "What needs you, how things stand, what changed."} />
      {!home ? (
        query.isPending ? (
          <HomeSkeleton />
        ) : (
          <NotLoaded title="Home could not be loaded" query={query} />
        )
      ) : home.sites.length === 0 ? (
        <FirstSteps project={project} />
      ) : (
        <PageBody>
          {query.isError ? (
            <Alert tone="silent" title={<>This is how things stood at <At at={home.asOfMs} /></>}>
              {explain(query.error).message}
            </Alert>
          ) : null}
          <div className="grid grid-cols-[minmax(0,1fr)_minmax(300px,380px)] gap-4 max-lg:grid-cols-1">
            <div className="flex min-w-0 flex-col gap-4">
              <NeedsMe needs={home.needsMe} />
              <WorkloadsNow project={project} workloads={home.workloads} />
              <Changes changes={home.changes} project={project} />
            </div>
            <div className="flex min-w-0 flex-col gap-4 max-lg:order-first max-lg:contents">
              <Counts home={home} project={project} />
              <SitesByContact sites={home.sites} project={project} />
            </div>
          </div>
        </PageBody>
      )}
    </>
  );
}

/** How things stand, in one sentence. */
function summary(home: HomeView): string {
  const nodes = Object.values(home.nodes).reduce<number>((sum, count) => sum + (count ?? 0), 0);
  const silent = home.nodes.silent ?? 0;
  const ready = home.unitsReady;
  const units = ready.min === ready.max ? `${ready.min} of ${ready.total}` : `${ready.min} to ${ready.max} of ${ready.total}`;
  return `${units} units are ready on ${nodes} ${nodes === 1 ? "node" : "nodes"} in ${home.sites.length} ${home.sites.length === 1 ? "site" : "sites"}${
    silent > 0 ? `; ${silent} ${silent === 1 ? "node is" : "nodes are"} silent` : ""
  }.`;
}

function NeedsMe({ needs }: { needs: HomeView["needsMe"] }) {
  return (
    <Section title="Needs you" aside={needs.length > 0 ? <span className="tnum">{needs.length}</span> : null} flush>
      {needs.length === 0 ? (
        <p className="px-3 py-2.5 text-sm text-muted-foreground">
          Nothing needs you now. Failing and silent nodes, rollouts that hold and approvals that wait for you appear here first.
        </p>
      ) : (
        <ul className="divide-y divide-border">
          {needs.map((need, index) => (
            <li key={`${need.href}${index}`}>
              <Link href={need.href} className="flex min-h-8 items-start gap-2.5 px-3 py-1.5 text-base hover:bg-accent/60">
                <StateShape state={need.severity} label={need.severity} className="mt-1" />
                <span className="min-w-0 flex-1">{need.text}</span>
                {need.sinceMs !== null ? <Age at={need.sinceMs} className="shrink-0 text-right text-sm text-muted-foreground" /> : null}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function FirstSteps({ project }: { project: string }) {
  return (
    <EmptyState
      title="This project has no site yet"
      action={
        <>
          <Link href={routes.workloadNew(project)} className={buttonStyle({ variant: "primary" })}>
            Apply a Site manifest
          </Link>
          <Link href={routes.settingsPart(project, "join")} className={buttonStyle()}>
            Enrol a machine
          </Link>
        </>
      }
    >
      <p>
        Holdfast shows and steers compute at many places. A site says where machines stand and how they are connected; an agent on each machine
        dials out to this console. First apply a manifest of kind Site, then enrol a machine there, then apply a Workload.
      </p>
    </EmptyState>
  );
}

function HomeSkeleton() {
  return (
    <Loading what="Home">
      <PageBody>
        <div className="grid grid-cols-[minmax(0,1fr)_minmax(300px,380px)] gap-4 max-lg:grid-cols-1">
          <div className="flex flex-col gap-4">
            {[4, 3, 8].map((rows) => (
              <div key={rows} className="rounded-md border bg-card pt-9">
                <SkeletonRows rows={rows} columns={3} />
              </div>
            ))}
          </div>
          <div className="flex flex-col gap-4">
            {[5, 6].map((rows) => (
              <div key={rows} className="rounded-md border bg-card pt-9">
                <SkeletonRows rows={rows} columns={2} />
              </div>
            ))}
          </div>
        </div>
      </PageBody>
    </Loading>
  );
}
