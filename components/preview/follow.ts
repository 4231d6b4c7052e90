import type { PreviewView, UnitRow } from "@/server/core/views";
import { rowsOf, type PreviewRow } from "./rows";

export type Progress = "done" | "under way" | "waiting" | "elsewhere";
export type Followed = { row: PreviewRow; progress: Progress; words: string };
/** Of a unit what following needs. */
export type SeenUnit = Pick<UnitRow, "unit" | "workload" | "node"> & { desired: Pick<UnitRow["desired"], "action" | "sinceMs">; state: Pick<UnitRow["state"], "state" | "because"> };

/** Workloads of which units go or come. */
export const followedWorkloads = (p: PreviewView): string[] => [...new Set(rowsOf(p).map((r) => r.workload))].sort();

/**
 * How far a saved change has come: each unit that was to go or come, by what runs now. A move is done when the new unit
 * is healthy and the old one is gone. `others` are units of the same workloads that were asked for since, and of which
 * the preview said nothing.
 */
export function follow(p: PreviewView, units: readonly SeenUnit[]): { list: Followed[]; done: number; others: SeenUnit[] } {
  const at = new Map(units.map((u) => [`${u.unit} ${u.node}`, u]));
  const placed = new Map(units.filter((u) => u.desired.action === "run").map((u) => [u.unit, u]));
  const list = rowsOf(p).filter((r) => r.kind !== "impossible" && r.kind !== "stays" && r.kind !== "waits").map((row): Followed => {
    const arrives = row.to === null ? null : (row.becomes ?? row.unit);
    const come = arrives === null ? null : at.get(`${arrives} ${row.to}`);
    const left = row.from === null ? null : at.get(`${row.unit} ${row.from}`);
    const say = (progress: Progress, words: string): Followed => ({ row, progress, words });
    if (arrives === null) return left ? (left.desired.action === "stop" ? say("under way", `stopping on ${row.from}`) : say("waiting", `still runs on ${row.from}`)) : say("done", `gone from ${row.from}`);
    if (!come || come.desired.action !== "run") {
      const other = placed.get(arrives);
      if (other && other.node !== row.from) return say("elsewhere", `went to ${other.node} instead`);
      return say("waiting", left ? `still runs on ${row.from}` : "not placed yet");
    }
    if (come.state.state !== "healthy") return say("under way", `on ${row.to}: ${come.state.because || come.state.state}`);
    if (left) return say("under way", `serves on ${row.to}; ${left.desired.action === "stop" ? "stopping" : "still runs"} on ${row.from}`);
    return say("done", `runs on ${row.to}`);
  });
  const expected = new Set(list.map((f) => `${f.row.becomes ?? f.row.unit} ${f.row.to ?? ""}`));
  const elsewhere = new Set(list.filter((f) => f.progress === "elsewhere").map((f) => f.row.becomes ?? f.row.unit));
  const others = units.filter((u) => u.desired.action === "run" && u.desired.sinceMs > p.asOfMs && !expected.has(`${u.unit} ${u.node}`) && !elsewhere.has(u.unit));
  return { list, done: list.filter((f) => f.progress === "done").length, others };
}
