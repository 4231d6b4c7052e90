import { latencyText, shareText } from "@/components/chart/units";
import type { PreviewView } from "@/server/core/views";

/** What becomes of a unit, by how much a reader has to know it: what finds no node comes first, what has none now either last. */
export const previewKinds = ["impossible", "stays", "moves", "gone", "added", "waits"] as const;
export type PreviewKind = (typeof previewKinds)[number];
export type PreviewRow = { id: string; kind: PreviewKind; workload: string; unit: string; becomes: string | null; from: string | null; to: string | null; because: string; makesWay: boolean };

export const kindWord: Record<PreviewKind, string> = { impossible: "no node", stays: "stays", moves: "moves", gone: "stops", added: "starts", waits: "still waits" };

/** The same of several units: "3 stay", "1 stops". */
export const countWord = (kind: PreviewKind, n: number): string => (kind === "impossible" ? "without a node" : n === 1 ? kindWord[kind] : kindWord[kind].replace(/s$/, ""));

/** The lists of a preview as one. A unit that makes way for a higher priority is marked where it goes, not listed twice. */
export function rowsOf(p: Pick<PreviewView, "moves" | "added" | "gone" | "evicted" | "impossible" | "stays">): PreviewRow[] {
  const way = new Set(p.evicted.map((e) => `${e.unit} ${e.from}`));
  const row = (kind: PreviewKind, r: { workload: string; unit: string; because: string; becomes?: string; from?: string; to?: string }): PreviewRow => {
    const from = r.from ?? null;
    const becomes = r.becomes !== undefined && r.becomes !== r.unit ? r.becomes : null;
    return { id: `${kind} ${r.unit} ${from ?? ""} ${r.to ?? ""}`, kind, workload: r.workload, unit: r.unit, becomes, from, to: r.to ?? null, because: r.because, makesWay: from !== null && way.has(`${r.unit} ${from}`) };
  };
  // The name of a unit that is missing is free for it only once the one that has it now is gone.
  const taken = new Set([...p.moves, ...p.gone, ...p.stays].map((r) => r.unit));
  const rows = [
    // The replacement of a unit that stays is told where that unit is.
    ...p.impossible.filter((r) => r.standing !== "replaces").map((r) => row(r.standing === "asNow" ? "waits" : "impossible", taken.has(r.unit) ? { ...r, unit: `one more of ${r.workload}` } : r)),
    ...p.stays.map((r) => row("stays", { ...r, from: r.node })),
    ...p.moves.map((r) => row("moves", r)),
    ...p.gone.map((r) => row("gone", r)),
    ...p.added.map((r) => row("added", r)),
  ];
  // Within a kind those that make way come first: somebody decided against them.
  return rows.map((r, i) => ({ r: { ...r, id: `${r.id} ${i}` }, i })).sort((a, b) => previewKinds.indexOf(a.r.kind) - previewKinds.indexOf(b.r.kind) || Number(b.r.makesWay) - Number(a.r.makesWay) || a.i - b.i).map(({ r }) => r);
}

/** How many of each kind, those included that a list was too long to send. */
export function countsOf(p: Pick<PreviewView, "counts">): { kind: PreviewKind; n: number }[] {
  const { asNow, replaces, ...c } = p.counts;
  const of = { ...c, impossible: c.impossible - asNow - replaces, waits: asNow };
  return previewKinds.map((kind) => ({ kind, n: of[kind] })).filter((x) => x.n > 0);
}

/** Rows that are counted but were not sent. */
export const unsent = (p: Pick<PreviewView, "counts">, rows: readonly PreviewRow[]): number => Math.max(0, countsOf(p).reduce((n, c) => n + c.n, 0) - rows.length);

const fine = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 4 });
const coarse = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const percent = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 1, signDisplay: "exceptZero" });

/** "1.20 to 1.30 EUR an hour (+8.3 %)"; what does not change is said once. */
export function costText(c: PreviewView["cost"][number]): string {
  // Both amounts with as many digits, and no more than a reader can use.
  const money = Math.max(c.before, c.after) < 10 ? fine : coarse;
  if (money.format(c.before) === money.format(c.after)) return `${money.format(c.after)} ${c.currency} an hour, as now`;
  const share = c.before > 0 ? ` (${percent.format(((c.after - c.before) / c.before) * 100)}\u00a0%)` : "";
  return `${money.format(c.before)} to ${money.format(c.after)} ${c.currency} an hour${share}`;
}

const reach = (ms: number | null): string => (ms === null ? "out of reach" : latencyText(ms));

/** "12 ms to 20 ms; 2 more sites reach none". */
export function wayText(l: PreviewView["latency"][number]): string {
  const more = l.unreachedAfter - l.unreachedBefore;
  const sites = (n: number): string => `; ${n} more ${n === 1 ? "site reaches" : "sites reach"}`;
  if (l.afterMs === null) return `${reach(l.beforeMs)} now; no site would reach one`;
  const words = more > 0 ? `${sites(more)} none` : more < 0 ? `${sites(-more)} one` : "";
  return `${reach(l.beforeMs)} to ${reach(l.afterMs)}${words}`;
}

/** Share of idle accelerators that the units of the project could not use. */
export function fragmentationText(f: { before: number; after: number }): string {
  return shareText(f.before) === shareText(f.after) ? `${shareText(f.after)} of accelerators, as now` : `${shareText(f.before)} to ${shareText(f.after)} of accelerators`;
}

/** "3 units of digits, 1 of web"; null when none is updated where it is. */
export function updatesText(updates: PreviewView["updates"]): string | null {
  if (updates.length === 0) return null;
  const [first, ...rest] = updates.map((u, i) => `${u.units}${i === 0 ? (u.units === 1 ? " unit" : " units") : ""} of ${u.workload}`);
  return rest.length > 4 ? `${first}, ${rest.slice(0, 3).join(", ")} and of ${rest.length - 3} more workloads` : [first, ...rest].join(", ");
}

/** True when nothing becomes of any unit. */
export const isQuiet = (p: Pick<PreviewView, "counts" | "updates">): boolean => countsOf(p).every((c) => c.kind === "waits") && p.updates.length === 0;

/** The first characters of a digest: what tells two apart at a glance. */
export const shortDigest = (digest: string): string => `${digest.replace(/^sha256:/, "").slice(0, 12)}`;
