import { execFile } from "node:child_process";
import { readdir, readFile, statfs } from "node:fs/promises";
import { arch, cpus, hostname, networkInterfaces, platform, release, totalmem } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { NodeFacts } from "../../server/protocol/messages";

const run = promisify(execFile);
type Device = NodeFacts["devices"][number];

/** A slice of the machine that this agent may offer, when it was told one. */
export type Slice = { cpuMillis?: number; memoryBytes?: number; diskBytes?: number };

/** What this machine is. What cannot be found out is null and never guessed. */
export async function machineFacts(o: { dataFolder: string; bootId: string; slice: Slice; devices?: readonly Device[]; engines: NodeFacts["engines"] }): Promise<NodeFacts> {
  const diskBytes = await statfs(o.dataFolder).then((s) => s.blocks * s.bsize, () => null);
  const memoryBytes = totalmem();
  const cpuCount = cpus().length;
  const { slice } = o;
  const own = await devices();
  return {
    hostname: hostname(),
    os: await operatingSystem(),
    kernel: release(),
    arch: arch(),
    cpuModel: cpus()[0]?.model.trim() || null,
    cpuCount,
    memoryBytes,
    diskBytes,
    networks: networks(),
    devices: [...own, ...(o.devices ?? []).map((d, i) => ({ ...d, index: own.length + i }))],
    bootId: o.bootId,
    offered: { cpuMillis: slice.cpuMillis ?? cpuCount * 1_000, memoryBytes: slice.memoryBytes ?? memoryBytes, diskBytes: slice.diskBytes ?? diskBytes ?? 0 },
    sliced: Object.keys(slice).length > 0,
    engines: o.engines,
  };
}

/** Identifies this boot of the machine: the kernel's random boot id where there is one, else the time of boot. */
export async function currentBootId(): Promise<string> {
  try {
    return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  } catch {
    const { stdout } = await run("sysctl", ["-n", "kern.boottime"]).catch(() => ({ stdout: "unknown" }));
    return stdout.trim();
  }
}

async function operatingSystem(): Promise<string> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  return /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(text)?.[1] ?? platform();
}

function networks(): NodeFacts["networks"] {
  return Object.entries(networkInterfaces())
    .map(([name, addresses]) => ({ name, addresses: (addresses ?? []).filter((a) => !a.internal).map((a) => a.address) }))
    .filter((n) => n.addresses.length > 0);
}

/** Accelerators: NVIDIA's by nvidia-smi, others by what the kernel's DRM and accel classes show. */
export async function devices(sysfs = "/sys/class", nvidia: () => Promise<string> = nvidiaSmi): Promise<Device[]> {
  const found = parseNvidia(await nvidia().catch(() => ""));
  for (const [vendorId, vendor] of [["0x1002", "AMD"], ["0x8086", "Intel"]] as const) {
    for (const device of await drmDevices(sysfs, vendorId)) found.push({ index: found.length, vendor, ...device });
  }
  return found;
}

const FIELDS = "index,name,memory.total,uuid";
/** Devices by query, then the listing that has MIG slices. A driver from before MIG knows no such field, and has no slices. */
async function nvidiaSmi(): Promise<string> {
  const ask = async (args: readonly string[]): Promise<string> => (await run("nvidia-smi", [...args], { timeout: 10_000 })).stdout;
  const query = (fields: string): Promise<string> => ask([`--query-gpu=${fields}`, "--format=csv,noheader,nounits"]);
  const devices = await query(`${FIELDS},mig.mode.current`).catch(() => query(FIELDS));
  return `${devices}\n${/,\s*Enabled\s*$/m.test(devices) ? await ask(["-L"]) : ""}`;
}

/**
 * Lines of `nvidia-smi --query-gpu=index,name,memory.total,uuid[,mig.mode.current] --format=csv,noheader,nounits`, and of
 * `nvidia-smi -L`, which names the slices of each device in MIG mode (NVIDIA MIG User Guide, "MIG Device Names" and
 * "Running with MIG"). A device in MIG mode without slices has nothing to give.
 */
export function parseNvidia(text: string): Device[] {
  const slices = parseMig(text);
  return text.split("\n").flatMap((line) => {
    const [index, model, memory, uuid, mig] = line.split(",").map((f) => f.trim());
    if (index === undefined || model === undefined || !/^\d+$/.test(index)) return [];
    return [{ index: Number(index), vendor: "NVIDIA", model, memoryMiB: memory !== undefined && /^\d+$/.test(memory) ? Number(memory) : null, uuid: uuid || null, ...(mig === "Enabled" ? { slices: slices.get(uuid ?? "") ?? [] } : {}) }];
  });
}

/** MIG slices by the UUID of their device, out of `nvidia-smi -L`. */
function parseMig(text: string): Map<string, { profile: string; uuid: string | null }[]> {
  const found = new Map<string, { profile: string; uuid: string | null }[]>();
  let of: { profile: string; uuid: string | null }[] | undefined;
  for (const line of text.split("\n")) {
    const gpu = /^GPU \d+: .*\(UUID: (GPU-[^)]+)\)/.exec(line)?.[1];
    if (gpu !== undefined) found.set(gpu, (of = []));
    const slice = /^\s+MIG\s+(\S+)\s+Device\s+\d+:\s+\(UUID:\s*(MIG-[^)]+)\)/.exec(line);
    if (slice?.[1] !== undefined && of) of.push({ profile: slice[1], uuid: slice[2] ?? null });
  }
  return found;
}

/** Graphics and compute devices of a vendor that have memory of their own; integrated graphics are no accelerators here. */
async function drmDevices(sysfs: string, vendorId: string): Promise<Pick<Device, "model" | "memoryMiB" | "uuid">[]> {
  const found: Pick<Device, "model" | "memoryMiB" | "uuid">[] = [];
  for (const name of (await readdir(join(sysfs, "drm")).catch(() => [])).filter((n) => /^card\d+$/.test(n)).sort()) {
    const file = (f: string): Promise<string | null> => readFile(join(sysfs, "drm", name, "device", f), "utf8").then((t) => t.trim(), () => null);
    if ((await file("vendor")) !== vendorId) continue;
    const vram = await file("mem_info_vram_total");
    if (vram === null) continue;
    found.push({ model: (await file("product_name")) ?? `PCI device ${(await file("device")) ?? "unknown"}`, memoryMiB: Math.round(Number(vram) / 2 ** 20), uuid: await file("unique_id") });
  }
  return found;
}
