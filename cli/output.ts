import { stringify } from "yaml";
import type { Io } from "./io";

export const outputFormats = ["table", "json", "yaml"] as const;
export type OutputFormat = (typeof outputFormats)[number];

export type Column<T> = { title: string; of: (row: T) => string | number | null | undefined };

/** Control characters would let a name of somebody else's move the cursor or recolour the terminal. */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const plain = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, " ");
const cell = (value: string | number | null | undefined): string => (value === null || value === undefined || value === "" ? "-" : plain(String(value)).replace(/[\n\t]+/g, " "));

/** Rows as a table: titles in capitals, columns as wide as they must be, two spaces between. */
export function writeTable<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const lines = [columns.map((c) => c.title.toUpperCase()), ...rows.map((row) => columns.map((c) => cell(c.of(row))))];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => (line[i] ?? "").length)));
  return lines.map((line) => line.map((text, i) => (i === line.length - 1 ? text : text.padEnd(widths[i] ?? 0))).join("  ").trimEnd()).join("\n");
}

/** Writes a list in the format that was asked for. JSON and YAML carry the views as the API gives them. */
export function showList<T>(io: Io, format: OutputFormat, columns: readonly Column<T>[], rows: readonly T[], empty: string): void {
  if (format === "json") io.out(`${JSON.stringify(rows, null, 2)}\n`);
  else if (format === "yaml") io.out(stringify(rows));
  else if (rows.length === 0) io.err(`${empty}\n`);
  else io.out(`${writeTable(columns, rows)}\n`);
}

/** Writes one object; as a table, its named facts one a line. */
export function showOne(io: Io, format: OutputFormat, value: unknown, facts: readonly [string, string | number | null | undefined][]): void {
  if (format === "json") return io.out(`${JSON.stringify(value, null, 2)}\n`);
  if (format === "yaml") return io.out(stringify(value));
  const width = Math.max(...facts.map(([name]) => name.length));
  io.out(`${facts.map(([name, text]) => `${`${name}:`.padEnd(width + 2)}${cell(text)}`).join("\n")}\n`);
}

/** How long ago, in the largest unit: `40s`, `5m`, `3h`, `12d`. */
export function age(nowMs: number, thenMs: number | null | undefined): string | null {
  if (thenMs === null || thenMs === undefined) return null;
  const s = Math.max(0, Math.round((nowMs - thenMs) / 1_000));
  if (s < 120) return `${s}s`;
  if (s < 7_200) return `${Math.round(s / 60)}m`;
  return s < 172_800 ? `${Math.round(s / 3_600)}h` : `${Math.round(s / 86_400)}d`;
}

/** A count that may be uncertain: `3/3`, or `41-57/60` while something is silent. */
export const count = (c: { min: number; max: number; total: number }): string => `${c.min === c.max ? c.min : `${c.min}-${c.max}`}/${c.total}`;
export const bytes = (n: number | null): string | null => {
  if (n === null) return null;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const i = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(n) / 10));
  return `${(n / 1024 ** i).toFixed(i === 0 || n / 1024 ** i >= 100 ? 0 : 1)} ${units[i] ?? "B"}`;
};
export const percent = (share: number | null): string | null => (share === null ? null : `${(share * 100).toFixed(1)} %`);
export const time = (ms: number | null | undefined): string | null => (ms === null || ms === undefined ? null : new Date(ms).toISOString().replace(".000Z", "Z"));
