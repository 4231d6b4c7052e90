"use client";

import { useState } from "react";
import Link from "@/components/ui/link";
import { useQuery } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age } from "@/components/state";
import { Alert } from "@/components/ui/alert";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Choice } from "@/components/ui/choice";
import { Command } from "@/components/ui/copy-button";
import { ErrorState } from "@/components/ui/empty-state";
import { PlainTable } from "@/components/ui/plain-table";
import { Section } from "@/components/ui/page";
import { SkeletonRows } from "@/components/ui/skeleton";
import type { DecisionDetail } from "@/server/core/views";
import { FlipCard } from "./flip-card";
import { adds, reasonLine, scoreText, signed } from "./score";
import { ScoreParts } from "./score-parts";
import { AGAIN_MS, WhyNot } from "./why-not";

export type DecisionView = "then" | "now";
/** Rows of candidates before one asks for more, and names of a reason's nodes. */
const FEW = 12;
const NAMED = 60;

/** One decision: why here, why not elsewhere, and what would change it. As it was made, or as it would be made now. */
export function DecisionPanel({ decision: recorded, as, onAs, node, onNode }: { decision: DecisionDetail; as: DecisionView; onAs: (as: DecisionView) => void; node: string | null; onNode: (node: string | null) => void }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const live = useQuery({ ...trpc.placement.explain.queryOptions({ project, unit: recorded.unit }), enabled: as === "now" });
  const d = as === "now" ? (live.data ?? null) : recorded;
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <Head decision={recorded} />
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Choice label="As of" value={as} onChange={onAs} options={[{ value: "then", label: "When it was decided" }, { value: "now", label: "If it were decided again now" }]} />
        {as === "now" ? <span className="text-xs text-muted-foreground">A preview by the fleet as it is now: nothing moves, and units that run are not moved for a better place.</span> : null}
      </div>
      {as === "now" && d ? <p className="text-sm">{d.because}</p> : null}
      {d ? (
        <Candidates key={`${d.id} ${as}`} decision={d} node={node} onNode={onNode} />
      ) : live.isError ? (
        <ErrorState title="It could not be decided again" message={explain(live.error).message} id={explain(live.error).id} onRetry={() => void live.refetch()} kept="The decision as it was recorded is unharmed." />
      ) : (
        <SkeletonRows rows={6} columns={3} />
      )}
      <WhyNot unit={recorded.unit} node={node} onNode={onNode} />
      <Command label="This unit at the command line" text={`holdfast explain ${recorded.unit} --project ${project}`} />
    </div>
  );
}

function Head({ decision: d }: { decision: DecisionDetail }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const unplaced = d.outcome === "unplaced";
  // What would help a unit without a node depends on the fleet as it is now, whenever the decision was made.
  const help = useQuery({ ...trpc.placement.whyNot.queryOptions({ project, unit: d.unit }), enabled: unplaced, refetchInterval: AGAIN_MS });
  return (
    <div className="flex flex-col gap-1">
      <h2 className="text-base font-semibold">
        {unplaced ? (
          `${d.feasible === 0 && d.counts.length > 0 ? "Nothing fits: why" : "Why"} ${d.unit} is nowhere`
        ) : (
          <>
            Why {d.unit} is on{" "}
            <Link href={routes.node(project, d.node ?? "")} className="link">
              {d.node}
            </Link>
          </>
        )}
      </h2>
      <p className="text-sm">{d.because}</p>
      <p className="text-xs text-muted-foreground">
        Revision r{d.generation},{" "}
        {d.policy ? (
          <Link href={routes.policy(project, d.policy)} className="link">
            policy {d.policy}
          </Link>
        ) : (
          "no policy"
        )}
        , decided <Age at={d.atMs} suffix="ago" className="min-w-0" />
        {d.margin !== null ? `; ahead of the next best by ${d.margin.toFixed(2)}` : ""}
      </p>
      {!unplaced ? null : help.data ? (
        help.data.here ? (
          <Alert title={<>It has a node since: {help.data.here.node}</>}>{help.data.sentence}</Alert>
        ) : (
          help.data.feasible > 0 ? (
            <p className="text-sm">
              {reasonLine("can take it now", help.data.feasible)}, of {help.data.nodes}: the nodes are not what it waits for. Its turn is in the{" "}
              <Link href={`${routes.queue(project)}?workload=${encodeURIComponent(d.workload)}`} className="link">
                queue
              </Link>
              .
            </p>
          ) : (
            <FlipCard view={help.data} node={null} />
          )
        )
      ) : help.isError ? (
        <p className="text-sm text-muted-foreground">What would help it could not be worked out: {explain(help.error).message}</p>
      ) : (
        <SkeletonRows rows={2} columns={1} />
      )}
    </div>
  );
}

function Candidates({ decision: d, node, onNode }: { decision: DecisionDetail; node: string | null; onNode: (node: string | null) => void }) {
  const { project } = useProject();
  const [shown, setShown] = useState(FEW);
  const feasible = d.candidates.filter((c) => c.feasible).sort((a, b) => (b.score ?? 0) - (a.score ?? 0));
  const chosen = feasible.find((c) => c.node === d.node);
  const first = chosen ?? feasible[0];
  const next = feasible.find((c) => c !== first);
  return (
    <>
      {first ? (
        <Section title="Score by parts" hint="value times weight; one scale for all bars" flush>
          <ScoreParts candidates={[{ what: chosen ? "chosen" : "best", candidate: first }, ...(next ? [{ what: "next best", candidate: next }] : [])]} />
        </Section>
      ) : null}
      {feasible.length > 0 ? (
        <Section title="Where it could run" aside={<span className="tnum">{d.feasible === 1 ? "1 node" : d.feasible > feasible.length ? `the best ${feasible.length} of ${d.feasible} nodes` : `${d.feasible} nodes`}</span>} flush>
          <PlainTable
            label="Feasible nodes by score"
            rows={feasible.slice(0, shown)}
            keyOf={(c) => c.node}
            columns={[
              {
                head: "Node",
                bare: true,
                className: "whitespace-nowrap",
                cell: (c) => (
                  <>
                    <Link href={routes.node(project, c.node)} className="hover:underline">
                      {c.node}
                    </Link>{" "}
                    {c.node === d.node ? <Badge tone="accent">chosen</Badge> : null}
                  </>
                ),
              },
              { head: "Site", className: "whitespace-nowrap", cell: (c) => c.site },
              { head: "Score", numeric: true, cell: (c) => (c.score === null ? "–" : scoreText(c.score)) },
              { head: chosen ? "To the chosen" : "To the best", numeric: true, cell: (c) => (c.score === null || first?.score == null || c === first ? "–" : signed(c.score - first.score)) },
              { head: "Parts", className: "text-xs text-muted-foreground", cell: (c) => (c.parts.length === 0 ? "no preference applies" : c.parts.map((p) => `${p.name} ${signed(adds(p))}`).join(", ")) },
            ]}
          />
          {feasible.length > shown ? (
            <div className="border-t px-3 py-1.5">
              <Button size="sm" onClick={() => setShown(shown * 4)}>
                Show more
              </Button>
            </div>
          ) : null}
        </Section>
      ) : null}
      {d.counts.length > 0 ? (
        <Section title="Why not elsewhere" hint="every other node, by its decisive reason" aside={<span className="tnum">{d.counts.reduce((sum, c) => sum + c.nodes, 0)} nodes</span>} flush>
          <ul className="divide-y divide-border">
            {d.counts.map((group) => (
              <Group key={group.code} group={group} candidates={d.candidates} node={node} onNode={onNode} />
            ))}
          </ul>
        </Section>
      ) : null}
    </>
  );
}

/** The nodes that one reason keeps away: counted, some of them named. A name asks why not there. */
function Group({ group, candidates, node, onNode }: { group: DecisionDetail["counts"][number]; candidates: DecisionDetail["candidates"]; node: string | null; onNode: (node: string) => void }) {
  const named = candidates.filter((c) => c.reason?.code === group.code).slice(0, NAMED);
  return (
    <li>
      <details>
        <summary className="flex min-h-8 cursor-pointer items-center gap-2 px-3 py-1 text-sm hover:bg-accent/50">
          <span className="min-w-0 flex-1">{reasonLine(group.text, group.nodes)}</span>
          <code className="text-xs text-muted-foreground">{group.code}</code>
        </summary>
        <ul className="flex flex-wrap gap-1.5 px-3 pb-2 pt-1">
          {named.map((c) => (
            <li key={c.node}>
              <Button size="sm" aria-pressed={c.node === node} title={c.reason?.text} onClick={() => onNode(c.node)}>
                {c.node}
              </Button>
            </li>
          ))}
          {group.nodes > named.length ? <li className="self-center text-xs text-muted-foreground">{named.length === 0 ? "none of them was recorded by name" : `and ${group.nodes - named.length} more`}</li> : null}
        </ul>
      </details>
    </li>
  );
}
