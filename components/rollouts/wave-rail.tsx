"use client";

import { Check, CircleDot, CircleSlash, Clock, Gavel, Radar, Split, type LucideIcon } from "lucide-react";
import { At } from "@/components/state";
import { Badge } from "@/components/ui/badge";
import { cn } from "@/components/ui/cn";
import type { RolloutDetail } from "@/server/core/views";
import { Targets } from "./targets";

type Wave = RolloutDetail["waves"][number];
type Step = Wave["steps"][number];

const kinds: Record<string, LucideIcon> = { update: CircleDot, pause: Clock, approval: Gavel, analysis: Radar, traffic: Split };
const words: Record<Step["state"], string> = { done: "done", current: "now", waiting: "not yet", skipped: "not reached" };
const gateWord = { before: "Gate before the wave", between: "Gate within the wave", after: "Gate after the wave" } as const;
const offlineWord: Record<string, string> = { wait: "waits for silent units", skip: "goes on without silent units; they follow", fail: "fails if units stay silent" };

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
            <div className="flex flex-col gap-2 border-r p-3 text-sm max-md:border-b max-md:border-r-0">
              <ol className="flex flex-col gap-1">
                {wave.steps.map((step) => (
                  <StepLine key={step.index} step={step} />
                ))}
              </ol>
              <Rules wave={wave} />
            </div>
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
        {step.gate ? (
          <span className="block text-xs font-normal text-muted-foreground">
            {gateWord[step.gate.at]}
            {step.gate.groups.length > 0 ? `: ${step.gate.groups.map((g) => `${g.needed} of ${g.name} (${g.who})`).join(", and ")}` : ""}
          </span>
        ) : null}
      </span>
    </li>
  );
}

/** What else holds in this wave: order, silence, windows, exclusions. */
function Rules({ wave }: { wave: Wave }) {
  const closed = wave.window?.closedSites ?? [];
  return (
    <ul className="flex flex-col gap-0.5 text-xs text-muted-foreground">
      {wave.after.length > 0 ? <li>After {wave.after.join(", ")}</li> : null}
      {wave.blocking ? null : <li>Waves after it begin once it has begun</li>}
      <li className="first-letter:uppercase">{offlineWord[wave.offline] ?? wave.offline}</li>
      {wave.exclude ? (
        <li>
          Leaves out <code>{wave.exclude}</code>
        </li>
      ) : null}
      {wave.window ? (
        <li className={cn(closed.length > 0 && wave.state === "current" && "text-degraded")}>
          {wave.window.text.charAt(0).toUpperCase() + wave.window.text.slice(1)}
          {closed.map((c) => (
            <span key={c.site} className="block">
              {c.site} is closed{c.opensAtMs === null ? " and never opens" : <> until <At at={c.opensAtMs} /></>}
            </span>
          ))}
        </li>
      ) : null}
    </ul>
  );
}

/** The counts of a wave in words: "2 of 3 on r4, 1 silent". */
function tally(wave: Wave, to: number): string {
  const silent = wave.targets.filter((t) => t.state.state === "silent").length;
  const on = wave.targets.filter((t) => t.observedGeneration === to && t.state.state !== "silent").length;
  const failing = wave.targets.filter((t) => t.state.state === "failing").length;
  return [`${on} of ${wave.targets.length} on r${to}`, failing > 0 ? `${failing} failing` : "", silent > 0 ? `${silent} silent` : ""].filter(Boolean).join(", ");
}
