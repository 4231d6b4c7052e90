import type { RouterOutputs } from "../../server/trpc";
import type { Io } from "../io";
import { writeTable } from "../output";

/** What a change would do, in words: the sentence, each unit that is touched, cost and ways to clients. */
export function showPreview(io: Pick<Io, "out">, p: RouterOutputs["placement"]["preview"]): void {
  io.out(`${p.sentence}\n`);
  const rows = [
    ...p.moves.map((m) => ({ what: "moves", unit: m.unit, from: m.from, to: m.to, because: m.because })), ...p.added.map((m) => ({ what: "starts", unit: m.unit, from: null, to: m.to, because: m.because })),
    ...p.evicted.map((m) => ({ what: "makes way", unit: m.unit, from: m.from, to: null, because: m.because })), ...p.gone.map((m) => ({ what: "stops", unit: m.unit, from: m.from, to: null, because: m.because })), ...p.impossible.filter((m) => m.standing !== "replaces").map((m) => ({ what: m.standing === "asNow" ? "still waits" : "no node", unit: m.unit, from: null, to: null, because: m.because })),
    ...p.stays.map((m) => ({ what: "stays", unit: m.unit, from: m.node, to: null, because: m.because })),
  ];
  if (rows.length > 0) io.out(`\n${writeTable([{ title: "what", of: (r) => r.what }, { title: "unit", of: (r) => r.unit }, { title: "from", of: (r) => r.from }, { title: "to", of: (r) => r.to }, { title: "because", of: (r) => r.because }], rows)}\n`);
  for (const c of p.cost) if (c.before !== c.after) io.out(`Cost an hour: ${c.before.toFixed(4)} ${c.currency} before, ${c.after.toFixed(4)} after.\n`);
  for (const l of p.latency) io.out(`Way to the nearest unit of ${l.workload}: ${l.beforeMs ?? "-"} ms before, ${l.afterMs ?? "-"} ms after${l.unreachedAfter > l.unreachedBefore ? `; ${l.unreachedAfter - l.unreachedBefore} more sites reach none` : ""}.\n`);
}
