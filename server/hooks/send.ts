import http from "node:http";
import https from "node:https";
import { isIP } from "node:net";
import { retryAfterMs, type Attempt } from "../core/hooks";
import { isInside, NotPublic, publicLookup } from "./addresses";

const ANSWER_WITHIN_MS = 10_000;
const MOST_ANSWER_BYTES = 65_536;

/**
 * Posts a body once. Redirects are not followed (a receiver could send us inside with one), the answer's body is read up
 * to 64 KiB and thrown away, and everything together takes 10 s at most.
 */
export async function send(o: { url: string; headers: Record<string, string>; body: string; allowPrivate: boolean; nowMs: number; timeoutMs?: number }): Promise<Attempt & { tookMs: number }> {
  const startedMs = performance.now();
  const took = () => Math.round(performance.now() - startedMs);
  try {
    return { ...(await post(o)), tookMs: took() };
  } catch (error) {
    return { fault: faultText(error), tookMs: took() };
  }
}

function post(o: Parameters<typeof send>[0]): Promise<{ status: number; retryAfterMs: number | null }> {
  const url = new URL(o.url);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (!o.allowPrivate && isIP(host) > 0 && isInside(host)) throw new NotPublic(`${host} is not a public address.`);
  const transport = url.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    const request = transport.request(url, {
      method: "POST",
      headers: { ...o.headers, "content-length": String(Buffer.byteLength(o.body)), "user-agent": "holdfast-hooks/1" },
      agent: false,
      signal: AbortSignal.timeout(o.timeoutMs ?? ANSWER_WITHIN_MS),
      ...(o.allowPrivate ? {} : { lookup: publicLookup }),
    });
    request.once("error", reject);
    request.once("response", (response) => {
      let bytes = 0;
      const done = () => resolve({ status: response.statusCode ?? 0, retryAfterMs: retryAfterMs(response.headers["retry-after"], o.nowMs) });
      response.on("data", (piece: Buffer) => {
        bytes += piece.length;
        if (bytes <= MOST_ANSWER_BYTES) return;
        done();
        response.destroy();
      });
      response.once("end", done);
      response.once("error", reject);
    });
    request.end(o.body);
  });
}

/** A fault of the network in words, without addresses of ours. */
function faultText(error: unknown): string {
  if (error instanceof NotPublic) return error.message;
  if (!(error instanceof Error)) return "The request failed.";
  const code = "code" in error ? String(error.code) : "";
  if (error.name === "TimeoutError" || error.name === "AbortError" || code === "ABORT_ERR") return "There was no answer within 10 s.";
  const words: Record<string, string> = { ECONNREFUSED: "Nothing answers at this address.", ECONNRESET: "The connection was closed without an answer.", ENOTFOUND: "The name is not known.", EAI_AGAIN: "The name could not be looked up.", EPROTO: "There is no TLS at this address.", CERT_HAS_EXPIRED: "The receiver's certificate has expired." };
  return words[code] ?? `The request failed: ${error.message.slice(0, 200)}.`;
}
