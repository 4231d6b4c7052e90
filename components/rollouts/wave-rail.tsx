"use client";

import Link from "@/components/ui/link";
import { Check, CircleDot, CircleSlash, Clock, Gavel, Radar, type LucideIcon } from "lucide-react";
import { routes } from "@/components/routes";
import { Age, StateMark, stateWord } from "@/components/state";
import { cn } from "@/components/ui/cn";
import { Badge } from "@/components/ui/badge";
import { Tooltip } from "@/components/ui/tooltip";
import type { RolloutDetail } from "@/server/core/views";

type Wave = RolloutDetail["waves"][number];
type Step = Wave["steps"][number];

const kinds: Record<string, LucideIcon> = { update: CircleDot, pause: Clock, approval: Gavel, analysis: Radar };
const words: Record<Step["state"], string> = { done: "done", current: "now", waiting: "not yet", skipped: "not reached" };

/** The waves in their order: steps with named gates on the left, a block per unit on the right, silent ones apart. */
export function WaveRail({ project, rollout }: { project: string; rollout: Pick<RolloutDetail, "waves" | "toGeneration" | "workload"> }) {
  return (
    <ol className="flex flex-col gap-3">
      {rollout.waves.map((wave) => (
        <li key={wave.name} className={cn("overflow-hidden rounded-md border bg-card", wave.state === "current" && "border-primary/50")}>
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b px-3 py-1.5">
            <h3 className="text-sm font-semibold">
              <span className="tnum text-muted-foreground">{wave.index + 1}.</span> {wave.name}
            </h3>
            <Badge tone={wave.state === "current" ? "accent" : wave.state === "done" ? "healthy" : "outline"}>{wave.state === "current" ? "now" : wave.state === "done" ? "done" : "not yet"}</Badge>
            <span className="min-w-0 flex-1 basis-40 truncate text-xs text-muted-foreground" title={wave.selector ?? undefined}>
              {wave.selector ? <code>{wave.selector}</code> : "every unit that is in no earlier wave"}
            </span>
            <span className="tnum text-xs text-muted-foreground">{tally(wave, rollout.toGeneration)}</span>
          </div>
          <div className="grid grid-cols-[minmax(220px,300px)_minmax(0,1fr)] max-md:grid-cols-1">
            <ol className="flex flex-col gap-1 border-r p-3 text-sm max-md:border-b max-md:border-r-0">
              {wave.steps.map((step) => (
                <StepLine key={step.index} step={step} />
              ))}
            </ol>
            <Targets project={project} workload={rollout.workload} wave={wave} to={rollout.toGeneration} />
          </div>
        </li>
      ))}
    </ol>
  );
}

function StepLine({ step }: { step: Step }) {
  const Icon = step.state === "done" ? Check : step.state === "skipped" ? CircleSlash : (kinds[step.kind] ?? CircleDot);
  return (
    <li className={cn("flex gap-2", step.state === "current" ? "font-medium" : step.state === "done" ? "" : "text-muted-foreground")} aria-current={step.state === "current" ? "step" : undefined}>
      <Icon className={cn("mt-0.5 size-3.5 shrink-0", step.state === "done" && "text-healthy", step.state === "current" && "text-link")} aria-hidden />
      <span className="min-w-0">
        {step.text} <span className="sr-only">({words[step.state]})</span>
      </span>
    </li>
  );
}

function Targets({ project, workload, wave, to }: { project: string; workload: string; wave: Wave; to: number }) {
  const silent = wave.targets.filter((t) => t.state.state === "silent");
  const heard = wave.targets.filter((t) => t.state.state !== "silent");
  if (wave.targets.length === 0) return <p className="p-3 text-sm text-muted-foreground">No unit runs where this wave selects.</p>;
  return (
    <div className="flex min-w-0 flex-col gap-2.5 p-3">
      <ul className="grid grid-cols-[repeat(auto-fill,minmax(190px,1fr))] gap-1.5" aria-label={`Units of wave ${wave.name}`}>
        {heard.map((t) => (
          <TargetBlock key={t.assignmentId} project={project} workload={workload} target={t} to={to} />
        ))}
      </ul>
      {silent.length > 0 ? (
        <div>
          <p className="mb-1 text-xs text-silent">
            {silent.length} silent: what they run is not known. {wave.offline === "wait" ? "The wave waits for them." : wave.offline === "skip" ? "The wave goes on without them; they follow when they are back." : "The rollout fails if they stay silent."}
          </p>
          <ul className="grid grid-cols-[repeat(auto-fill,minmax(190px,1fr))] gap-1.5" aria-label={`Silent units of wave ${wave.name}`}>
            {silent.map((t) => (
              <TargetBlock key={t.assignmentId} project={project} workload={workload} target={t} to={to} />
            ))}
          </ul>
        </div>
      ) : null}
    </div>
  );
}

/** One unit: its revision as observed, its state, its node. A thick edge says that it runs the new revision. */
function TargetBlock({ project, workload, target: t, to }: { project: string; workload: string; target: Wave["targets"][number]; to: number }) {
  const onNew = t.observedGeneration === to;
  const silent = t.state.state === "silent";
  return (
    <Tooltip content={<>{t.state.because} {t.desiredGeneration !== t.observedGeneration ? `Asked for r${t.desiredGeneration}, ${t.observedGeneration === null ? "nothing is known to run" : `running r${t.observedGeneration}`}.` : ""}</>}>
      <li className={cn("flex min-w-0 flex-col gap-0.5 rounded-sm border px-2 py-1 text-xs", silent && "hatched bg-silent-soft", onNew && !silent && "border-l-[3px] border-l-primary")} aria-label={`${t.unit} on ${t.node}: ${stateWord[t.state.state]}`}>
        <span className="flex items-center gap-1.5">
          <Link href={routes.workload(project, workload, { tab: "units", unit: t.unit })} className="min-w-0 truncate font-medium hover:underline">
            {t.unit}
          </Link>
          <span className="tnum ml-auto shrink-0">
            {t.observedGeneration === null ? "r?" : `r${t.observedGeneration}`}
            {t.desiredGeneration !== t.observedGeneration ? <span className="text-muted-foreground"> → r{t.desiredGeneration}</span> : null}
          </span>
        </span>
        <span className="flex items-center gap-1.5 text-muted-foreground">
          <StateMark state={t.state.state} className="text-xs" />
          <span className="min-w-0 truncate">{t.site}</span>
          <Age at={t.observedAtMs} className="ml-auto min-w-0 shrink-0 text-right" />
        </span>
      </li>
    </Tooltip>
  );
}

/** The counts of a wave in words: "2 of 3 on r4, 1 silent". */
function tally(wave: Wave, to: number): string {
  const silent = wave.targets.filter((t) => t.state.state === "silent").length;
  const on = wave.targets.filter((t) => t.observedGeneration === to && t.state.state !== "silent").length;
  const failing = wave.targets.filter((t) => t.state.state === "failing").length;
  return [`${on} of ${wave.targets.length} on r${to}`, failing > 0 ? `${failing} failing` : "", silent > 0 ? `${silent} silent` : ""].filter(Boolean).join(", ");
}

