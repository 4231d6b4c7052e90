"use client";

import Link from "@/components/ui/link";
import { routes } from "@/components/routes";
import { Age, IntervalCount, StateShape } from "@/components/state";
import { siteKindWords } from "@/components/fleet/words";
import { Section } from "@/components/ui/page";
import { cn } from "@/components/ui/cn";
import type { SiteSummary } from "@/server/core/views";

/** The sites, those first of which nothing was heard for longest. */
export function SitesByContact({ sites, project }: { sites: readonly SiteSummary[]; project: string }) {
  const sorted = [...sites].sort((a, b) => (a.lastContactMs ?? 0) - (b.lastContactMs ?? 0));
  return (
    <Section
      title="Sites by age of contact"
      aside={
        <Link href={routes.topology(project)} className="link">
          Topology
        </Link>
      }
      flush
    >
      <ul className="divide-y divide-border">
        {sorted.map((site) => (
          <li key={site.name}>
            <Link
              href={routes.site(project, site.name)}
              title={site.state.because}
              className={cn("flex min-h-10 items-center gap-2.5 px-3 py-1 text-sm hover:bg-accent/60", site.state.state === "silent" && "hatched")}
            >
              <StateShape state={site.state.state} label={site.state.state} />
              <span className="min-w-0 flex-1">
                <span className="block truncate font-medium">{site.title}</span>
                <span className="block truncate text-xs text-muted-foreground">
                  {siteKindWords[site.kind]}, {site.jurisdiction}
                </span>
              </span>
              <span className="shrink-0 text-right text-xs">
                <Age at={site.lastContactMs} className={cn("block text-right", site.state.state === "silent" && "text-silent")} />
                <span className="text-muted-foreground">
                  <IntervalCount atLeast={site.nodes.min} atMost={site.nodes.max} of={site.nodes.total} word="nodes" />
                </span>
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </Section>
  );
}
