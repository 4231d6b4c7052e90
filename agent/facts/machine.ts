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
export async function machineFacts(o: { dataFolder: string; bootId: string; slice: Slice; engines: NodeFacts["engines"] }): Promise<NodeFacts> {
  const diskBytes = await statfs(o.dataFolder).then((s) => s.blocks * s.bsize, () => null);
  const memoryBytes = totalmem();
  const cpuCount = cpus().length;
  const { slice } = o;
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
    devices: await devices(),
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

async function nvidiaSmi(): Promise<string> {
  return (await run("nvidia-smi", ["--query-gpu=index,name,memory.total,uuid", "--format=csv,noheader,nounits"], { timeout: 10_000 })).stdout;
}

/** Lines of `nvidia-smi --query-gpu=index,name,memory.total,uuid --format=csv,noheader,nounits`. */
export function parseNvidia(text: string): Device[] {
  return text.split("\n").flatMap((line) => {
    const [index, model, memory, uuid] = line.split(",").map((f) => f.trim());
    if (index === undefined || model === undefined || !/^\d+$/.test(index)) return [];
    return [{ index: Number(index), vendor: "NVIDIA", model, memoryMiB: memory !== undefined && /^\d+$/.test(memory) ? Number(memory) : null, uuid: uuid || null }];
  });
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
