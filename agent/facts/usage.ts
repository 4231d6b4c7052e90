import { readFile, statfs } from "node:fs/promises";
import { cpus, freemem, loadavg, totalmem } from "node:os";
import type { NodeUsage } from "../../server/protocol/messages";

type Reading = { atMs: number; cpuBusy: number; cpuTotal: number; rx: number; tx: number };

/** Sums of /proc/net/dev over all interfaces but the loopback; null when there is no such file. */
export function parseNetDev(text: string): { rx: number; tx: number } | null {
  let rx = 0;
  let tx = 0;
  let any = false;
  for (const line of text.split("\n")) {
    const m = /^\s*([^:\s]+):\s*(.+)$/.exec(line);
    if (!m || m[1] === "lo") continue;
    const fields = (m[2] ?? "").trim().split(/\s+/).map(Number);
    rx += fields[0] ?? 0;
    tx += fields[8] ?? 0;
    any = true;
  }
  return any ? { rx, tx } : null;
}

/** Memory that programs use: what is not available, as the kernel estimates it; null when it does not say. */
export function parseMemAvailable(text: string): number | null {
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  return kib === undefined ? null : Number(kib) * 1024;
}

/** Measures the machine; rates are over the time since the measurement before and null in the first. */
export function usageSampler(o: { dataFolder: string; nowMs: () => number }): () => Promise<NodeUsage> {
  let before: Reading | null = null;
  return async () => {
    const net = parseNetDev(await readFile("/proc/net/dev", "utf8").catch(() => ""));
    const available = parseMemAvailable(await readFile("/proc/meminfo", "utf8").catch(() => "")) ?? freemem();
    const disk = await statfs(o.dataFolder).catch(() => null);
    const now: Reading = { atMs: o.nowMs(), ...cpuTimes(), rx: net?.rx ?? 0, tx: net?.tx ?? 0 };
    const last = before;
    before = now;
    const seconds = last === null ? 0 : (now.atMs - last.atMs) / 1_000;
    const rate = (a: number, b: number): number | null => (seconds > 0 && net !== null && a >= b ? (a - b) / seconds : null);
    const ticks = last === null ? 0 : now.cpuTotal - last.cpuTotal;
    return {
      atMs: now.atMs,
      cpuShare: last !== null && ticks > 0 ? Math.min(1, Math.max(0, (now.cpuBusy - last.cpuBusy) / ticks)) : null,
      memoryUsedBytes: totalmem() - available,
      diskUsedBytes: disk === null ? null : (disk.blocks - disk.bavail) * disk.bsize,
      netRxBytesPerSecond: last === null ? null : rate(now.rx, last.rx),
      netTxBytesPerSecond: last === null ? null : rate(now.tx, last.tx),
      load1: loadavg()[0] ?? null,
    };
  };
}

function cpuTimes(): { cpuBusy: number; cpuTotal: number } {
  let cpuBusy = 0;
  let cpuTotal = 0;
  for (const { times } of cpus()) {
    const busy = times.user + times.nice + times.sys + times.irq;
    cpuBusy += busy;
    cpuTotal += busy + times.idle;
  }
  return { cpuBusy, cpuTotal };
}
