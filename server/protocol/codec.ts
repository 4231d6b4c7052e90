/**
 * Text frames to messages and back. Both ends use it, so that they agree on what is too large, what is malformed and
 * what may be ignored: a field that the other side does not know yet is dropped (and named in `ignored`), so that a
 * gateway one minor version ahead never strands an agent; anything else that does not fit is refused with a path.
 */
import { z } from "zod";
import { err, ok } from "../core/base/result";
import type { Result } from "../core/base/result";
import { agentMessage, gatewayMessage, MAX_FRAME_BYTES } from "./messages";
import type { AgentMessage, GatewayMessage } from "./messages";

export type CodecError = {
  code: "too_large" | "malformed";
  message: string;
  remedy: string;
  /** Path of the offending field, such as `units.3.phase`; empty when the frame as a whole is at fault. */
  path: string;
  /** What the frame called itself, when that much could be read; for log lines and counters. */
  type: string | null;
};
export type Decoded<M> = { message: M; ignored: string[] };

/** Bytes of a frame as they go over the wire (UTF-8). */
export function frameBytes(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

/** Reads one frame of an agent. Errors: `too_large`, `malformed` with the path of the first field at fault. */
export function decodeAgentMessage(text: string): Result<Decoded<AgentMessage>, CodecError> {
  return decode(agentMessage, text);
}

/** Reads one frame of a gateway; used by the agent. Errors as for `decodeAgentMessage`. */
export function decodeGatewayMessage(text: string): Result<Decoded<GatewayMessage>, CodecError> {
  return decode(gatewayMessage, text);
}

/** Writes a message as one frame. Error: `too_large`, which the caller must tell somebody about: it never goes out. */
export function encodeMessage(message: AgentMessage | GatewayMessage): Result<string, CodecError> {
  const text = JSON.stringify(message);
  const bytes = frameBytes(text);
  return bytes > MAX_FRAME_BYTES ? err(tooLarge(bytes, message.type)) : ok(text);
}

function tooLarge(bytes: number, type: string | null): CodecError {
  return { code: "too_large", message: `The frame has ${bytes} bytes; the limit is ${MAX_FRAME_BYTES}.`, remedy: "Send less at a time.", path: "", type };
}

function decode<M>(schema: z.ZodType<M>, text: string): Result<Decoded<M>, CodecError> {
  const bytes = frameBytes(text);
  if (bytes > MAX_FRAME_BYTES) return err(tooLarge(bytes, null));
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return err({ code: "malformed", message: "The frame is no JSON.", remedy: "Send one JSON object per text frame.", path: "", type: null });
  }
  // PostgreSQL keeps neither NUL nor half a surrogate pair in text, and a log or an error message may hold both.
  if (/\\u0000|\\u[dD][89a-fA-F]/.test(text)) raw = storable(raw);
  const type = typeof raw === "object" && raw !== null && "type" in raw && typeof raw.type === "string" ? raw.type.slice(0, 40) : null;
  const ignored: string[] = [];
  // Each pass removes the unknown fields it met; more may show below a union, so a few passes are allowed.
  for (let pass = 0; pass < 4; pass++) {
    const parsed = schema.safeParse(raw);
    if (parsed.success) return ok({ message: parsed.data, ignored });
    const issues = parsed.error.issues;
    if (pass === 3 || !issues.every((i) => i.code === "unrecognized_keys")) {
      const issue = issues.find((i) => i.code !== "unrecognized_keys") ?? issues[0];
      const path = issue?.path.map(String).join(".") ?? "";
      return err({ code: "malformed", message: `${path === "" ? "The message" : `Field ${path}`}: ${issue?.message ?? "does not fit"}`, remedy: "Send a message of server/protocol/messages.ts of this version.", path, type });
    }
    for (const issue of issues) {
      if (issue.code !== "unrecognized_keys") continue;
      const holder = at(raw, issue.path);
      for (const key of issue.keys) {
        ignored.push([...issue.path, key].map(String).join("."));
        if (holder) delete holder[key];
      }
    }
  }
  return err({ code: "malformed", message: "The message does not fit.", remedy: "Send a message of this version.", path: "", type });
}

function at(root: unknown, path: readonly PropertyKey[]): Record<string, unknown> | null {
  let here: unknown = root;
  for (const step of path) here = typeof here === "object" && here !== null ? (here as Record<PropertyKey, unknown>)[step] : undefined;
  return typeof here === "object" && here !== null ? (here as Record<string, unknown>) : null;
}

function storable(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("\u0000", "\uFFFD").replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, "\uFFFD");
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([k, v]) => [storable(k) as string, storable(v)]));
  return value;
}
