import type { ServerResponse } from "node:http";
import type { Refusal } from "../../core/base/refusal";
import { httpFor, statusFor } from "../errors";

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

/** Answers a whole tRPC request with one refusal, in the shape that tRPC's clients read; once for each call of a batch. */
export function answerTrpcRefusal(response: ServerResponse, refusal: Refusal, o: { requestId: string; calls: number; batch: boolean }): void {
  const one = { error: { json: { message: refusal.message, code: -32_600, data: { code: httpFor[refusal.code], httpStatus: statusFor[refusal.code], refusal, requestId: o.requestId } } } };
  answerJson(response, statusFor[refusal.code], o.batch ? Array.from({ length: o.calls }, () => one) : one);
}
