import { Agent, request } from "node:http";

/** An answer over HTTP: status and body as text. */
export type Answer = { readonly status: number; readonly body: string };

export type HttpCall = { readonly method: "GET" | "POST"; readonly url: string; readonly token?: string; readonly body?: unknown; readonly timeoutMs: number };

/** Answers larger than this are given up; every answer in the pilot is far smaller. */
const MAX_ANSWER_BYTES = 1_048_576;

/**
 * A small HTTP client that keeps connections open, for programs that run once per node and should stay small.
 * `call` rejects on refused, lost and late connections and resolves with any status.
 */
export class HttpClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 32, maxFreeSockets: 4 });

  call(o: HttpCall): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const payload = o.body === undefined ? undefined : JSON.stringify(o.body);
      const headers: Record<string, string | number> = {};
      if (payload !== undefined) Object.assign(headers, { "content-type": "application/json", "content-length": Buffer.byteLength(payload) });
      if (o.token !== undefined) headers["authorization"] = `Bearer ${o.token}`;
      const outgoing = request(o.url, { method: o.method, agent: this.#agent, headers }, (incoming) => {
        const chunks: Buffer[] = [];
        let size = 0;
        incoming.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_ANSWER_BYTES) incoming.destroy(new Error("the answer is too large"));
          else chunks.push(chunk);
        });
        incoming.on("error", reject);
        incoming.on("close", () => clearTimeout(late));
        incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }));
      });
      // The limit is on the whole exchange, not on silence: a blackholed peer may keep a socket open for ever.
      const late = setTimeout(() => outgoing.destroy(new Error(`no answer within ${o.timeoutMs} ms`)), o.timeoutMs);
      outgoing.on("error", (error) => {
        clearTimeout(late);
        reject(error);
      });
      outgoing.end(payload);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
