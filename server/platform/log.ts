import pino from "pino";
import type { DestinationStream, Logger as PinoLogger } from "pino";

/** Structured log: one JSON object a line. Pass fields first, then a sentence: `log.info({ nodeId }, "node enrolled")`. */
export type Logger = PinoLogger;

/** Fields whose value never reaches a log, at whatever depth they stand (compared without case, `_` and `-`). */
const secretFields = new Set([
  "password", "newpassword", "currentpassword", "oldpassword", "passwordhash", "token", "tokenhash", "accesstoken", "refreshtoken", "idtoken",
  "secret", "clientsecret", "authsecret", "masterkey", "privatekey", "sealed", "sealedkey", "authorization", "cookie", "setcookie",
  "environment", "env", "credential", "credentials",
]);
const HIDDEN = "[hidden]";
const DEPTH = 6;

/** The password in `scheme://user:password@host`, as database and proxy addresses have it. */
const urlPassword = /(\w+:\/\/[^\s:/@]*):[^\s@]+@/g;
/** Our own tokens (`newToken`), wherever they stand in a text. */
const ownToken = /\b(hf[a-z]{1,4})_[A-Za-z0-9_-]{20,}/g;

const hideInText = (text: string) => text.replace(urlPassword, `$1:${HIDDEN}@`).replace(ownToken, `$1_${HIDDEN}`);

/** A copy of the value with secrets replaced. Errors, dates and bytes are kept as what they are. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return hideInText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (value instanceof Error) {
    return { type: value.name, message: hideInText(value.message), stack: hideInText(value.stack ?? ""), ...("code" in value ? { code: value.code } : {}), ...(value.cause ? { cause: redact(value.cause, depth + 1) } : {}) };
  }
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= DEPTH) return "[deep]";
  if (Array.isArray(value)) return value.slice(0, 50).map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      secretFields.has(key.toLowerCase().replace(/[_-]/g, "")) && inner !== null && inner !== undefined ? HIDDEN : redact(inner, depth + 1),
    ]),
  );
}

/**
 * Makes a process's log. Level by `LOG_LEVEL`; standard output unless a destination is given.
 * Whatever is logged goes through `redact`, so that no secret reaches a log by its field name, in an address or as one
 * of our own tokens.
 */
export function createLogger(o: { process: string; level?: string; destination?: DestinationStream }): Logger {
  return pino(
    {
      level: o.level ?? "info",
      base: { process: o.process, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => redact(fields) as Record<string, unknown>,
      },
      serializers: { err: (e: unknown) => e, error: (e: unknown) => e },
      hooks: {
        logMethod(args, method) {
          // An error alone would become the line's message as it is.
          const parts: unknown[] = (args[0] as unknown) instanceof Error ? [{ err: args[0] }, ...(args.length > 1 ? args.slice(1) : [(args[0] as unknown as Error).message])] : [...args];
          method.apply(this, parts.map((a) => (typeof a === "string" ? hideInText(a) : a)) as Parameters<typeof method>);
        },
      },
    },
    o.destination ?? pino.destination({ dest: 1, sync: true }),
  );
}

/** A log that says nothing, for tests and tools. */
export const silentLogger: Logger = pino({ level: "silent" });
