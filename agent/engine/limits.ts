import { readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { LimitLevel } from "./engine";

/** What one unit may use. */
export type Allowance = { cpuMillis: number; memoryBytes: number };

/** A unit's place behind its limits. */
export type Cell = {
  /** Files to write "0" to, by the process that enters. */
  enter: readonly string[];
  /** Folders, remembered so that the cell is found again. */
  folders: readonly string[];
  /** RLIMIT_DATA for the unit in KiB, or null. */
  dataLimitKiB: number | null;
};

/** One way of limiting units. */
export type Limiter = {
  readonly level: LimitLevel;
  /** Makes a place for a unit; throws when it cannot. */
  make(name: string, allowance: Allowance): Promise<Cell>;
  /** CPU time used in ms and memory in use in bytes; null when this way cannot tell. */
  usage(folders: readonly string[]): Promise<{ cpuMs: number; memoryBytes: number } | null>;
  /** How often the kernel killed for memory in it. */
  oomKills(folders: readonly string[]): Promise<number>;
  /** Processes in it. */
  members(folders: readonly string[]): Promise<number[]>;
  /** Removes it once it is empty; quiet when it is not. */
  remove(folders: readonly string[]): Promise<void>;
  /** Removes every place that is empty, left by launches that failed or ended unseen, and then what held them. */
  sweep(): Promise<void>;
};

/** No control groups: at best a limit on private memory, per process, by RLIMIT_DATA (setrlimit(2)). */
export function rlimitLimiter(): Limiter {
  return { ...withoutGroups, level: "rlimit", make: (_name, a) => Promise.resolve({ enter: [], folders: [], dataLimitKiB: rlimitKiB(a.memoryBytes) }) };
}

/** No limits at all. */
export function noLimiter(): Limiter {
  return { ...withoutGroups, level: "none", make: () => Promise.resolve({ enter: [], folders: [], dataLimitKiB: null }) };
}

const withoutGroups = {
  usage: () => Promise.resolve(null),
  oomKills: () => Promise.resolve(0),
  members: () => Promise.resolve([]),
  remove: () => Promise.resolve(),
  sweep: () => Promise.resolve(),
};

/**
 * RLIMIT_DATA counts private writable mappings, which runtimes reserve generously (every thread's stack counts whole),
 * so it is set to four times the memory asked for plus 512 MiB: a fence against runaways, not a measure.
 */
export function rlimitKiB(memoryBytes: number): number {
  return Math.ceil((memoryBytes * 4 + 512 * 1024 * 1024) / 1024);
}

/** Removes the empty groups in `base`, and `base` itself if nothing is left: the kernel refuses to remove any other. */
export async function sweepGroups(base: string): Promise<void> {
  for (const entry of await readdir(base, { withFileTypes: true }).catch(() => [])) if (entry.isDirectory()) await rmdir(join(base, entry.name)).catch(() => undefined);
  await rmdir(base).catch(() => undefined);
}
