"use client";

import { useMemo, useState } from "react";
import dynamic from "next/dynamic";
import Link from "@/components/ui/link";
import { ChartLine, FileCode2, Flag as FlagIcon, Rocket, ScrollText, Table2, Unplug } from "lucide-react";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/cn";
import { Skeleton } from "@/components/ui/skeleton";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import { Tooltip } from "@/components/ui/tooltip";
import { absoluteText, Age } from "@/components/state";
import { prepareChart, type ChartInput, type ChartModel, type Flag } from "./prepare";
import { countText, valueText } from "./units";

// The drawing library comes only when a chart is on screen.
const Canvas = dynamic(() => import("./time-series"), { ssr: false, loading: () => <Skeleton className="h-full w-full opacity-40" /> });

const flagIcons = { rollout: Rocket, policy: ScrollText, partition: Unplug, revision: FileCode2 } as const;
const NOTHING: ReadonlySet<string> = new Set();
// The plot's margins, as in time-series.tsx (which is loaded later).
const LEFT = 56;
const RIGHT = 18;

/**
 * A chart over time with its title, legend, flags that open what they mark, its age, and its table twin. Pass
 * `undefined` while it is loading; the panel keeps its height in every state.
 */
export function ChartPanel({
  chart,
  title,
  height = 150,
  error,
  onZoom,
  className,
}: {
  chart: ChartInput | undefined;
  /** Shown while the chart itself is not there yet. */
  title?: string;
  height?: number;
  error?: string | null;
  /** Dragging over the plot asks for this range. */
  onZoom?: (fromMs: number, toMs: number) => void;
  className?: string;
}) {
  const [asTable, setAsTable] = useState(false);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(NOTHING);
  const model = useMemo(() => (chart ? prepareChart(chart) : null), [chart]);
  const name = chart?.title ?? title ?? "Chart";
  return (
    <figure className={cn("min-w-0 rounded-md border bg-card", className)} aria-label={name}>
      <figcaption className="flex h-8 items-center gap-2 pl-3 pr-1">
        <span className="min-w-0 truncate text-sm font-medium">{name}</span>
        {chart && chart.total > chart.shown ? (
          <span className="text-xs text-muted-foreground">
            {chart.shown} of {chart.total} shown
          </span>
        ) : null}
        <span className="ml-auto text-xs text-muted-foreground">{chart ? <Age at={chart.asOfMs} suffix="old" className="text-right" /> : null}</span>
        <Button
          variant="ghost"
          size="icon-sm"
          aria-pressed={asTable}
          aria-label={asTable ? `Show ${name} as a chart` : `Show ${name} as a table`}
          title={asTable ? "As a chart" : "As a table"}
          onClick={() => setAsTable(!asTable)}
        >
          {asTable ? <ChartLine aria-hidden /> : <Table2 aria-hidden />}
        </Button>
      </figcaption>
      {model === null ? (
        <div style={{ height: height + 46 }} className="px-3 pb-3">
          {error ? <p role="alert" className="text-sm text-failing">{error}</p> : <Skeleton className="h-full w-full opacity-40" />}
        </div>
      ) : asTable ? (
        <TableTwin model={model} height={height + 46} name={name} />
      ) : (
        <>
          <FlagStrip model={model} />
          <div className="relative" style={{ height }}>
            <Canvas model={model} height={height} hidden={hidden} label={sentence(name, model)} onZoom={onZoom} />
            {model.isEmpty ? (
              <p className="absolute inset-x-0 top-1/2 -translate-y-1/2 text-center text-sm text-muted-foreground">Nobody reported a value in this time.</p>
            ) : null}
          </div>
          <Legend model={model} hidden={hidden} onToggle={(line) => setHidden(toggled(hidden, line))} />
        </>
      )}
    </figure>
  );
}

function toggled(set: ReadonlySet<string>, name: string): ReadonlySet<string> {
  const next = new Set(set);
  if (!next.delete(name)) next.add(name);
  return next;
}

/** The chart as a sentence, for those who do not see it. */
function sentence(name: string, model: ChartModel): string {
  const lines = model.lines.map((line) => `${line.name}: last ${valueText(line.unit, line.last)}`).join("; ");
  return `${name}, ${absoluteText(model.fromMs)} to ${absoluteText(model.toMs)}. ${lines || "No series"}.`;
}

function FlagStrip({ model }: { model: ChartModel }) {
  const span = model.toMs - model.fromMs;
  return (
    <div className="relative h-4" style={{ marginLeft: LEFT, marginRight: RIGHT }}>
      {model.flags.map((flag, index) => (
        <FlagMark key={`${flag.kind}${flag.atMs}${index}`} flag={flag} share={Math.max(0, (flag.atMs - model.fromMs) / span)} />
      ))}
    </div>
  );
}

function FlagMark({ flag, share }: { flag: Flag; share: number }) {
  const Icon = flagIcons[flag.kind] ?? FlagIcon;
  const words = `${flag.text}, ${absoluteText(flag.atMs)}${flag.toMs ? ` to ${absoluteText(flag.toMs)}` : ""}`;
  const mark = "absolute top-0 grid size-4 -translate-x-1/2 place-items-center rounded-sm bg-secondary text-muted-foreground hover:text-foreground";
  return (
    <Tooltip content={words}>
      {flag.href ? (
        <Link href={flag.href} aria-label={words} className={mark} style={{ left: `${share * 100}%` }}>
          <Icon className="size-2.5" aria-hidden />
        </Link>
      ) : (
        <span role="img" tabIndex={0} aria-label={words} className={mark} style={{ left: `${share * 100}%` }}>
          <Icon className="size-2.5" aria-hidden />
        </span>
      )}
    </Tooltip>
  );
}

function Legend({ model, hidden, onToggle }: { model: ChartModel; hidden: ReadonlySet<string>; onToggle: (line: string) => void }) {
  return (
    <ul className="flex min-h-7.5 flex-wrap items-center gap-x-3 gap-y-0.5 px-3 pb-1.5 text-xs">
      {model.lines.map((line) => (
        <li key={line.name} className="min-w-0">
          <button
            type="button"
            aria-pressed={!hidden.has(line.name)}
            title={hidden.has(line.name) ? "Show this series" : "Hide this series"}
            className={cn("flex min-h-6 min-w-0 items-center gap-1.5 rounded-sm", hidden.has(line.name) && "line-through opacity-60")}
            onClick={() => onToggle(line.name)}
          >
            <span aria-hidden className="h-0.5 w-3 shrink-0 rounded-full" style={{ background: `var(--chart-${line.color})` }} />
            <span className="truncate">{line.name}</span>
            <span className="tnum text-muted-foreground">{valueText(line.unit, line.last)}</span>
            {line.sample > 0 ? <span className="tnum text-muted-foreground">n={countText(line.sample)}</span> : null}
          </button>
        </li>
      ))}
    </ul>
  );
}

function TableTwin({ model, height, name }: { model: ChartModel; height: number; name: string }) {
  const rows = model.times.map((time, index) => ({ time, index })).filter(({ index }) => model.lines.some((line) => line.values[index] !== null));
  return (
    <div className="overflow-y-auto" style={{ height }}>
      <Table label={`${name}, as a table`}>
        <thead>
          <tr>
            <Th>Time</Th>
            {model.lines.map((line) => (
              <Th key={line.name} numeric>
                {line.name}
              </Th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.reverse().map(({ time, index }) => (
            <Tr key={time}>
              <Td className="tnum whitespace-nowrap text-muted-foreground">
                {absoluteText(time * 1000)}
                {model.unfinishedFromMs !== null && time * 1000 >= model.unfinishedFromMs ? " (still filling)" : ""}
              </Td>
              {model.lines.map((line) => (
                <Td key={line.name} numeric className={cn(line.values[index] === null && "text-muted-foreground")}>
                  {valueText(line.unit, line.values[index])}
                </Td>
              ))}
            </Tr>
          ))}
        </tbody>
      </Table>
      {rows.length === 0 ? <p className="px-3 py-2 text-sm text-muted-foreground">Nobody reported a value in this time.</p> : null}
    </div>
  );
}
