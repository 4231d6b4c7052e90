import { existsSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sweepGroups } from "./limits";
import type { Allowance, Cell, Limiter } from "./limits";

/** Mount point of the unified hierarchy if it has the memory controller; null otherwise (also on hybrid systems). */
export async function v2Root(mountinfo: string): Promise<string | null> {
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    if (!after.startsWith("cgroup2 ")) continue;
    const mount = before.split(" ")[4] ?? "";
    const controllers = await readFile(join(mount, "cgroup.controllers"), "utf8").catch(() => "");
    if (controllers.split(/\s+/).includes("memory")) return mount;
  }
  return null;
}

/**
 * Limits by the unified hierarchy (kernel documentation, admin-guide/cgroup-v2). Groups live in a tree of their own
 * below the root and not below the agent's group: a group with controllers enabled for its children may hold no
 * process itself, and the service manager could then not restart the agent in it.
 */
export async function cgroup2Limiter(root: string, parent: string, offered: Allowance): Promise<Limiter> {
  const top = join(root, "holdfast");
  const base = join(top, parent);
  const makeBase = async (): Promise<void> => {
    await enable(root);
    await mkdir(base, { recursive: true });
    await enable(top);
    await enable(base);
    await limit(base, offered.memoryBytes);
    await writeFile(join(base, "cpu.max"), `${Math.max(1_000, offered.cpuMillis * 100)} 100000`).catch(() => undefined);
  };
  await sweepGroups(base);
  await makeBase();
  return {
    level: "cgroup2",
    async make(name: string, a: Allowance): Promise<Cell> {
      if (!existsSync(base)) await makeBase();
      const folder = join(base, name);
      await mkdir(folder, { recursive: true });
      await limit(folder, a.memoryBytes);
      // Weight 100 is the usual share of one core's worth here; what others leave idle may be used.
      await writeFile(join(folder, "cpu.weight"), String(Math.min(10_000, Math.max(1, Math.round(a.cpuMillis / 10))))).catch(() => undefined);
      return { enter: [join(folder, "cgroup.procs")], folders: [folder], dataLimitKiB: null };
    },
    async usage([folder]) {
      if (folder === undefined) return null;
      const cpu = /^usage_usec (\d+)$/m.exec(await readFile(join(folder, "cpu.stat"), "utf8"));
      const used = Number(await readFile(join(folder, "memory.current"), "utf8"));
      const idle = Number(/^inactive_file (\d+)$/m.exec(await readFile(join(folder, "memory.stat"), "utf8"))?.[1] ?? 0);
      return cpu ? { cpuMs: Number(cpu[1]) / 1e3, memoryBytes: Math.max(0, used - idle) } : null;
    },
    async oomKills([folder]) {
      return folder === undefined ? 0 : Number(/^oom_kill (\d+)$/m.exec(await readFile(join(folder, "memory.events"), "utf8").catch(() => ""))?.[1] ?? 0);
    },
    async members([folder]) {
      const text = folder === undefined ? "" : await readFile(join(folder, "cgroup.procs"), "utf8").catch(() => "");
      return text.split("\n").filter((l) => l !== "").map(Number);
    },
    async remove([folder]) {
      if (folder !== undefined) await rmdir(folder).catch(() => undefined);
    },
    async sweep() {
      await sweepGroups(base);
      await rmdir(top).catch(() => undefined);
    },
  };
}

async function enable(folder: string): Promise<void> {
  await writeFile(join(folder, "cgroup.subtree_control"), "+memory");
  await writeFile(join(folder, "cgroup.subtree_control"), "+cpu").catch(() => undefined);
}

async function limit(folder: string, bytes: number): Promise<void> {
  await writeFile(join(folder, "memory.max"), String(bytes));
  await writeFile(join(folder, "memory.swap.max"), "0").catch(() => undefined);
}
