import { existsSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sweepGroups } from "./limits";
import type { Allowance, Cell, Limiter } from "./limits";

/** Mount points and this process's own path of the version 1 controllers that are used. */
export type V1Layout = { memory: string; cpu: string | null; cpuacct: string | null };

/**
 * Reads /proc/self/mountinfo and /proc/self/cgroup (cgroups(7)) for the folders where groups may be made; null when
 * there is no memory controller of version 1. Groups go below this process's own, so that nothing escapes an
 * accounting that somebody else put around the agent.
 */
export function v1Layout(mountinfo: string, selfCgroup: string): V1Layout | null {
  const own = new Map<string, string>();
  for (const line of selfCgroup.split("\n")) {
    const [, controllers = "", ...path] = line.split(":");
    for (const c of controllers.split(",")) if (c !== "") own.set(c, path.join(":"));
  }
  const folder = (controller: string): string | null => {
    for (const line of mountinfo.split("\n")) {
      const [before = "", after = ""] = line.split(" - ");
      const [type, , options = ""] = after.split(" ");
      const [, , , root = "/", mount = ""] = before.split(" ");
      if (type !== "cgroup" || !options.split(",").includes(controller)) continue;
      // Inside a container the mount shows only a part of the tree; the own path is told from the real root.
      const path = own.get(controller) ?? "/";
      const below = root !== "/" && path.startsWith(root) ? path.slice(root.length) : path;
      return join(mount, root === "/" || path.startsWith(root) ? below : "/").replace(/\/+$/, "");
    }
    return null;
  };
  const memory = folder("memory");
  return memory === null ? null : { memory, cpu: folder("cpu"), cpuacct: folder("cpuacct") };
}

/** Limits by version 1 control groups below `layout`, in a group named `parent` that itself is held to the node's offer. */
export async function cgroup1Limiter(layout: V1Layout, parent: string, offered: Allowance): Promise<Limiter> {
  const bases = [...new Set([layout.memory, layout.cpu, layout.cpuacct].filter((b) => b !== null))].map((b) => join(b, parent));
  // Another offer than before may be below what units use already; then the kernel refuses it until they use less.
  const makeParent = async (): Promise<void> => {
    for (const base of bases) await mkdir(base, { recursive: true });
    await limitMemory(join(layout.memory, parent), offered.memoryBytes).catch(() => undefined);
    if (layout.cpu) await limitCpu(join(layout.cpu, parent), offered.cpuMillis);
  };
  for (const base of bases) await sweepGroups(base);
  await makeParent();

  const at = (folders: readonly string[], controller: string | null): string | null => (controller === null ? null : (folders.find((f) => f.startsWith(`${controller}/`)) ?? null));
  return {
    level: "cgroup1",
    async make(name: string, a: Allowance): Promise<Cell> {
      if (!existsSync(join(layout.memory, parent))) await makeParent();
      const folders = bases.map((b) => join(b, name));
      for (const folder of folders) await mkdir(folder, { recursive: true });
      await limitMemory(join(layout.memory, parent, name), a.memoryBytes);
      // Shares divide what the node offers while all want it; what others leave idle may be used.
      if (layout.cpu) await writeFile(join(layout.cpu, parent, name, "cpu.shares"), String(Math.max(2, Math.round((a.cpuMillis * 1024) / 1000))));
      return { enter: folders.map((f) => join(f, "cgroup.procs")), folders, dataLimitKiB: null };
    },
    async usage(folders) {
      const memory = at(folders, layout.memory);
      const cpu = at(folders, layout.cpuacct);
      if (memory === null || cpu === null) return null;
      const used = Number(await readFile(join(memory, "memory.usage_in_bytes"), "utf8"));
      // Cached file pages that can be dropped at once are not what the unit needs.
      const idle = Number(/^total_inactive_file (\d+)$/m.exec(await readFile(join(memory, "memory.stat"), "utf8"))?.[1] ?? 0);
      return { cpuMs: Number(await readFile(join(cpu, "cpuacct.usage"), "utf8")) / 1e6, memoryBytes: Math.max(0, used - idle) };
    },
    async oomKills(folders) {
      const memory = at(folders, layout.memory);
      return memory === null ? 0 : Number(/^oom_kill (\d+)$/m.exec(await readFile(join(memory, "memory.oom_control"), "utf8").catch(() => ""))?.[1] ?? 0);
    },
    async members(folders) {
      const folder = folders[0];
      const text = folder === undefined ? "" : await readFile(join(folder, "cgroup.procs"), "utf8").catch(() => "");
      return text.split("\n").filter((l) => l !== "").map(Number);
    },
    async remove(folders) {
      for (const folder of folders) await rmdir(folder).catch(() => undefined);
    },
    async sweep() {
      for (const base of bases) await sweepGroups(base);
    },
  };
}

async function limitMemory(folder: string, bytes: number): Promise<void> {
  const plain = join(folder, "memory.limit_in_bytes");
  const swap = join(folder, "memory.memsw.limit_in_bytes");
  // Memory and swap together may never be below memory alone, so raising and lowering need opposite orders.
  await writeFile(plain, String(bytes)).catch(() => undefined);
  await writeFile(swap, String(bytes)).catch(() => undefined);
  await writeFile(plain, String(bytes));
}

async function limitCpu(folder: string, cpuMillis: number): Promise<void> {
  await writeFile(join(folder, "cpu.cfs_period_us"), "100000");
  await writeFile(join(folder, "cpu.cfs_quota_us"), String(Math.max(1_000, cpuMillis * 100)));
}
