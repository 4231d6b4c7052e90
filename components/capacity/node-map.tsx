"use client";

import type { KeyboardEvent } from "react";
import { routes } from "@/components/routes";
import { Age, StateShape } from "@/components/state";
import { Meter } from "@/components/chart/meter";
import { cn } from "@/components/ui/cn";
import Link from "@/components/ui/link";
import { nodeText, percentText, shareOf, inUseText, type CapacityNode, type CapacitySite, type Measure } from "./words";

/** Sites, each with a cell a node: the darker, the more of it is in use. What is not known is hatched. Arrow keys go from node to node. */
export function NodeMap({ project, measure, sites, nodes }: { project: string; measure: Measure; sites: readonly CapacitySite[]; nodes: readonly CapacityNode[] }) {
  return (
    <ul className="divide-y divide-border" onKeyDown={walk}>
      {sites.map((site) => (
        <li key={site.name} className="grid grid-cols-[minmax(180px,360px)_minmax(0,1fr)] gap-x-4 gap-y-2 px-3 py-2 max-sm:grid-cols-1">
          <SiteFigures project={project} site={site} measure={measure} />
          <ul aria-label={`Nodes at ${site.title}`} className="flex flex-wrap content-start gap-1">
            {nodes.filter((n) => n.site === site.name).map((n) => (
              <li key={n.name}>
                <Link
                  href={routes.node(project, n.name)}
                  data-cell
                  aria-label={nodeText(measure, n)}
                  title={nodeText(measure, n)}
                  className={cn("block size-6 rounded-sm border border-muted-foreground/40 touch:size-8", !n.usable && "hatched border-dashed")}
                  style={n.usable ? { backgroundColor: heat(shareOf(n[measure])) } : undefined}
                />
              </li>
            ))}
            {site.nodes === 0 ? <li className="text-sm text-muted-foreground">no node</li> : null}
          </ul>
        </li>
      ))}
    </ul>
  );
}

const heat = (share: number | null): string => (share === null ? "transparent" : `color-mix(in oklab, var(--primary) ${Math.round(share * 100)}%, var(--secondary))`);

function SiteFigures({ project, site, measure }: { project: string; site: CapacitySite; measure: Measure }) {
  const a = site[measure];
  return (
    <div className="min-w-0 text-sm">
      <p className="flex items-center gap-2">
        {site.silent > 0 ? <StateShape state="silent" label={`${site.silent} silent`} /> : null}
        <Link href={routes.site(project, site.name)} className="truncate font-medium hover:underline">
          {site.title}
        </Link>
        <Meter value={a.capacity > 0 ? a.allocated : null} of={a.capacity} label={`In use at ${site.title}`} className="ml-auto" />
        <span className="tnum w-10 text-right">{percentText(shareOf(a))}</span>
      </p>
      <p className="text-xs text-muted-foreground">{inUseText(measure, a)}</p>
      <p className="text-xs text-muted-foreground">
        {[site.silent > 0 ? `${site.silent} of ${site.nodes} silent` : "", site.closed > 0 ? `${site.closed} closed` : ""].filter(Boolean).join(", ")}
        {site.silent + site.closed > 0 ? ". " : ""}
        {site.oldestMs === null ? "Nothing was heard from here lately." : <>Oldest report: <Age at={site.oldestMs} suffix="ago" className="min-w-0" />.</>}
      </p>
    </div>
  );
}

/** Arrow keys, Home and End move the focus over the cells in their order. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (step === undefined && event.key !== "Home" && event.key !== "End") return;
  const cells = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-cell]")];
  const at = cells.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  event.preventDefault();
  cells[step === undefined ? (event.key === "Home" ? 0 : cells.length - 1) : Math.min(cells.length - 1, Math.max(0, at + step))]?.focus();
}
