"use client";

import { useProject } from "@/components/shell/project-context";
import { cn } from "@/components/ui/cn";
import { CopyButton } from "@/components/ui/copy-button";
import { Facts } from "@/components/ui/page";
import type { PreviewView } from "@/server/core/views";
import { PreviewTable } from "./preview-table";
import { costText, countsOf, countWord, fragmentationText, isQuiet, rowsOf, shortDigest, unsent, updatesText, wayText } from "./rows";

/** What a change would do, in words: the sentence, the counts, what it means for cost and the way to clients, and then unit by unit. */
export function PreviewBody({ view, stale, className }: { view: PreviewView; stale?: boolean; className?: string }) {
  const { project } = useProject();
  const rows = rowsOf(view);
  const updates = updatesText(view.updates);
  const none = view.counts.impossible - view.counts.asNow - view.counts.replaces;
  return (
    <div className={cn("flex flex-col", stale && "bg-muted", className)} data-preview={stale ? "stale" : "current"}>
      <div className="flex flex-col gap-1.5 p-3">
        <p className="text-sm font-medium [overflow-wrap:anywhere]">{view.sentence}</p>
        {isQuiet(view) ? <p className="text-sm text-muted-foreground">{view.counts.unitsAfter === 0 ? "No unit runs yet." : view.counts.unitsAfter === 1 ? "The one unit stays where it is." : `All ${view.counts.unitsAfter} units stay where they are.`}</p> : null}
        {none > 0 ? (
          <p className="text-sm font-medium text-failing">
            {none} {none === 1 ? "unit finds" : "units find"} no node. {none === 1 ? "It is" : "They are"} listed first, with what is in the way.
          </p>
        ) : null}
        {countsOf(view).length > 0 ? (
          <ul aria-label="Counts" className="flex flex-wrap gap-x-4 gap-y-0.5 text-xs text-muted-foreground">
            {countsOf(view).map((c) => (
              <li key={c.kind}>
                <span className="tnum font-semibold text-foreground">{c.n}</span> {countWord(c.kind, c.n)}
              </li>
            ))}
            {view.counts.evicted > 0 ? (
              <li>
                <span className="tnum font-semibold text-foreground">{view.counts.evicted}</span> of them make way
              </li>
            ) : null}
          </ul>
        ) : null}
      </div>
      <div className="border-t p-3">
        <Facts
          items={[
            { name: "Units", value: <span className="tnum">{view.counts.unitsBefore === view.counts.unitsAfter ? `${view.counts.unitsAfter}, as now` : `${view.counts.unitsBefore} to ${view.counts.unitsAfter}`}</span> },
            ...(updates ? [{ name: "Updated in place", value: updates }] : []),
            { name: "Cost", value: view.cost.length === 0 ? <span className="text-muted-foreground">no site has rates</span> : view.cost.map((c) => <span key={c.currency} className="tnum block">{costText(c)}</span>) },
            {
              name: "Way to clients",
              value:
                view.latency.length === 0 ? (
                  "as now"
                ) : (
                  <>
                    {view.latency.slice(0, 8).map((l) => (
                      <span key={l.workload} className="tnum block">
                        {l.workload}: {wayText(l)}
                      </span>
                    ))}
                    {view.latency.length > 8 ? <span className="block text-muted-foreground">and {view.latency.length - 8} more workloads</span> : null}
                  </>
                ),
            },
            ...(view.fragmentation ? [{ name: "Idle but unusable", value: <span className="tnum">{fragmentationText(view.fragmentation)}</span> }] : []),
            {
              name: "Digest",
              value: (
                <span className="flex items-center gap-1">
                  <code title={view.digest}>{shortDigest(view.digest)}</code>
                  <CopyButton text={view.digest} what="digest" />
                </span>
              ),
            },
          ]}
        />
        {view.atRest ? null : <p className="mt-2 text-xs text-degraded">This would go on beyond what was looked at, such as a long update in place. The units are right, the end is not.</p>}
      </div>
      {rows.length > 0 ? (
        <div className="border-t">
          <PreviewTable project={project} rows={rows} hidden={unsent(view, rows)} />
        </div>
      ) : null}
    </div>
  );
}
