import type { ServerResponse } from "node:http";
import type { Refusal } from "../../core/base/refusal";
import { statusFor } from "../errors";

/** Answers with JSON and no caching. */
export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" });
  response.end(`${JSON.stringify(body)}\n`);
}

/** Answers with a refusal in the same shape as tRPC's `error.data.refusal`. */
export function answerRefusal(response: ServerResponse, refusal: Refusal, requestId?: string): void {
  answerJson(response, statusFor[refusal.code], { error: { refusal, requestId: requestId ?? null } });
}

/** Answers one line of text. */
export function answerText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" });
  response.end(text);
}
