"use client";

import Link from "@/components/ui/link";
import { latencyText } from "@/components/chart/units";
import { routes } from "@/components/routes";
import { Age, At, IntervalCount, StateMark, StateShape } from "@/components/state";
import { siteKindWords } from "@/components/fleet/words";
import { Facts, Section } from "@/components/ui/page";
import type { TopologyView } from "@/server/core/views";

/** A site of the picture, opened: its sentence, its contact, its nodes with their units, its links. */
export function TopologySitePane({ view, name, project }: { view: TopologyView; name: string; project: string }) {
  const site = view.sites.find((one) => one.name === name);
  if (!site) return <p className="p-3 text-sm text-muted-foreground">There is no site called “{name}”.</p>;
  const control = view.control.find((one) => one.site === name);
  const links = view.links.filter((link) => link.siteA === name || link.siteB === name);
  return (
    <div className="flex flex-col gap-3 p-3">
      <p className="text-base">{site.state.because}</p>
      <Facts
        items={[
          { name: "Kind", value: `${siteKindWords[site.kind]}, ${site.jurisdiction}${site.place ? `, ${site.place}` : ""}` },
          {
            name: "Control plane",
            value: control ? (
              <span className="flex flex-wrap items-center gap-x-2">
                <StateMark state={control.state} />
                <span className="tnum">
                  {control.connected} of {control.total} connected{control.rttMs === null ? "" : `, ${latencyText(control.rttMs)}`}
                </span>
              </span>
            ) : null,
          },
          { name: "Heard", value: <Age at={site.lastContactMs} suffix="ago" className="min-w-0" /> },
          { name: "Nodes", value: <IntervalCount atLeast={site.nodes.min} atMost={site.nodes.max} of={site.nodes.total} word="healthy" asOf={site.nodes.asOfMs} /> },
          { name: "Units", value: <IntervalCount atLeast={site.units.min} atMost={site.units.max} of={site.units.total} word="healthy" asOf={site.units.asOfMs} /> },
        ]}
      />
      <Section title="Nodes" aside={<span className="tnum">{site.nodes.total}</span>} flush>
        {site.nodesHere.length === 0 ? <p className="px-3 py-2 text-sm text-muted-foreground">No machine has joined here.</p> : null}
        <ul className="divide-y divide-border text-sm">
          {site.nodesHere.slice(0, 100).map((node) => (
            <li key={node.name} className="flex min-h-8 flex-wrap items-center gap-x-2 gap-y-0.5 px-3 py-1" title={node.state.because}>
              <StateShape state={node.state.state} label={node.state.state} />
              <Link href={routes.node(project, node.name)} className="font-medium hover:underline">
                {node.name}
              </Link>
              <span className="ml-auto text-xs text-muted-foreground">
                <Age at={node.lastSeenMs} className="min-w-0" />
              </span>
              {node.units.length > 0 ? (
                <span className="flex basis-full flex-wrap gap-x-3 pl-4.5 text-xs text-muted-foreground">
                  {node.units.map((unit) => (
                    <Link key={unit.unit} href={routes.workload(project, unit.workload, { tab: "units", unit: unit.unit })} className="inline-flex items-center gap-1 hover:underline">
                      <StateShape state={unit.state} size={8} label={unit.state} />
                      {unit.unit} <span className="tnum">r{unit.generation}</span>
                    </Link>
                  ))}
                  {node.unitsTotal > node.units.length ? <span className="tnum">and {node.unitsTotal - node.units.length} more</span> : null}
                </span>
              ) : null}
            </li>
          ))}
        </ul>
        {site.nodes.total > Math.min(100, site.nodesHere.length) ? (
          <p className="border-t px-3 py-1.5 text-xs">
            <Link href={routes.fleet(project, { q: `site:${name}` })} className="link">
              {Math.min(100, site.nodesHere.length)} of {site.nodes.total} shown; see all in Fleet
            </Link>
          </p>
        ) : null}
      </Section>
      <Section title="Links" flush>
        {links.length === 0 ? <p className="px-3 py-2 text-sm text-muted-foreground">No link to another site is declared.</p> : null}
        <ul className="divide-y divide-border text-sm">
          {links.map((link) => (
            <li key={`${link.siteA}~${link.siteB}`} className="flex flex-wrap items-center gap-x-2 px-3 py-1.5">
              <StateMark state={link.state} />
              <span>to {link.siteA === name ? link.siteB : link.siteA}</span>
              <span className="tnum ml-auto text-xs text-muted-foreground">
                {latencyText(link.latencyMs)}, {link.lossPercent} % loss, {link.bandwidthMbps} Mbit/s{link.simulated ? ", simulated" : ""}
              </span>
              <span className="basis-full text-xs text-muted-foreground">{link.because}</span>
              <Link href={routes.whatIf(project, { do: "loseLink", site: name, to: link.siteA === name ? link.siteB : link.siteA })} className="link text-xs">
                What if this link were lost?
              </Link>
            </li>
          ))}
        </ul>
      </Section>
      <p className="flex flex-wrap gap-x-4 text-xs">
        <Link href={routes.whatIf(project, { do: "drainSite", site: name })} className="link">
          What if the site were drained?
        </Link>
        <Link href={routes.whatIf(project, { do: "loseSite", site: name })} className="link">
          What if the site were lost?
        </Link>
      </p>
      <p className="text-xs text-muted-foreground">
        As of <At at={view.asOfMs} />.
      </p>
    </div>
  );
}
