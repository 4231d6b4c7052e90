"use client";

import { useEffect, useRef, useState } from "react";
import { ChartLine, Table2 } from "lucide-react";
import { countText } from "@/components/chart";
import { At, clockText, useNow } from "@/components/state";
import { Button } from "@/components/ui/button";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import type { EvidenceSeries } from "@/server/core/views";
import { bandOf } from "./band";
import { neutralOn } from "./interval-scale";
import { effectText, kindWord, marginOn, oddsText } from "./words";

const H = 150;
const LEFT = 62;
const BOTTOM = 20;

/**
 * One kind of evidence over time: the estimate, the band that holds at all times at once, "no difference" and the margin. Where
 * nothing was measured there is a gap. The same as a table behind the button.
 */
export function BandChart({ series: s, title }: { series: EvidenceSeries; title?: string }) {
  const [asTable, setAsTable] = useState(false);
  const name = title ?? kindWord[s.kind];
  return (
    <figure className="min-w-0 rounded-md border bg-card" aria-label={name}>
      <figcaption className="flex h-8 items-center gap-2 pl-3 pr-1">
        <span className="min-w-0 truncate text-sm font-medium">{name}</span>
        <span className="ml-auto truncate text-xs text-muted-foreground">{legend(s)}</span>
        <Button variant="ghost" size="icon-sm" aria-pressed={asTable} aria-label={asTable ? `Show ${name} as a chart` : `Show ${name} as a table`} title={asTable ? "As a chart" : "As a table"} onClick={() => setAsTable(!asTable)}>
          {asTable ? <ChartLine aria-hidden /> : <Table2 aria-hidden />}
        </Button>
      </figcaption>
      {asTable ? <Twin series={s} name={name} /> : <Plot series={s} name={name} />}
    </figure>
  );
}

const legend = (s: EvidenceSeries): string => {
  const last = s.points.at(-1);
  return last ? `last ${effectText(s.scale, last.value)}, n=${countText(last.canary)}` : "";
};

/** The width of an element as it stands on the page; text of a drawing that is scaled would be scaled with it. */
function useWidth() {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(420);
  // The outside system is the layout of the page.
  useEffect(() => {
    const box = ref.current;
    if (!box) return;
    const watch = new ResizeObserver(() => setWidth(Math.max(200, box.clientWidth)));
    watch.observe(box);
    return () => watch.disconnect();
  }, []);
  return { ref, width };
}

function Plot({ series: s, name }: { series: EvidenceSeries; name: string }) {
  const { ref, width } = useWidth();
  return (
    <div ref={ref} className="min-w-0 overflow-hidden">
      <Drawing series={s} name={name} width={width} />
    </div>
  );
}

function Drawing({ series: s, name, width: W }: { series: EvidenceSeries; name: string; width: number }) {
  const now = useNow();
  const b = bandOf(s, { left: LEFT, right: W - 8, top: 6, bottom: H - BOTTOM });
  const first = s.points[0];
  const last = s.points.at(-1);
  if (!b || !first || !last) return null;
  const none = neutralOn(s.scale);
  const margin = marginOn(s.scale, last.margin);
  return (
    <svg width={W} height={H} className="block" role="img" aria-label={`${name}: ${effectText(s.scale, last.value)}, between ${effectText(s.scale, last.low)} and ${effectText(s.scale, last.high)} at the end; the margin is ${effectText(s.scale, margin)}.`}>
      {b.ticks.map((t) => (
        <g key={t}>
          <line x1={LEFT} x2={W - 8} y1={b.y(t)} y2={b.y(t)} stroke="var(--chart-grid)" />
          <text x={LEFT - 6} y={b.y(t) + 3.5} textAnchor="end" fontSize={10.5} fill="var(--muted-foreground)">
            {effectText(s.scale, t)}
          </text>
        </g>
      ))}
      {b.bands.map((d) => (
        <path key={d} d={d} fill="var(--chart-1)" opacity={0.16} />
      ))}
      {none === null ? null : <line x1={LEFT} x2={W - 8} y1={b.y(none)} y2={b.y(none)} stroke="var(--border-strong)" />}
      <path d={b.margin} fill="none" stroke="var(--failing)" strokeDasharray="4 3" strokeWidth={1.4} />
      {b.lines.map((d) => (
        <path key={d} d={d} fill="none" stroke="var(--chart-1)" strokeWidth={1.6} />
      ))}
      <g fontSize={10.5} fill="var(--muted-foreground)">
        <text x={LEFT} y={H - 6}>{now === null ? "" : clockText(first.atMs, now)}</text>
        <text x={W - 8} y={H - 6} textAnchor="end">{now === null ? "" : clockText(last.atMs, now)}</text>
        <text x={W - 10} y={b.y(margin) + (b.y(margin) < 22 ? 11 : -4)} textAnchor="end" fill="var(--failing)">margin</text>
      </g>
    </svg>
  );
}

function Twin({ series: s, name }: { series: EvidenceSeries; name: string }) {
  return (
    <div className="max-h-60 overflow-y-auto">
      <Table label={`${name}, as a table`}>
        <thead>
          <tr>
            <Th>Time</Th>
            <Th numeric>Effect</Th>
            <Th numeric>At least</Th>
            <Th numeric>At most</Th>
            <Th numeric>Margin</Th>
            <Th numeric>Worse, 1 in</Th>
            <Th numeric>No worse, 1 in</Th>
            <Th numeric>Sample</Th>
          </tr>
        </thead>
        <tbody>
          {[...s.points].reverse().map((p) => (
            <Tr key={p.atMs}>
              <Td className="text-muted-foreground">
                <At at={p.atMs} />
              </Td>
              <Td numeric>{effectText(s.scale, p.value)}</Td>
              <Td numeric>{effectText(s.scale, p.low)}</Td>
              <Td numeric>{effectText(s.scale, p.high)}</Td>
              <Td numeric>{effectText(s.scale, marginOn(s.scale, p.margin))}</Td>
              <Td numeric>{oddsText(Math.max(1, p.against))}</Td>
              <Td numeric>{oddsText(Math.max(1, p.notWorse))}</Td>
              <Td numeric>
                {countText(p.canary)} / {countText(p.stable)}
              </Td>
            </Tr>
          ))}
        </tbody>
      </Table>
    </div>
  );
}
