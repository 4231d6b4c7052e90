"use client";

import { useEffect, useRef, useState } from "react";
import { useTheme } from "next-themes";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { cn } from "@/components/ui/cn";
import { absoluteText } from "@/components/state";
import type { ChartModel } from "./prepare";
import { valueText } from "./units";

/** Room left of the plot for the axis, and right of it; flags over the plot are placed by them. */
export const PLOT_LEFT = 56;
export const PLOT_RIGHT = 18;

/**
 * Draws a prepared chart on a canvas. Gaps stay gaps, partitions are hatched, the bucket that is still filling is
 * faded. Dragging over the plot chooses a time range.
 */
export default function TimeSeriesCanvas({
  model,
  height,
  hidden,
  label,
  onZoom,
}: {
  model: ChartModel;
  height: number;
  hidden: ReadonlySet<string>;
  label: string;
  onZoom?: (fromMs: number, toMs: number) => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const { resolvedTheme } = useTheme();

  // The outside system is uPlot's canvas: it is built anew when the model or the theme changes.
  useEffect(() => {
    const host = box.current;
    if (!host) return;
    const color = (name: string) => getComputedStyle(host).getPropertyValue(name).trim();
    const visible = model.lines.filter((line) => !hidden.has(line.name));
    const text = color("--muted-foreground");
    const axis = { stroke: text, grid: { stroke: color("--chart-grid"), width: 1 }, ticks: { show: false }, font: "11px 'Inter Variable', sans-serif" };
    const plot = new uPlot(
      {
        width: host.clientWidth,
        height,
        padding: [6, PLOT_RIGHT, 0, 0],
        legend: { show: false },
        cursor: { points: { size: 6 }, drag: { x: onZoom !== undefined, y: false, setScale: false }, sync: { key: "holdfast-time" } },
        scales: {
          x: { range: () => [model.fromMs / 1000, model.toMs / 1000] },
          y: { range: (_, low, high) => yRange(model.unit, low, high) },
        },
        axes: [
          { ...axis, grid: { show: false }, space: 70, size: 26, values: (_, splits) => timeLabels(splits) },
          { ...axis, size: PLOT_LEFT, space: 34, ...(model.unit === "bytes" ? { incrs: binarySteps } : {}), values: (_, splits) => splits.map((value) => valueText(model.unit, value)) },
        ],
        series: [
          {},
          ...visible.map((line) => ({
            label: line.name,
            stroke: color(`--chart-${line.color}`),
            width: 1.5,
            spanGaps: false,
            points: { show: false },
          })),
        ],
        hooks: {
          drawClear: [(u) => hatchPartitions(u, model, color)],
          draw: [(u) => drawLonePoints(u, visible, color), (u) => fadeUnfinished(u, model, color("--card"))],
          setCursor: [(u) => setAt(u.cursor.idx ?? null)],
          setSelect: [
            (u) => {
              if (onZoom && u.select.width > 8) {
                onZoom(u.posToVal(u.select.left, "x") * 1000, u.posToVal(u.select.left + u.select.width, "x") * 1000);
              }
              u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      [model.times, ...visible.map((line) => line.values)] as uPlot.AlignedData,
      host,
    );
    const watch = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height }));
    watch.observe(host);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [model, hidden, height, onZoom, resolvedTheme]);

  const time = at === null ? null : model.times[at];
  return (
    <div className="relative min-w-0">
      <div ref={box} role="img" aria-label={label} style={{ height }} className="min-w-0 overflow-hidden" />
      {at !== null && time !== undefined && time !== null ? (
        <div className="pointer-events-none absolute right-2.5 top-1 z-10 max-w-[70%] rounded-md bg-popover/95 px-2 py-1 text-xs shadow-pane">
          <p className="tnum text-muted-foreground">{absoluteText(time * 1000)}</p>
          {model.lines
            .filter((line) => !hidden.has(line.name))
            .map((line) => (
              <p key={line.name} className="flex items-center gap-1.5">
                <span aria-hidden className="h-0.5 w-3 rounded-full" style={{ background: `var(--chart-${line.color})` }} />
                <span className="min-w-0 flex-1 truncate">{line.name}</span>
                <span className={cn("tnum", line.values[at] === null && "text-muted-foreground")}>{valueText(line.unit, line.values[at])}</span>
              </p>
            ))}
        </div>
      ) : null}
    </div>
  );
}

// Axis steps that are whole in KiB, MiB and GiB: 1, 2, 4 … and 256, 512 of each.
const binarySteps = Array.from({ length: 50 }, (_, power) => 2 ** power);

function yRange(unit: ChartModel["unit"], low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  // High shares are shown on the upper part of their scale, so that 0.93 against 0.91 is visible; at least a fifth of
  // it, so that noise at the top does not look like a fall.
  if (unit === "share") {
    const from = low > 0.5 ? Math.min(0.8, Math.floor((low - 0.02) * 10) / 10) : 0;
    return [from, low > 0.5 ? 1 : Math.min(1, Math.max(0.05, high * 1.15))];
  }
  return [0, high <= 0 ? 1 : high * 1.12];
}

function timeLabels(splits: number[]): string[] {
  const long = (splits.at(-1) ?? 0) - (splits[0] ?? 0) > 2 * 86_400;
  const seconds = splits.length > 1 && (splits[1] ?? 0) - (splits[0] ?? 0) < 60;
  const format = new Intl.DateTimeFormat("en-GB", long ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}) });
  return splits.map((second) => format.format(second * 1000));
}

function lonely(values: readonly (number | null)[]): number[] {
  const found: number[] = [];
  values.forEach((value, index) => {
    if (value !== null && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null) found.push(index);
  });
  return found;
}

// A lone value between two gaps would be invisible as a line.
function drawLonePoints(u: uPlot, lines: ChartModel["lines"], color: (name: string) => string): void {
  const ratio = window.devicePixelRatio;
  for (const line of lines) {
    u.ctx.fillStyle = color(`--chart-${line.color}`);
    for (const index of lonely(line.values)) {
      const x = u.valToPos(u.data[0][index] ?? 0, "x", true);
      const y = u.valToPos(line.values[index] ?? 0, "y", true);
      u.ctx.beginPath();
      u.ctx.arc(x, y, 2 * ratio, 0, 2 * Math.PI);
      u.ctx.fill();
    }
  }
}

function hatchPartitions(u: uPlot, model: ChartModel, color: (name: string) => string): void {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const ratio = window.devicePixelRatio;
  for (const flag of model.flags) {
    if (flag.kind !== "partition") continue;
    const from = Math.max(left, u.valToPos(flag.atMs / 1000, "x", true));
    const to = Math.min(left + width, u.valToPos((flag.toMs ?? model.toMs) / 1000, "x", true));
    if (to <= from) continue;
    ctx.save();
    ctx.beginPath();
    ctx.rect(from, top, to - from, height);
    ctx.clip();
    ctx.strokeStyle = color("--hatch");
    ctx.lineWidth = 1.5 * ratio;
    ctx.beginPath();
    for (let x = from - height; x < to; x += 6 * ratio) {
      ctx.moveTo(x, top + height);
      ctx.lineTo(x + height, top);
    }
    ctx.stroke();
    ctx.restore();
  }
  for (const flag of model.flags) {
    const x = u.valToPos(flag.atMs / 1000, "x", true);
    if (x < left || x > left + width) continue;
    ctx.save();
    ctx.strokeStyle = color("--border-strong");
    ctx.lineWidth = ratio;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    ctx.restore();
  }
}

function fadeUnfinished(u: uPlot, model: ChartModel, ground: string): void {
  if (model.unfinishedFromMs === null) return;
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const from = Math.max(left, u.valToPos(model.unfinishedFromMs / 1000, "x", true) - 2);
  if (from >= left + width) return;
  ctx.save();
  ctx.globalAlpha = 0.6;
  ctx.fillStyle = ground;
  ctx.fillRect(from, top, left + width - from, height);
  ctx.restore();
}
