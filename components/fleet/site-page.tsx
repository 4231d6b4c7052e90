"use client";

import { LastLoaded, NotLoaded } from "@/components/state/query-states";
import Link from "@/components/ui/link";
import { useQuery } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { refusalOf } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { bytesText, coresText, latencyText, Meter } from "@/components/chart";
import { FollowChange } from "@/components/preview/follow-change";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age, At, IntervalCount, StateMark } from "@/components/state";
import { DataTable } from "@/components/table/data-table";
import { Badge } from "@/components/ui/badge";
import { Button, buttonStyle } from "@/components/ui/button";
import { Command, CopyButton } from "@/components/ui/copy-button";
import { EmptyState } from "@/components/ui/empty-state";
import { Facts, PageBody, PageHead, Section } from "@/components/ui/page";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import { Timeline } from "@/components/ui/timeline";
import { nodeColumns } from "./node-columns";
import { SiteActions } from "./site-actions";
import { siteKindWords } from "./words";

/** A site, whole: where it is, its links, its nodes, what runs there. */
export function SitePage({ name }: { name: string }) {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const router = useRouter();
  const query = useQuery(trpc.fleet.site.queryOptions({ project, name }));
  const site = query.data;
  const trail = [{ label: "Fleet", href: routes.fleet(project) }];
  if (!site) {
    return (
      <>
        <PageHead title={name} trail={trail} />
        {query.isPending ? (
          <Loading what={name}>
            <PageBody>
              <div className="rounded-md border bg-card">
                <SkeletonRows rows={10} columns={5} />
              </div>
            </PageBody>
          </Loading>
        ) : refusalOf(query.error)?.code === "not_found" ? (
          <EmptyState title={`There is no site called “${name}”`}>
            <p>Sites are made by applying a manifest of kind Site.</p>
          </EmptyState>
        ) : (
          <NotLoaded title={`${name} could not be loaded`} query={query} />
        )}
      </>
    );
  }
  const other = (link: { siteA: string; siteB: string }) => (link.siteA === site.name ? link.siteB : link.siteA);
  return (
    <>
      <PageHead
        trail={trail}
        title={
          <span className="flex flex-wrap items-center gap-2">
            {site.title}
            <StateMark state={site.state.state} soft age={site.state.state === "silent" ? <Age at={site.lastContactMs} className="min-w-0" /> : null} />
          </span>
        }
        purpose={site.state.because}
        actions={
          <>
            <Link href={routes.topology(project, { site: site.name })} className={buttonStyle()}>
              Show in topology
            </Link>
            <Button disabledReason={why("fleet.enrol")} onClick={() => router.push(`${routes.settingsPart(project, "join")}?new=true&site=${encodeURIComponent(site.name)}`)}>
              Enrol a machine here
            </Button>
            <Link href={routes.whatIf(project, { do: "drainSite", site: site.name })} className={buttonStyle()}>
              What if…
            </Link>
            <SiteActions site={site} />
          </>
        }
      />
      <PageBody>
        <LastLoaded query={query} />
        <FollowChange object={`Site ${site.name}`} />
        <div className="grid grid-cols-[minmax(0,1fr)_minmax(280px,340px)] gap-4 max-lg:grid-cols-1">
          <div className="flex min-w-0 flex-col gap-4">
            <Section title="Nodes" aside={<IntervalCount atLeast={site.nodes.min} atMost={site.nodes.max} of={site.nodes.total} word="healthy" asOf={site.nodes.asOfMs} />} flush>
              <DataTable
                label="nodes of this site"
                rows={site.nodesHere}
                columns={nodeColumns(project, false)}
                idOf={(node) => node.name}
                onOpen={(node) => router.push(routes.node(project, node.name))}
                isFaded={(node) => node.state.state === "silent"}
                maxHeight={420}
                keys
                empty={
                  <EmptyState title="No machine has joined at this site">
                    <p>Make a join token for it and run the command on a machine there.</p>
                  </EmptyState>
                }
              />
            </Section>
            <Section title="Links" hint="as the site's manifest declares them, with the state that was measured" flush>
              {site.links.length === 0 ? (
                <p className="px-3 py-2 text-sm text-muted-foreground">No link to another site is declared.</p>
              ) : (
                <Table stacked label="Links">
                  <thead>
                    <tr>
                      <Th>To</Th>
                      <Th>State</Th>
                      <Th numeric>Latency</Th>
                      <Th numeric>Loss</Th>
                      <Th numeric>Bandwidth</Th>
                      <Th numeric>Price per GiB</Th>
                      <Th>Why</Th>
                      <Th>What if</Th>
                    </tr>
                  </thead>
                  <tbody>
                    {site.links.map((link) => (
                      <Tr key={other(link)}>
                        <Td>
                          <Link href={routes.site(project, other(link))} className="font-medium hover:underline">
                            {other(link)}
                          </Link>{" "}
                          {link.simulated ? <Badge tone="outline">simulated</Badge> : null}
                        </Td>
                        <Td>
                          <StateMark state={link.state} />
                        </Td>
                        <Td label="Latency" numeric>{latencyText(link.latencyMs)}</Td>
                        <Td label="Loss" numeric>{link.lossPercent} %</Td>
                        <Td label="Bandwidth" numeric>{link.bandwidthMbps} Mbit/s</Td>
                        <Td label="Price per GiB" numeric>{link.pricePerGib}</Td>
                        <Td label="Why" className="text-muted-foreground">{link.because}</Td>
                        <Td label="What if" className="whitespace-nowrap">
                          <Link href={routes.whatIf(project, { do: "loseLink", site: site.name, to: other(link) })} className="link">
                            it were lost
                          </Link>
                        </Td>
                      </Tr>
                    ))}
                  </tbody>
                </Table>
              )}
            </Section>
            <Section title="Workloads here" flush>
              {site.workloads.length === 0 ? (
                <p className="px-3 py-2 text-sm text-muted-foreground">Nothing is placed at this site.</p>
              ) : (
                <ul className="divide-y divide-border text-sm">
                  {site.workloads.map((workload) => (
                    <li key={workload.name} className="flex h-8 items-center gap-3 px-3">
                      <Link href={routes.workload(project, workload.name)} className="min-w-0 flex-1 truncate font-medium hover:underline">
                        {workload.name}
                      </Link>
                      <IntervalCount atLeast={workload.units.min} atMost={workload.units.max} of={workload.units.total} word="healthy" asOf={workload.units.asOfMs} />
                    </li>
                  ))}
                </ul>
              )}
            </Section>
          </div>
          <div className="flex min-w-0 flex-col gap-4">
            <Section title="Place" aside={<>heard <Age at={site.lastContactMs} suffix="ago" className="min-w-0" /></>}>
              <Facts
                items={[
                  { name: "Kind", value: siteKindWords[site.kind] },
                  { name: "Jurisdiction", value: site.jurisdiction },
                  { name: "Place", value: site.place },
                  { name: "Coordinates", value: site.latitude === null || site.longitude === null ? null : `${site.latitude}, ${site.longitude}` },
                  { name: "Uplink", value: site.uplink },
                  { name: "Time zone", value: site.timeZone },
                  {
                    name: "CPU assigned",
                    value: (
                      <span className="flex items-center gap-2">
                        <Meter value={site.cpuMillis.assigned} of={site.cpuMillis.offered} label="CPU assigned" />
                        <span className="tnum">{coresText(site.cpuMillis.assigned)} of {coresText(site.cpuMillis.offered)} cores</span>
                      </span>
                    ),
                  },
                  {
                    name: "Memory assigned",
                    value: (
                      <span className="flex items-center gap-2">
                        <Meter value={site.memoryBytes.assigned} of={site.memoryBytes.offered} label="Memory assigned" />
                        <span className="tnum">{bytesText(site.memoryBytes.assigned)} of {bytesText(site.memoryBytes.offered)}</span>
                      </span>
                    ),
                  },
                ]}
              />
            </Section>
            <Section title="What happened">
              <Timeline items={site.timeline} empty="Nothing is recorded of this site yet." />
            </Section>
            <Section title="Manifest" aside={<CopyButton text={site.manifestYaml} what="manifest" />}>
              <pre className="max-h-72 overflow-auto text-xs leading-4.5" tabIndex={0} aria-label="Manifest of the site">
                {site.manifestYaml}
              </pre>
              <Command className="mt-2" text={`holdfast get site ${site.name} --project ${project} -o yaml`} label="At the command line" />
            </Section>
            {site.nodes.asOfMs !== null ? (
              <p className="text-xs text-muted-foreground">
                Counts of silent nodes are as of <At at={site.nodes.asOfMs} />.
              </p>
            ) : null}
          </div>
        </div>
      </PageBody>
    </>
  );
}
