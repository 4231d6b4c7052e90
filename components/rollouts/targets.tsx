"use client";

import { useState } from "react";
import Link from "@/components/ui/link";
import { routes } from "@/components/routes";
import { Age, StateMark, Until, stateWord } from "@/components/state";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/cn";
import { Tooltip } from "@/components/ui/tooltip";
import type { RolloutDetail } from "@/server/core/views";

type Wave = RolloutDetail["waves"][number];
type Target = Wave["targets"][number];

/** So many blocks stand at once; the rest on request, so that a wave of thousands stays a page. */
const FIRST = 60;
/** What needs a person first; among equals the order of the server. */
const urgency: Record<Target["class"], number> = { lost: 0, contradicted: 1, returned: 2, pinned: 3, asked: 4, silent: 5, flapping: 6, back: 7, updated: 8, waiting: 9, excluded: 10 };
const classWord: Partial<Record<Target["class"], string>> = { lost: "lost since the update", contradicted: "its reports are contradicted", flapping: "its contact is unsteady", returned: "went back by itself", pinned: "its site was sent back", excluded: "left out", back: "back", asked: "asked" };
const whatIfSilent: Record<string, string> = { wait: "The wave waits for them.", skip: "The wave goes on without them; they follow when they are back.", fail: "The rollout fails if they stay silent." };

/** A block per unit of a wave. The silent ones stand apart: nobody knows what they run, and some return by themselves. */
export function Targets({ project, workload, wave, to }: { project: string; workload: string; wave: Wave; to: number }) {
  const silent = wave.targets.filter((t) => t.state.state === "silent");
  const heard = wave.targets.filter((t) => t.state.state !== "silent").sort((a, b) => urgency[a.class] - urgency[b.class]);
  const armed = silent.filter((t) => t.trial?.state === "armed");
  if (wave.targets.length === 0) return <p className="p-3 text-sm text-muted-foreground">No unit runs where this wave selects.</p>;
  return (
    <div className="flex min-w-0 flex-col gap-2.5 p-3">
      {heard.length > 0 ? <Blocks label={`Units of wave ${wave.name}`} targets={heard} project={project} workload={workload} to={to} /> : null}
      {silent.length > 0 ? (
        <div>
          <p className="mb-1 text-xs text-silent">
            {silent.length} silent: what they run is not known. {whatIfSilent[wave.offline] ?? ""}
            {armed.length > 0 ? ` ${armed.length} return to the previous revision by themselves at their deadline.` : ""}
          </p>
          <Blocks label={`Silent units of wave ${wave.name}`} targets={silent} project={project} workload={workload} to={to} />
        </div>
      ) : null}
    </div>
  );
}

function Blocks({ label, targets, ...rest }: { label: string; targets: readonly Target[]; project: string; workload: string; to: number }) {
  const [whole, setWhole] = useState(false);
  const shown = whole ? targets : targets.slice(0, FIRST);
  return (
    <>
      <ul className="grid grid-cols-[repeat(auto-fill,minmax(190px,1fr))] gap-1.5" aria-label={label}>
        {shown.map((t) => (
          <TargetBlock key={t.assignmentId} target={t} {...rest} />
        ))}
      </ul>
      {targets.length > FIRST ? (
        <Button size="sm" variant="ghost" className="mt-1" onClick={() => setWhole(!whole)}>
          {whole ? "Show fewer units" : `Show ${targets.length - FIRST} more units`}
        </Button>
      ) : null}
    </>
  );
}

/** One unit: its revision as observed, its state, its node. A thick edge says that it runs the new revision. */
function TargetBlock({ project, workload, target: t, to }: { project: string; workload: string; target: Target; to: number }) {
  const onNew = t.observedGeneration === to;
  const silent = t.state.state === "silent";
  const asked = t.desiredGeneration !== t.observedGeneration;
  const word = classWord[t.class];
  return (
    <Tooltip content={<>{t.state.because} {asked ? `Asked for r${t.desiredGeneration}, ${t.observedGeneration === null ? "nothing is known to run" : `running r${t.observedGeneration}`}.` : ""} {t.doubt ?? ""} {t.pinned ?? ""}</>}>
      <li className={cn("flex min-w-0 flex-col gap-0.5 rounded-sm border px-2 py-1 text-xs", silent && "hatched bg-silent-soft", onNew && !silent && "border-l-[3px] border-l-primary")} aria-label={`${t.unit} on ${t.node}: ${stateWord[t.state.state]}`}>
        <span className="flex items-center gap-1.5">
          <Link href={routes.workload(project, workload, { tab: "units", unit: t.unit })} className="min-w-0 truncate font-medium hover:underline">
            {t.unit}
          </Link>
          <span className="tnum ml-auto shrink-0">
            {t.observedGeneration === null ? "r?" : `r${t.observedGeneration}`}
            {asked ? <span className="text-muted-foreground"> → r{t.desiredGeneration}</span> : null}
          </span>
        </span>
        <span className="flex items-center gap-1.5 text-muted-foreground">
          <StateMark state={t.state.state} className="text-xs" />
          <span className="min-w-0 truncate">{t.site}</span>
          <Age at={t.observedAtMs} className="ml-auto min-w-0 shrink-0 text-right" />
        </span>
        {t.trial || word ? (
          <span className="flex items-center gap-1.5 text-muted-foreground">
            {word && t.class !== "asked" ? <span className={cn("min-w-0 truncate", (t.class === "lost" || t.class === "returned") && "text-failing")}>{word}</span> : null}
            {t.trial && t.trial.state !== "returned" ? (
              <span className="ml-auto shrink-0" title="Without a verdict by then it returns to the previous revision by itself">
                returns: <Until at={t.trial.returnAtMs} />
              </span>
            ) : null}
          </span>
        ) : null}
      </li>
    </Tooltip>
  );
}
