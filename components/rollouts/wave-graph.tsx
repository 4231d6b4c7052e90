"use client";

import { useState } from "react";
import { Gavel, Network, Table2 } from "lucide-react";
import { StateMark, type State } from "@/components/state";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/cn";
import { Section } from "@/components/ui/page";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import { placeWaves } from "./wave-layout";

/** A wave as the graph draws it: of a rollout under way, or of one that is only planned (then `progress` is null). */
export type GraphWave = {
  name: string;
  after: readonly string[];
  blocking: boolean;
  remainder: boolean;
  selector: string | null;
  units: number;
  gates: readonly { name: string; at: "before" | "between" | "after"; state: "done" | "current" | "waiting" | "skipped" | null }[];
  steps: readonly string[];
  state: "done" | "current" | "waiting" | null;
  progress: { updated: number; failing: number; silent: number } | null;
  note: string | null;
};

const CARD = { width: 196, height: 96, gapX: 56, gapY: 16 };
const waveState: Record<NonNullable<GraphWave["state"]>, { state: State; word: string }> = { done: { state: "healthy", word: "done" }, current: { state: "pending", word: "now" }, waiting: { state: "pending", word: "not yet" } };

/** Waves as a graph, each after those it waits for, gates named where they stand; and the same as a table. */
export function WaveGraph({ waves, title = "Waves" }: { waves: readonly GraphWave[]; title?: string }) {
  const [asTable, setAsTable] = useState(false);
  return (
    <Section
      title={title}
      hint={`${waves.length} ${waves.length === 1 ? "wave" : "waves"}, left to right`}
      flush
      aside={
        <Button variant="ghost" size="icon-sm" aria-pressed={asTable} aria-label={asTable ? "Show the waves as a graph" : "Show the waves as a table"} title={asTable ? "As a graph" : "As a table"} onClick={() => setAsTable(!asTable)}>
          {asTable ? <Network aria-hidden /> : <Table2 aria-hidden />}
        </Button>
      }
    >
      {asTable ? <WaveTable waves={waves} /> : <Drawn waves={waves} />}
    </Section>
  );
}

function Drawn({ waves }: { waves: readonly GraphWave[] }) {
  const { placed, edges, columns, rows } = placeWaves(waves);
  const x = (column: number) => column * (CARD.width + CARD.gapX);
  const y = (row: number) => row * (CARD.height + CARD.gapY);
  const at = new Map(placed.map((p) => [p.wave.name, p]));
  const width = x(columns) - CARD.gapX;
  const height = y(rows) - CARD.gapY;
  return (
    <div className="overflow-x-auto p-3" tabIndex={0} role="region" aria-label="Graph of waves">
      <div className="relative" style={{ width, height }}>
        <svg width={width} height={height} className="absolute inset-0" aria-hidden>
          {edges.map((e) => {
            const from = at.get(e.from);
            const to = at.get(e.to);
            if (!from || !to) return null;
            const [x1, y1, x2, y2] = [x(from.column) + CARD.width, y(from.row) + CARD.height / 2, x(to.column), y(to.row) + CARD.height / 2];
            const bend = (x2 - x1) / 2;
            return (
              <g key={`${e.from}>${e.to}`} fill="none" stroke={from.wave.state === "done" ? "var(--healthy)" : "var(--border-strong)"} strokeWidth={1.5}>
                <path d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2 - 5} ${y2}`} {...(from.wave.blocking ? {} : { strokeDasharray: "4 3" })} />
                <path d={`M${x2 - 8} ${y2 - 3.5}L${x2 - 2} ${y2}L${x2 - 8} ${y2 + 3.5}`} />
              </g>
            );
          })}
        </svg>
        <ol>
          {placed.map((p) => (
            <li key={p.wave.name} className="absolute" style={{ left: x(p.column), top: y(p.row), width: CARD.width, height: CARD.height }}>
              <Card wave={p.wave} />
            </li>
          ))}
        </ol>
      </div>
    </div>
  );
}

function Card({ wave: w }: { wave: GraphWave }) {
  const before = w.gates.filter((g) => g.at === "before");
  const others = w.gates.filter((g) => g.at !== "before");
  return (
    <div className={cn("flex h-full flex-col rounded-md border bg-background px-2.5 py-1.5 text-xs", w.state === "current" && "border-primary bg-primary-soft")} aria-current={w.state === "current" ? "step" : undefined}>
      <Gates gates={before} word="before" />
      <p className="flex items-center gap-2">
        <span className="min-w-0 flex-1 truncate text-sm font-medium" title={w.name}>{w.name}</span>
        {w.state ? <StateMark {...waveState[w.state]} className="text-xs" /> : null}
      </p>
      {w.selector === "" ? null : (
        <p className="truncate text-muted-foreground" title={w.selector ?? undefined}>
          {w.remainder || w.selector === null ? "all that remain" : <code>{w.selector}</code>}
        </p>
      )}
      <Bar wave={w} />
      <p className="tnum truncate">
        {w.progress ? `${w.progress.updated} of ${w.units} updated` : `${w.units} ${w.units === 1 ? "unit" : "units"}`}
        {w.progress && w.progress.failing > 0 ? <span className="text-failing">, {w.progress.failing} failing</span> : null}
        {w.progress && w.progress.silent > 0 ? <span className="text-silent">, {w.progress.silent} silent</span> : null}
      </p>
      <Gates gates={others} word="after" className="mt-auto" />
    </div>
  );
}

function Gates({ gates, word, className }: { gates: GraphWave["gates"]; word: string; className?: string }) {
  const first = gates[0];
  if (!first) return null;
  return (
    <p className={cn("flex min-w-0 items-center gap-1 text-muted-foreground", gates.some((g) => g.state === "current") && "font-medium text-link", className)} title={gates.map((g) => `${g.at}: ${g.name}`).join("\n")}>
      <Gavel className="size-3 shrink-0" aria-hidden />
      <span className="truncate">
        {first.at === "between" ? "within" : word}: {first.name}
        {gates.length > 1 ? ` and ${gates.length - 1} more` : ""}
      </span>
    </p>
  );
}

/** Units of a wave as one bar: updated, failing, silent (hatched), and what is still to come. */
function Bar({ wave: { units, progress } }: { wave: GraphWave }) {
  if (!progress || units === 0) return null;
  const part = (n: number) => `${(Math.min(n, units) / units) * 100}%`;
  return (
    <span aria-hidden className="my-1 flex h-1.5 shrink-0 overflow-hidden rounded-full bg-secondary">
      <span className="bg-healthy" style={{ width: part(progress.updated) }} />
      <span className="bg-failing" style={{ width: part(progress.failing) }} />
      <span className="hatched bg-silent-soft" style={{ width: part(progress.silent) }} />
    </span>
  );
}

function WaveTable({ waves }: { waves: readonly GraphWave[] }) {
  return (
    <Table label="Waves, as a table" stacked>
      <thead>
        <tr>
          <Th>Wave</Th>
          <Th>After</Th>
          <Th>Where</Th>
          <Th numeric>Units</Th>
          <Th>Steps</Th>
          <Th>Gates</Th>
          <Th>State</Th>
        </tr>
      </thead>
      <tbody>
        {waves.map((w) => (
          <Tr key={w.name}>
            <Td className="font-medium">{w.name}</Td>
            <Td label="After">{w.after.length === 0 ? "nothing" : w.after.join(", ")}</Td>
            <Td label="Where">{w.remainder || w.selector === null ? "all that remain" : <code className="text-xs [overflow-wrap:anywhere]">{w.selector}</code>}</Td>
            <Td label="Units" numeric>{w.progress ? `${w.progress.updated} of ${w.units} updated` : w.units}</Td>
            <Td label="Steps" className="py-1.5 text-xs">{w.steps.join(" · ")}</Td>
            <Td label="Gates">{w.gates.length === 0 ? "none" : w.gates.map((g) => `${g.at === "between" ? "within" : g.at}: ${g.name}`).join("; ")}</Td>
            <Td label="State">
              {[w.state ? waveState[w.state].word : "planned", w.blocking ? "" : "does not block those after it", w.progress && w.progress.silent > 0 ? `${w.progress.silent} silent` : "", w.note ?? ""].filter(Boolean).join("; ")}
            </Td>
          </Tr>
        ))}
      </tbody>
    </Table>
  );
}
