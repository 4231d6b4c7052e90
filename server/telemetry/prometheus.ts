import { z } from "zod";
import { parseDurationMs } from "../core/base/duration";

/** Where a Prometheus is and how it is asked: what its named setting says. */
export interface PrometheusSetting {
  /** Base address, such as https://prometheus.example.com or http://10.0.0.5:9090/prefix. */
  address: string;
  headers: Readonly<Record<string, string>>;
  timeoutMs: number;
}
export type PrometheusErrorCode = "badSetting" | "unreachable" | "timeout" | "unauthorized" | "badQuery" | "unavailable" | "tooLarge" | "unexpected";
/** Why there is no answer. The message is for people and holds nothing of headers. */
export interface PrometheusError {
  code: PrometheusErrorCode;
  message: string;
}
export type SampleValue = number | "NaN" | "+Inf" | "-Inf";
export interface RangeSeries {
  labels: Readonly<Record<string, string>>;
  points: { atMs: number; value: SampleValue }[];
}
export type RangeResult = { ok: true; series: RangeSeries[]; warnings: string[] } | { ok: false; error: PrometheusError };

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 16 * 2 ** 20;
/** Prometheus refuses more points of one series than this. */
const MAX_POINTS = 11_000;

const failed = (code: PrometheusErrorCode, message: string): { ok: false; error: PrometheusError } => ({ ok: false, error: { code, message } });

const header = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/);
const settingSchema = z.strictObject({
  address: z.string(),
  authorization: header.optional(),
  headers: z.record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/), header).default({}),
  timeout: z.string().refine((t) => parseDurationMs(t) !== null).default(`${DEFAULT_TIMEOUT_MS}ms`),
});

/** Reads a setting: an address alone, or JSON with `address`, `authorization`, `headers` and `timeout`. */
export function readPrometheusSetting(text: string): { ok: true; setting: PrometheusSetting } | { ok: false; error: PrometheusError } {
  const wanted = 'Write an address, or {"address": "https://…", "authorization": "Bearer …", "headers": {…}, "timeout": "10s"}.';
  let value: unknown = { address: text.trim() };
  if (text.trim().startsWith("{")) {
    try {
      value = JSON.parse(text);
    } catch {
      return failed("badSetting", `The setting is not JSON. ${wanted}`);
    }
  }
  const parsed = settingSchema.safeParse(value);
  if (!parsed.success) return failed("badSetting", `The setting's ${parsed.error.issues[0]?.path.join(".") || "form"} is not right. ${wanted}`);
  const { address, authorization, headers, timeout } = parsed.data;
  const url = URL.canParse(address) ? new URL(address) : null;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) return failed("badSetting", `The setting's address is no http or https address. ${wanted}`);
  if (url.username || url.password || url.search || url.hash) return failed("badSetting", "The setting's address has credentials or a query in it. Put credentials into authorization.");
  return { ok: true, setting: { address: url.href.replace(/\/+$/, ""), headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) }, timeoutMs: Math.min(120_000, Math.max(100, parseDurationMs(timeout) ?? DEFAULT_TIMEOUT_MS)) } };
}

const answerSchema = z.object({
  status: z.enum(["success", "error"]),
  errorType: z.string().optional(),
  error: z.string().optional(),
  warnings: z.array(z.string()).optional(),
  data: z.object({ resultType: z.string(), result: z.unknown() }).optional(),
});
const matrixSchema = z.array(z.object({ metric: z.record(z.string(), z.string()), values: z.array(z.tuple([z.number(), z.string()])).optional() }));

/**
 * Asks for a query's values from one time to another, one each step (Prometheus HTTP API, /api/v1/query_range). Spans of
 * more points than a server gives at once are asked for in parts. Redirects are not followed: they would take the
 * credentials elsewhere.
 */
export async function queryRange(p: PrometheusSetting, q: { query: string; fromMs: number; toMs: number; stepMs: number }): Promise<RangeResult> {
  const byLabels = new Map<string, RangeSeries>();
  const warnings = new Set<string>();
  const deadline = AbortSignal.timeout(p.timeoutMs);
  for (let from = q.fromMs; from <= q.toMs; from += MAX_POINTS * q.stepMs) {
    const to = Math.min(q.toMs, from + (MAX_POINTS - 1) * q.stepMs);
    const part = await ask(p, { ...q, fromMs: from, toMs: to }, deadline);
    if (!part.ok) return part;
    for (const s of part.series) {
      const key = JSON.stringify(Object.entries(s.labels).sort(([a], [b]) => (a < b ? -1 : 1)));
      const known = byLabels.get(key);
      if (known) known.points.push(...s.points);
      else byLabels.set(key, s);
    }
    for (const w of part.warnings) warnings.add(w);
  }
  // In the order of their labels, so that the same data always read the same.
  return { ok: true, series: [...byLabels].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, s]) => s), warnings: [...warnings] };
}

async function ask(p: PrometheusSetting, q: { query: string; fromMs: number; toMs: number; stepMs: number }, signal: AbortSignal): Promise<RangeResult> {
  const seconds = (ms: number): string => (ms / 1000).toFixed(3);
  const where = new URL(p.address).host;
  try {
    const response = await fetch(`${p.address}/api/v1/query_range`, {
      method: "POST",
      redirect: "error",
      signal,
      headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded", ...p.headers },
      body: new URLSearchParams({ query: q.query, start: seconds(q.fromMs), end: seconds(q.toMs), step: seconds(q.stepMs), timeout: `${Math.ceil(p.timeoutMs / 1000)}s` }).toString(),
    });
    const text = await bounded(response);
    if (text === null) return failed("tooLarge", `${where} answered with more than ${MAX_ANSWER_BYTES / 2 ** 20} MiB. Ask for fewer series.`);
    return understood(response.status, text, where);
  } catch (e) {
    if (signal.aborted) return failed("timeout", `${where} did not answer within ${p.timeoutMs} ms.`);
    const cause = e instanceof Error && e.cause instanceof Error ? e.cause.message : "";
    return failed("unreachable", `${where} can't be asked${cause ? `: ${cause}` : ""}.`);
  }
}

/** The body as text; null when it is larger than allowed, which is noticed before it is read whole. */
async function bounded(response: Response): Promise<string | null> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const next = await reader?.read();
    if (!next || next.done) return Buffer.concat(parts).toString("utf8");
    const part: Uint8Array = next.value;
    size += part.byteLength;
    if (size > MAX_ANSWER_BYTES) {
      await reader?.cancel();
      return null;
    }
    parts.push(part);
  }
}

function understood(status: number, text: string, where: string): RangeResult {
  if (status === 401 || status === 403) return failed("unauthorized", `${where} refuses access (${status}). Check the setting's authorization.`);
  let value: unknown = null;
  try {
    value = JSON.parse(text);
  } catch {
    // Said below: a proxy's page is no answer of Prometheus.
  }
  const answer = answerSchema.safeParse(value);
  if (!answer.success) return failed(status >= 500 ? "unavailable" : "unexpected", `${where} answered ${status} with something that is no answer of Prometheus.`);
  const a = answer.data;
  if (a.status === "error") {
    const bad = status === 400 || status === 422 || a.errorType === "bad_data" || a.errorType === "execution";
    return failed(bad ? "badQuery" : "unavailable", `${where} says: ${(a.error ?? a.errorType ?? "error").slice(0, 500)}.`);
  }
  const matrix = a.data?.resultType === "matrix" ? matrixSchema.safeParse(a.data.result) : null;
  if (!matrix?.success) return failed("unexpected", `${where} answered with ${a.data?.resultType ?? "nothing"}, and not with values over time.`);
  const series = matrix.data.map((s) => ({ labels: s.metric, points: (s.values ?? []).flatMap(([at, v]) => { const read = valueOf(v); return read === null ? [] : [{ atMs: Math.round(at * 1000), value: read }]; }) }));
  return { ok: true, series, warnings: a.warnings ?? [] };
}

/** A sample's value; JSON has no numbers for those that are not finite. Null for what is none. */
function valueOf(text: string): SampleValue | null {
  if (text === "NaN" || text === "+Inf" || text === "-Inf") return text;
  if (text === "Inf") return "+Inf";
  const n = Number(text);
  return text.trim() === "" || !Number.isFinite(n) ? null : n;
}
