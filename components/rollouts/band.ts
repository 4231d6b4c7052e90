import type { EvidenceSeries } from "@/server/core/views";
import { neutralOn } from "./interval-scale";
import { marginOn } from "./words";

type Box = { left: number; right: number; top: number; bottom: number };
export type Band = { y: (value: number) => number; ticks: number[]; bands: string[]; lines: string[]; margin: string };

/**
 * Paths of a series' estimate, band and margin within a box. The scale follows the second half of the series, where the band has
 * narrowed; what lies outside is cut at the edge. A stretch without a measured value is a gap. Null without any value.
 */
export function bandOf(s: Pick<EvidenceSeries, "scale" | "points">, box: Box): Band | null {
  const measured = s.points.filter((p) => p.value !== null);
  const first = s.points[0];
  const last = s.points.at(-1);
  if (measured.length === 0 || !first || !last) return null;
  const none = neutralOn(s.scale);
  const settled = measured.slice(Math.floor(measured.length / 2));
  const all = [...settled.flatMap((p) => [p.value, p.low, p.high]), ...s.points.map((p) => marginOn(s.scale, p.margin)), none].filter((v): v is number => v !== null && Number.isFinite(v));
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = (high - low) * 0.12 || Math.abs(high) * 0.1 || 0.01;
  const [from, to] = [low - room, high + room];
  const y = (v: number) => Math.min(box.bottom, Math.max(box.top, box.bottom - ((v - from) / (to - from)) * (box.bottom - box.top)));
  const span = Math.max(1, last.atMs - first.atMs);
  const x = (atMs: number) => box.left + ((atMs - first.atMs) / span) * (box.right - box.left);
  const at = (atMs: number, v: number) => `${x(atMs).toFixed(1)} ${y(v).toFixed(1)}`;
  const runs = runsOf(s.points);
  return {
    y,
    ticks: [0.15, 0.5, 0.85].map((share) => from + (to - from) * share),
    bands: runs.flatMap((run) => {
      const known = run.filter((p) => p.low !== null && p.high !== null);
      if (known.length < 2) return [];
      return [`M${known.map((p) => at(p.atMs, p.high ?? 0)).join("L")}L${[...known].reverse().map((p) => at(p.atMs, p.low ?? 0)).join("L")}Z`];
    }),
    lines: runs.map((run) => `M${run.map((p) => at(p.atMs, p.value ?? 0)).join("L")}${run.length === 1 ? "h2" : ""}`),
    margin: `M${s.points.map((p) => at(p.atMs, marginOn(s.scale, p.margin))).join("L")}${s.points.length === 1 ? `H${box.right}` : ""}`,
  };
}

/** Stretches of points with a value; between them nothing was measured. */
function runsOf(points: EvidenceSeries["points"]): EvidenceSeries["points"][] {
  const runs: EvidenceSeries["points"][] = [];
  let run: EvidenceSeries["points"] = [];
  for (const p of points) {
    if (p.value !== null) run.push(p);
    else if (run.length > 0) {
      runs.push(run);
      run = [];
    }
  }
  return run.length > 0 ? [...runs, run] : runs;
}
