type Level = "debug" | "info" | "warn" | "error";
export type Fields = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/**
 * Structured log: one JSON object per line. Callers pass named fields and never a whole message, unit or environment,
 * so that a secret has no way in; a test greps a run's output for a planted secret.
 */
export type Log = {
  debug(event: string, fields?: Fields): void;
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
};

const rank: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** A log that writes lines of at least `level` with `write`; `nowMs` stamps them. */
export function createLog(o: { level: Level; write: (line: string) => void; nowMs: () => number }): Log {
  const at =
    (level: Level) =>
    (event: string, fields: Fields = {}): void => {
      if (rank[level] < rank[o.level]) return;
      o.write(`${JSON.stringify({ time: new Date(o.nowMs()).toISOString(), level, event, ...fields })}\n`);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
