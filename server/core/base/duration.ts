import { z } from "zod";

const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads "90s", "1h30m", "250ms", "7d" as milliseconds; null when it is no duration. */
export function parseDurationMs(text: string): number | null {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return null;
  let total = 0;
  for (const [, n, u] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) total += Number(n) * (unitMs[u ?? ""] ?? 0);
  return total;
}

/** Writes milliseconds as the shortest exact form of the two largest units, such as "1h30m" or "45s". */
export function formatDurationMs(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  const parts: string[] = [];
  let rest = Math.round(ms / 1_000) * 1_000;
  for (const u of ["d", "h", "m", "s"] as const) {
    const size = unitMs[u] ?? 1;
    const n = Math.floor(rest / size);
    if (n > 0) parts.push(`${n}${u}`);
    rest -= n * size;
    if (parts.length === 2) break;
  }
  return parts.join("");
}

/** A duration in a manifest: text such as "30s" or "1h30m". Kept as text; read with `parseDurationMs`. */
export const duration = z.string().refine((t) => parseDurationMs(t) !== null, "write a duration such as 500ms, 30s, 5m, 1h30m or 7d");
