import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { textOf } from "../platform/fault";
import { readIfThere, writeDurably } from "../platform/files";
import { cgroup1Limiter, v1Layout } from "./cgroup1";
import { cgroup2Limiter, v2Root } from "./cgroup2";
import { noLimiter, rlimitLimiter } from "./limits";
import type { Allowance, Limiter } from "./limits";
import type { LimitLevel } from "./engine";
import { limitedCommand } from "./shim";

/** A way of limiting, whether a probe that exceeded a limit proved it, and what to tell people. */
export type Chosen = { limiter: Limiter; proven: boolean; note: string };

const PROBE_MEMORY = 16 * 1024 * 1024;
const FITS = "2M";
const EXCEEDS = "64M";
export type ChooseOptions = { dataFolder: string; name: string; bootId: string; offered: Allowance };

const PROBE_TIMEOUT_MS = 20_000;
const cached = z.object({ bootId: z.string(), level: z.enum(["cgroup2", "cgroup1", "rlimit", "none"]), note: z.string() });

/**
 * Picks the strongest way of limiting that really works here: version 2 groups, version 1 groups, resource limits,
 * none. Each is tried by running a program behind a limit of 16 MiB: with a need of 2 MiB it must succeed, with one of
 * 64 MiB it must fail, and without the limit it must succeed. The outcome holds for one boot and is kept in
 * `state/limits.json`.
 */
export async function chooseLimiter(o: ChooseOptions): Promise<Chosen> {
  const path = join(o.dataFolder, "state", "limits.json");
  const known = await readKnown(path, o.bootId);
  if (known) {
    const limiter = await openLevel(known.level, o).catch(() => null);
    if (limiter) return { limiter, proven: known.level !== "none", note: known.note };
  }
  const notes: string[] = [];
  for (const level of ["cgroup2", "cgroup1", "rlimit"] as const) {
    try {
      const limiter = await openLevel(level, o);
      if (limiter === null) notes.push(`${level}: not there`);
      else if (await holds(limiter)) return await keep(path, o.bootId, limiter, [`${level}: a program that exceeded its limit was stopped`, ...notes].join("; "));
      else notes.push(`${level}: a program that exceeded its limit was not stopped`);
    } catch (error) {
      notes.push(`${level}: ${textOf(error)}`);
    }
  }
  return keep(path, o.bootId, noLimiter(), notes.join("; "));
}

async function keep(path: string, bootId: string, limiter: Limiter, note: string): Promise<Chosen> {
  await writeDurably(path, JSON.stringify({ bootId, level: limiter.level, note }));
  return { limiter, proven: limiter.level !== "none", note };
}

async function readKnown(path: string, bootId: string): Promise<z.infer<typeof cached> | null> {
  try {
    const known = cached.parse(JSON.parse((await readIfThere(path)) ?? "null"));
    return known.bootId === bootId ? known : null;
  } catch {
    return null;
  }
}

/** Opens one way of limiting; null when this machine does not have it, throws when it cannot be used. */
async function openLevel(level: LimitLevel, o: ChooseOptions): Promise<Limiter | null> {
  const info = (file: string): Promise<string> => readFile(`/proc/self/${file}`, "utf8").catch(() => "");
  if (level === "rlimit") return rlimitLimiter();
  if (level === "none") return noLimiter();
  if (level === "cgroup2") {
    const root = await v2Root(await info("mountinfo"));
    return root === null ? null : cgroup2Limiter(root, o.name, o.offered);
  }
  const layout = v1Layout(await info("mountinfo"), await info("cgroup"));
  return layout === null ? null : cgroup1Limiter(layout, `holdfast-${o.name}`, o.offered);
}

/** Whether a limit holds: within it the program fails, without it it succeeds. */
async function holds(limiter: Limiter): Promise<boolean> {
  const cell = await limiter.make("probe", { cpuMillis: 1_000, memoryBytes: PROBE_MEMORY });
  const dataLimitKiB = cell.dataLimitKiB === null ? null : PROBE_MEMORY / 1024;
  try {
    if ((await fill(EXCEEDS, [], null)) !== 0 || (await fill(FITS, cell.enter, dataLimitKiB)) !== 0) return false;
    return (await fill(EXCEEDS, cell.enter, dataLimitKiB)) !== 0;
  } finally {
    await limiter.remove(cell.folders);
  }
}

/** Exit code of a program that fills so much memory once; null when a signal ended it. */
function fill(size: string, enter: readonly string[], dataLimitKiB: number | null): Promise<number | null> {
  const { program, args } = limitedCommand({ enter, dataLimitKiB, command: ["dd", "if=/dev/zero", "of=/dev/null", `bs=${size}`, "count=1"] });
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "ignore", timeout: PROBE_TIMEOUT_MS, env: { PATH: "/usr/local/bin:/usr/bin:/bin" } as unknown as NodeJS.ProcessEnv });
    child.once("error", reject);
    child.once("exit", (code) => resolve(code));
  });
}
