import type { IncomingMessage, ServerResponse } from "node:http";
import type { Actor, ProjectRef } from "../core/access/actor";
import { isRefused } from "../core/base/refusal";
import type { PutInput, PutResult } from "./put";

const statusOf: Record<string, number> = { invalid_input: 400, digest_mismatch: 422, too_large: 413 };

/**
 * `PUT …/{digest}?name=&mediaType=` with the raw bytes as body, for a door that has checked who asks and what he may do.
 * Answers 201 (or 200 when the project had it) with `{digest, sizeBytes, created}`, or a typed error. Other errors are
 * thrown on.
 */
export async function handleUpload(put: (actor: Actor, project: ProjectRef, input: PutInput) => Promise<PutResult>, request: IncomingMessage, response: ServerResponse, actor: Actor, project: ProjectRef): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  const digest = safeDecode(url.pathname.split("/").at(-1) ?? "");
  const length = Number(request.headers["content-length"]);
  const answer = (status: number, body: unknown) => {
    const text = `${JSON.stringify(body)}\n`;
    if (!request.complete) {
      // The rest of the body would be taken for the next request. It is read away for a moment, so that the sender gets to see the answer.
      response.setHeader("connection", "close");
      request.resume();
      setTimeout(() => request.destroy(), 5_000).unref();
    }
    response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text), "cache-control": "no-store" }).end(text);
  };
  try {
    const result = await put(actor, project, {
      digest,
      name: url.searchParams.get("name") ?? "",
      mediaType: url.searchParams.get("mediaType") ?? "application/octet-stream",
      sizeBytes: Number.isSafeInteger(length) && length >= 0 ? length : null,
      // A refusal in the middle must not take the connection, and the answer, with it.
      body: request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>,
    });
    answer(result.created ? 201 : 200, result);
  } catch (error) {
    // The sender hung up: there is nobody to answer, and what came was removed.
    if (request.destroyed && !request.complete) return void response.destroy();
    if (!isRefused(error)) throw error;
    const r = error.holdfastRefusal;
    answer(statusOf[r.code] ?? 409, { error: { code: r.code, message: r.message, remedy: r.remedy, ...(r.fields?.[0] ? { field: r.fields[0].path } : {}) }, refusal: r });
  }
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
