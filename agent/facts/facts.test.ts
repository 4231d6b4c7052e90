import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { devices, parseNvidia } from "./machine";
import { parseMemAvailable, parseNetDev } from "./usage";

describe("facts", () => {
  it("reads nvidia-smi, and keeps what is unknown unknown", () => {
    expect(parseNvidia("0, NVIDIA A100-SXM4-40GB, 40536, GPU-1\n1, Tesla T4, [N/A], \nFailed to initialize NVML\n")).toEqual([
      { index: 0, vendor: "NVIDIA", model: "NVIDIA A100-SXM4-40GB", memoryMiB: 40_536, uuid: "GPU-1" },
      { index: 1, vendor: "NVIDIA", model: "Tesla T4", memoryMiB: null, uuid: null },
    ]);
  });
  // Outputs as the NVIDIA MIG User Guide shows them, of drivers 450, 470 and 525.
  it.each([
    ["slices by UUIDs of their own", "GPU 0: A100-SXM4-40GB (UUID: GPU-1)\n  MIG 3g.20gb Device 0: (UUID: MIG-c7384736-a75d-5afc-978f-d2f1294409fd)\n  MIG 1g.5gb      Device  1: (UUID: MIG-a28ad590-3fda-56dd-84fc-0a0b96edc58d)\nGPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-2)\n", [{ profile: "3g.20gb", uuid: "MIG-c7384736-a75d-5afc-978f-d2f1294409fd" }, { profile: "1g.5gb", uuid: "MIG-a28ad590-3fda-56dd-84fc-0a0b96edc58d" }]],
    ["slices by their device's UUID", "GPU 0: A100-SXM4-40GB (UUID: GPU-1)\n  MIG 3g.20gb Device 0: (UUID: MIG-GPU-1/1/0)\n", [{ profile: "3g.20gb", uuid: "MIG-GPU-1/1/0" }]],
    ["slices with an extension", "GPU 0: NVIDIA H100 (UUID: GPU-1)\n  MIG 1g.10gb+me  Device  0: (UUID: MIG-x)\n  MIG 1c.3g.40gb  Device  1: (UUID: MIG-y)\n", [{ profile: "1g.10gb+me", uuid: "MIG-x" }, { profile: "1c.3g.40gb", uuid: "MIG-y" }]],
    ["a device in MIG mode that is not cut yet", "GPU 0: NVIDIA H100 (UUID: GPU-1)\n", []],
    ["no listing", "", []],
  ])("reads %s", (_what, listing, slices) => {
    const found = parseNvidia(`0, NVIDIA A100-SXM4-40GB, 40536, GPU-1, Enabled\n1, NVIDIA A100-SXM4-40GB, 40536, GPU-2, Disabled\n2, Tesla T4, 15109, GPU-3, [N/A]\n\n${listing}`);
    expect(found.map((d) => [d.uuid, d.slices])).toEqual([["GPU-1", slices], ["GPU-2", undefined], ["GPU-3", undefined]]);
  });
  it("finds other accelerators in sysfs, and no integrated graphics", async () => {
    const root = mkdtempSync(join(tmpdir(), "holdfast-sysfs-"));
    const card = (name: string, files: Record<string, string>): void => {
      mkdirSync(join(root, "drm", name, "device"), { recursive: true });
      for (const [f, text] of Object.entries(files)) writeFileSync(join(root, "drm", name, "device", f), `${text}\n`);
    };
    card("card0", { vendor: "0x1002", mem_info_vram_total: String(16 * 2 ** 30), product_name: "Instinct MI100", unique_id: "abc" });
    card("card0-DP-1", { vendor: "0x1002", mem_info_vram_total: "1" });
    card("card1", { vendor: "0x8086" });
    expect(await devices(root, () => Promise.reject(new Error("no such program")))).toEqual([{ index: 0, vendor: "AMD", model: "Instinct MI100", memoryMiB: 16_384, uuid: "abc" }]);
    rmSync(root, { recursive: true });
  });
  it("sums interfaces without the loopback", () => {
    const text = "Inter-| Receive | Transmit\n face |bytes packets|bytes\n    lo: 100 1 0 0 0 0 0 0 100 1 0 0 0 0 0 0\n  eth0: 5000 1 0 0 0 0 0 0 700 1 0 0 0 0 0 0\n wlan0:1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0\n";
    expect(parseNetDev(text)).toEqual({ rx: 5_001, tx: 702 });
    expect(parseNetDev("")).toBeNull();
  });
  it("reads the memory that is available", () => {
    expect(parseMemAvailable("MemTotal: 10 kB\nMemAvailable:    2048 kB\n")).toBe(2_097_152);
    expect(parseMemAvailable("MemTotal: 10 kB\n")).toBeNull();
  });
});
