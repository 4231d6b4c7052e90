"use client";

import Link from "@/components/ui/link";
import { latencyText } from "@/components/chart/units";
import { routes } from "@/components/routes";
import { Age, IntervalCount, StateMark, StateShape } from "@/components/state";
import { siteKindWords } from "@/components/fleet/words";
import { Badge } from "@/components/ui/badge";
import { PageBody, Section } from "@/components/ui/page";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import type { TopologyView } from "@/server/core/views";

/** The table twin of the picture: the same sites, links and units. */
export function TopologyTable({ view, project, workload }: { view: TopologyView; project: string; workload: string | null }) {
  const control = new Map(view.control.map((one) => [one.site, one]));
  const titles = new Map(view.sites.map((site) => [site.name, site.title]));
  return (
    <PageBody>
      <Section title="Sites" aside={<span className="tnum">{view.sites.length}</span>} flush>
        <Table stacked label="Sites">
          <thead>
            <tr>
              <Th>Site</Th>
              <Th>State</Th>
              <Th>Kind</Th>
              <Th>Jurisdiction</Th>
              <Th>Uplink</Th>
              <Th numeric>Nodes</Th>
              <Th numeric>Units</Th>
              {workload ? <Th>Units of {workload}</Th> : null}
              <Th numeric>Round trip</Th>
              <Th numeric>Heard</Th>
              <Th>Why</Th>
            </tr>
          </thead>
          <tbody>
            {view.sites.map((site) => {
              const mine = workload ? (site.overlay ?? []) : [];
              return (
                <Tr key={site.name} className={site.state.state === "silent" ? "hatched" : undefined}>
                  <Td className="whitespace-nowrap">
                    <Link href={routes.site(project, site.name)} className="font-medium hover:underline">
                      {site.title}
                    </Link>
                  </Td>
                  <Td>
                    <StateMark state={site.state.state} />
                  </Td>
                  <Td label="Kind" className="whitespace-nowrap">{siteKindWords[site.kind]}</Td>
                  <Td label="Jurisdiction">{site.jurisdiction}</Td>
                  <Td label="Uplink">{site.uplink}</Td>
                  <Td label="Nodes" numeric>
                    <IntervalCount atLeast={site.nodes.min} atMost={site.nodes.max} of={site.nodes.total} />
                  </Td>
                  <Td label="Units" numeric>
                    <IntervalCount atLeast={site.units.min} atMost={site.units.max} of={site.units.total} />
                  </Td>
                  {workload ? (
                    <Td>
                      {mine.length === 0 ? (
                        <span className="text-muted-foreground">none</span>
                      ) : (
                        <span className="flex flex-wrap gap-x-2">
                          {mine.map((group) => (
                            <span key={`${group.generation} ${group.state}`} className="tnum inline-flex items-center gap-1">
                              <StateShape state={group.state} size={9} label={group.state} />
                              {group.units} r{group.generation}
                            </span>
                          ))}
                        </span>
                      )}
                    </Td>
                  ) : null}
                  <Td label="Round trip" numeric>{control.get(site.name)?.rttMs == null ? <span className="text-muted-foreground">not measured</span> : latencyText(control.get(site.name)?.rttMs ?? 0)}</Td>
                  <Td label="Heard" numeric>
                    <Age at={site.lastContactMs} className="min-w-0" />
                  </Td>
                  <Td label="Why" className="max-w-80 truncate text-muted-foreground" title={site.state.because}>
                    {site.state.because}
                  </Td>
                </Tr>
              );
            })}
          </tbody>
        </Table>
      </Section>
      <Section title="Links" aside={<span className="tnum">{view.links.length}</span>} flush>
        <Table stacked label="Links">
          <thead>
            <tr>
              <Th>Between</Th>
              <Th>State</Th>
              <Th numeric>Latency</Th>
              <Th numeric>Loss</Th>
              <Th numeric>Bandwidth</Th>
              <Th numeric>Price per GiB</Th>
              <Th>Workloads</Th>
              <Th>Why</Th>
            </tr>
          </thead>
          <tbody>
            {view.links.map((link) => (
              <Tr key={`${link.siteA}~${link.siteB}`}>
                <Td className="whitespace-nowrap">
                  {titles.get(link.siteA) ?? link.siteA} and {titles.get(link.siteB) ?? link.siteB}{" "}
                  {link.simulated ? <Badge tone="outline">simulated</Badge> : null}
                </Td>
                <Td>
                  <StateMark state={link.state} />
                </Td>
                <Td label="Latency" numeric>{latencyText(link.latencyMs)}</Td>
                <Td label="Loss" numeric>{link.lossPercent} %</Td>
                <Td label="Bandwidth" numeric>{link.bandwidthMbps} Mbit/s</Td>
                <Td label="Price per GiB" numeric>{link.pricePerGib}</Td>
                <Td label="Workloads">{link.workloads.length > 0 ? link.workloads.join(", ") : <span className="text-muted-foreground">none</span>}</Td>
                <Td label="Why" className="text-muted-foreground">{link.because}</Td>
              </Tr>
            ))}
          </tbody>
        </Table>
      </Section>
    </PageBody>
  );
}
