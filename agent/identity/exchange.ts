import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";

const ANSWER_TIMEOUT_MS = 20_000;
const MAX_ANSWER_BYTES = 262_144;

/** Opens one HTTP exchange on a verified TLS socket and hands over the answer when its headers are there. */
export function exchange(socket: TLSSocket, o: { method: "GET" | "POST"; host: string; path: string; headers?: Record<string, string>; body?: string; timeoutMs?: number }): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      createConnection: () => socket,
      method: o.method,
      path: o.path,
      headers: {
        host: o.host,
        connection: "close",
        ...(o.body === undefined ? {} : { "content-type": "application/json", "content-length": String(Buffer.byteLength(o.body)) }),
        ...o.headers,
      },
    });
    const late = setTimeout(() => socket.destroy(new Error("the gateway did not answer in time")), o.timeoutMs ?? ANSWER_TIMEOUT_MS);
    outgoing.on("response", (answer) => {
      clearTimeout(late);
      resolve(answer);
    });
    outgoing.on("error", (error) => {
      clearTimeout(late);
      reject(error);
    });
    outgoing.end(o.body);
  });
}

/** Posts JSON and reads the JSON answer; the body is null when the answer is no JSON. */
export async function postJson(socket: TLSSocket, host: string, path: string, value: unknown): Promise<{ status: number; body: unknown; dateMs: number | null }> {
  const answer = await exchange(socket, { method: "POST", host, path, body: JSON.stringify(value) });
  const late = setTimeout(() => socket.destroy(new Error("the gateway's answer stopped half-way")), ANSWER_TIMEOUT_MS);
  try {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) throw new Error("the gateway's answer is too large");
      chunks.push(chunk);
    }
    const date = Date.parse(answer.headers.date ?? "");
    return { status: answer.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString("utf8")), dateMs: Number.isNaN(date) ? null : date };
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
