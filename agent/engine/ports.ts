import { createServer } from "node:net";

/** Below the range from which systems take ports for outgoing connections (32768 on Linux), above most services. */
const FIRST = 20_000;
const LAST = 31_999;

/** Whether nobody listens on a port, on any address. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "0.0.0.0", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * Ports for a unit: those it had before while they are free, new ones otherwise. `taken` are promised to other units
 * that may not listen yet. `random` in 0..1 chooses where to look, so that agents sharing a machine rarely meet.
 */
export async function choosePorts(names: readonly string[], before: Readonly<Record<string, number>>, taken: ReadonlySet<number>, random: () => number): Promise<Record<string, number>> {
  const chosen: Record<string, number> = {};
  const used = new Set(taken);
  for (const name of names) {
    const port = await choose(before[name], used, random);
    chosen[name] = port;
    used.add(port);
  }
  return chosen;
}

async function choose(preferred: number | undefined, used: ReadonlySet<number>, random: () => number): Promise<number> {
  if (preferred !== undefined && !used.has(preferred) && (await isFree(preferred))) return preferred;
  const count = LAST - FIRST + 1;
  const start = Math.floor(random() * count);
  for (let i = 0; i < count; i++) {
    const port = FIRST + ((start + i) % count);
    if (!used.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`no port is free between ${FIRST} and ${LAST}`);
}
