import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { v1Layout } from "./cgroup1";
import { cgroup2Limiter, v2Root } from "./cgroup2";
import { chooseLimiter } from "./choose-limiter";
import { rlimitKiB } from "./limits";

const folders: string[] = [];
afterEach(() => {
  for (const f of folders.splice(0)) rmSync(f, { recursive: true, force: true });
});
function folder(): string {
  const f = mkdtempSync(join(tmpdir(), "holdfast-limits-"));
  folders.push(f);
  return f;
}

describe("finding control groups", () => {
  const hybrid = `25 24 0:22 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n26 25 0:23 / /sys/fs/cgroup/memory rw,relatime shared:1 - cgroup cgroup rw,memory\n27 25 0:24 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n28 25 0:25 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw`;
  it("reads version 1 hierarchies with our own place in them", () => {
    expect(v1Layout(hybrid, "9:memory:/user.slice/me\n3:cpu,cpuacct:/\n0::/")).toEqual({ memory: "/sys/fs/cgroup/memory/user.slice/me", cpu: "/sys/fs/cgroup/cpu,cpuacct", cpuacct: "/sys/fs/cgroup/cpu,cpuacct" });
  });
  it("reads a container's view, where the mount shows a part of the tree", () => {
    const mounts = "26 25 0:23 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";
    expect(v1Layout(mounts, "9:memory:/docker/abc/inner\n")).toEqual({ memory: "/sys/fs/cgroup/memory/inner", cpu: null, cpuacct: null });
    expect(v1Layout(mounts, "9:memory:/elsewhere\n")?.memory).toBe("/sys/fs/cgroup/memory");
  });
  it("finds none where there is none", async () => {
    expect(v1Layout("28 25 0:25 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw", "0::/\n")).toBeNull();
    const root = folder();
    expect(await v2Root(`28 25 0:25 / ${root} rw - cgroup2 cgroup2 rw`)).toBeNull();
    writeFileSync(join(root, "cgroup.controllers"), "cpuset cpu io memory pids\n");
    expect(await v2Root(`28 25 0:25 / ${root} rw - cgroup2 cgroup2 rw`)).toBe(root);
  });

  // Guarantee: with version 2 the right values go to the right files. (A tree of plain files stands in for the kernel,
  // whose answer the probe asks at each boot.)
  it("writes version 2 limits where they belong", async () => {
    const root = folder();
    mkdirSync(join(root, "holdfast", "n1", "u1"), { recursive: true });
    const limiter = await cgroup2Limiter(root, "n1", { cpuMillis: 1_500, memoryBytes: 2 ** 30 });
    const cell = await limiter.make("u1", { cpuMillis: 250, memoryBytes: 2 ** 27 });
    const file = (f: string): string => readFileSync(join(root, f), "utf8");
    expect(file("holdfast/n1/memory.max")).toBe(String(2 ** 30));
    expect(file("holdfast/n1/cpu.max")).toBe("150000 100000");
    expect(file("holdfast/n1/u1/memory.max")).toBe(String(2 ** 27));
    expect(file("holdfast/n1/u1/memory.swap.max")).toBe("0");
    expect(file("holdfast/n1/u1/cpu.weight")).toBe("25");
    expect(cell).toEqual({ enter: [join(root, "holdfast/n1/u1/cgroup.procs")], folders: [join(root, "holdfast/n1/u1")], dataLimitKiB: null });
    writeFileSync(join(root, "holdfast/n1/u1/memory.events"), "low 0\noom 2\noom_kill 2\n");
    writeFileSync(join(root, "holdfast/n1/u1/cpu.stat"), "usage_usec 1500000\n");
    writeFileSync(join(root, "holdfast/n1/u1/memory.current"), "5000\n");
    writeFileSync(join(root, "holdfast/n1/u1/memory.stat"), "anon 1\ninactive_file 1000\n");
    expect(await limiter.oomKills(cell.folders)).toBe(2);
    expect(await limiter.usage(cell.folders)).toEqual({ cpuMs: 1_500, memoryBytes: 4_000 });
  });
});

describe("choosing limits", () => {
  // Guarantee: what is called proven was tried on this machine; the outcome is kept for one boot and tried anew in the next.
  it("proves what it says, and remembers it for one boot", async () => {
    const dataFolder = folder();
    mkdirSync(join(dataFolder, "state"));
    const o = { dataFolder, name: `test-${process.pid}`, offered: { cpuMillis: 1_000, memoryBytes: 2 ** 28 } };
    const first = await chooseLimiter({ ...o, bootId: "b1" });
    expect(first.proven).toBe(first.limiter.level !== "none");
    expect(first.note).not.toBe("");
    const path = join(dataFolder, "state", "limits.json");
    writeFileSync(path, JSON.stringify({ bootId: "b1", level: "rlimit", note: "remembered" }));
    expect(await chooseLimiter({ ...o, bootId: "b1" })).toMatchObject({ note: "remembered", limiter: { level: "rlimit" } });
    expect((await chooseLimiter({ ...o, bootId: "b2" })).limiter.level).toBe(first.limiter.level);
    writeFileSync(path, "broken");
    const last = await chooseLimiter({ ...o, bootId: "b2" });
    expect(last.limiter.level).toBe(first.limiter.level);
    const cell = await last.limiter.make("u1", { cpuMillis: 100, memoryBytes: 2 ** 26 });
    await last.limiter.sweep();
    expect(cell.folders.filter((f) => existsSync(f) || existsSync(dirname(f)))).toEqual([]);
  });

  it("leaves runtimes room to start when only resource limits are to be had", () => {
    expect(rlimitKiB(64 * 2 ** 20)).toBe(768 * 1024);
  });
});
