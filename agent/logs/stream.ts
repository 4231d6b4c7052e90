import { StringDecoder } from "node:string_decoder";
import { setTimeout as delay } from "node:timers/promises";
import type { LogFile } from "../engine/log-file";
import { textOf } from "../platform/fault";
import type { Outgoing } from "../session/session";

/** Bytes of one chunk: even if every byte must be escaped, the frame stays under its limit. */
const CHUNK_BYTES = 65_536;
const FOLLOW_EVERY_MS = 250;

export type LogRequest = { requestId: string; tailBytes: number; follow: boolean; maxBytesPerSecond: number };

/**
 * Sends a unit's log: the last `tailBytes`, then, when following, what is added, no faster than the rate asked for.
 * It ends by itself when not following, and by `signal`. Chunks begin and end between characters.
 */
export async function streamLog(request: LogRequest, file: LogFile, o: { send: (message: Outgoing) => boolean; signal: AbortSignal }): Promise<void> {
  const rate = Math.max(1_024, request.maxBytesPerSecond);
  const chunkBytes = Math.min(CHUNK_BYTES, rate);
  try {
    const { from, to } = await file.bounds();
    let at = Math.max(from, to - request.tailBytes);
    let decoder = new StringDecoder("utf8");
    let held = 0;
    if (at > from) at = await characterStart(file, at);
    while (!o.signal.aborted) {
      const part = await file.read(at, chunkBytes);
      if (part.offset !== at) {
        // What we were to read next was rotated away; go on with the oldest that is left.
        decoder = new StringDecoder("utf8");
        held = 0;
      }
      const text = decoder.write(part.bytes);
      const start = part.offset - held;
      at = part.offset + part.bytes.length;
      held = at - start - Buffer.byteLength(text, "utf8");
      // Bytes that are no UTF-8 become longer in the text; then nothing can be told to be held back.
      if (held < 0 || held > 3) held = 0;
      if (text !== "" && !o.send({ type: "log", requestId: request.requestId, offset: start, text, end: false, error: null })) return;
      if (part.bytes.length > 0) await delay((part.bytes.length / rate) * 1_000, undefined, { signal: o.signal });
      else if (request.follow) await delay(FOLLOW_EVERY_MS, undefined, { signal: o.signal });
      else break;
    }
    o.send({ type: "log", requestId: request.requestId, offset: at, text: decoder.end(), end: true, error: null });
  } catch (error) {
    if (!o.signal.aborted) o.send({ type: "log", requestId: request.requestId, offset: 0, text: "", end: true, error: `The log could not be read: ${textOf(error)}` });
  }
}

/** The first offset at or after `at` that does not lie inside a character. */
async function characterStart(file: LogFile, at: number): Promise<number> {
  const { bytes } = await file.read(at, 4);
  const inside = bytes.findIndex((b) => (b & 0xc0) !== 0x80);
  return at + Math.max(0, inside);
}
