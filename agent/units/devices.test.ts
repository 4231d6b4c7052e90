import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { unitOf } from "../testing/harness";
import { unitEnvironment } from "./command";
import { deviceEnvironment, devicesFor, waitsForDevices } from "./devices";
import type { Holding, Wanted } from "./devices";

const gpu = (index: number, model = "A100", slices?: string[]) => ({ index, vendor: "NVIDIA", model, memoryMiB: 40_960, uuid: `GPU-${index}`, ...(slices ? { slices: slices.map((profile, i) => ({ profile, uuid: `MIG-${index}-${i}` })) } : {}) });
const whole = (count: number, model: string | null = null): Wanted => ({ count, model, shareMillis: null, slot: null, slotModel: null, slice: null });
const share = (slot: number, slotModel = "", shareMillis = 300): Wanted => ({ count: 1, model: null, shareMillis, slot, slotModel, slice: null });
const slice = (profile: string, count = 1): Wanted => ({ ...whole(count), slice: profile });
const ids = (d: ReturnType<typeof devicesFor>) => d?.map((x) => x.id) ?? null;
const take = (assignmentId: string, wanted: Wanted, machine: Parameters<typeof devicesFor>[2], holdings: Holding[]) => {
  const devices = devicesFor(assignmentId, wanted, machine, holdings);
  if (devices) holdings.push({ assignmentId, devices });
  return ids(devices);
};

describe("devices of units", () => {
  it("puts shares of one number on one device, and whole units on others", () => {
    const machine = [gpu(0), gpu(1), gpu(2, "T4")];
    const held: Holding[] = [];
    expect([take("a", share(1), machine, held), take("b", share(2, "A100"), machine, held), take("c", share(1), machine, held), take("d", whole(1, "A100"), machine, held), take("e", whole(1), machine, held), take("f", share(3), machine, held)]).toEqual([["GPU-0"], ["GPU-1"], ["GPU-0"], null, ["GPU-2"], null]);
  });
  // Guarantee: also a revision that came past the scheduler's count gets no more of a device than there is.
  it("gives no more of a shared device than there is", () => {
    const machine = [gpu(0), gpu(1)];
    const held: Holding[] = [];
    expect([take("a", share(1, "", 600), machine, held), take("b", share(1, "", 401), machine, held), take("b", share(1, "", 400), machine, held), take("a", share(1, "", 601), machine, held)]).toEqual([["GPU-0"], null, ["GPU-0"], null]);
  });
  it("leaves the rare model to who asks for it, and keeps what a unit has", () => {
    const machine = [gpu(0, "T4"), gpu(1), gpu(2)];
    expect(ids(devicesFor("a", whole(1), machine, []))).toEqual(["GPU-1"]);
    expect(ids(devicesFor("a", whole(2), machine, [{ assignmentId: "a", devices: [{ id: "GPU-0", vendor: "NVIDIA", model: "T4", slot: null, millis: null, profile: null }] }]))).toEqual(["GPU-0", "GPU-1"]);
  });
  it("gives slices by profile, and a device in MIG mode to nobody as a whole", () => {
    const machine = [gpu(0, "A100", ["3g.20gb", "1g.5gb", "1g.5gb"])];
    const held: Holding[] = [];
    expect([take("a", slice("1g.5gb"), machine, held), take("b", slice("1g.5gb"), machine, held), take("c", slice("1g.5gb"), machine, held), take("d", whole(1), machine, held), take("e", slice("3g.20gb"), machine, held)]).toEqual([["MIG-0-1"], ["MIG-0-2"], null, null, ["MIG-0-0"]]);
  });
  // Guarantee: no two units have a device together but by shares of one number, whatever comes and goes; and a restart changes nothing.
  it("are never given twice", () => {
    const wanted = fc.oneof(fc.integer({ min: 1, max: 2 }).map((n) => whole(n)), fc.constantFrom("A100", "T4").map((m) => whole(1, m)), fc.integer({ min: 1, max: 3 }).map((n) => share(n)), fc.constant(slice("1g.5gb")));
    fc.assert(fc.property(fc.array(fc.tuple(wanted, fc.nat(50)), { maxLength: 25 }), (steps) => {
      const machine = [gpu(0), gpu(1), gpu(2, "T4"), gpu(3, "A100", ["1g.5gb", "1g.5gb"])];
      const held: (Holding & { wanted: Wanted })[] = [];
      steps.forEach(([w, roll], i) => {
        if (roll % 3 === 0 && held.length) held.splice(roll % held.length, 1);
        const devices = devicesFor(`u${i}`, w, machine, held);
        if (devices) held.push({ assignmentId: `u${i}`, devices, wanted: w });
        for (const h of held) {
          expect(devicesFor(h.assignmentId, h.wanted, machine, held)).toEqual(h.devices);
          for (const other of held) if (other !== h) for (const d of h.devices) for (const e of other.devices) expect(d.id !== e.id || (d.slot !== null && d.slot === e.slot)).toBe(true);
        }
      });
    }), { numRuns: 200, seed: 31 });
  });
  it("are told to the unit, after what its manifest says", () => {
    const devices = devicesFor("a", share(1, "", 250), [gpu(0)], []) ?? [];
    expect(deviceEnvironment(devices, 250)).toEqual({ HOLDFAST_DEVICES: "GPU-0", HOLDFAST_DEVICE_SHARE: "250", CUDA_VISIBLE_DEVICES: "GPU-0", NVIDIA_VISIBLE_DEVICES: "GPU-0", CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: "25" });
    const spec = { ...unitOf("a", "", { environment: { CUDA_VISIBLE_DEVICES: "all" } }), devices: share(1, "", 250) };
    expect(unitEnvironment(spec, { agentUrl: "", token: "", node: "", site: "", artifacts: {}, ports: {}, devices, home: "/h" })).toMatchObject({ CUDA_VISIBLE_DEVICES: "GPU-0", HOLDFAST_DEVICE_SHARE: "250" });
    expect(deviceEnvironment([{ id: "Hailo-8-1", vendor: "declared", model: "Hailo-8", slot: null, millis: null, profile: null }], null)).toEqual({ HOLDFAST_DEVICES: "Hailo-8-1" });
    expect(deviceEnvironment([], null)).toEqual({});
    expect([whole(1, "T4"), whole(2), slice("1g.5gb"), slice("1g.5gb", 2), share(1)].map(waitsForDevices)).toEqual(["waits for a free device of model T4", "waits for 2 free devices", "waits for a free slice 1g.5gb", "waits for 2 free slices 1g.5gb", "waits for 300 thousandths of shared device 1"]);
  });
});
