import { describe, expect, it } from "vitest";
import type { UnitRow } from "@/server/core/views";
import { deviceLines, sharedLines } from "./devices";

const gpu = (index: number, model: string, slices?: string[]) => ({ index, vendor: "NVIDIA", model, memoryMiB: 40_960, uuid: null, ...(slices ? { slices: slices.map((profile) => ({ profile, uuid: null })) } : {}) });
const unit = (name: string, slot: number, millis: number, model = ""): UnitRow => ({ unit: name, devices: { text: "", shared: { slot, model, millis } } }) as unknown as UnitRow;

describe("a node's accelerators in words", () => {
  it("counts like ones, and says how a device is cut", () => {
    expect(deviceLines([gpu(0, "A100"), gpu(1, "A100"), gpu(2, "A30", ["1g.6gb", "1g.6gb", "2g.12gb"]), gpu(3, "A30", [])])).toEqual(["2 × NVIDIA A100 (40 GiB)", "NVIDIA A30 (40 GiB), cut into 2 × 1g.6gb, 1 × 2g.12gb", "NVIDIA A30 (40 GiB), in MIG mode without slices"]);
  });
  it("says what of a shared device is taken, and by whom", () => {
    expect(sharedLines([unit("b-1", 2, 600, "A100"), unit("a-1", 1, 300), unit("a-2", 1, 300), { unit: "c-1", devices: null } as unknown as UnitRow])).toEqual(["Device 1: 600 of 1000 thousandths taken by 2 units: a-1 300, a-2 300", "Device 2 (A100): 600 of 1000 thousandths taken by 1 unit: b-1 600"]);
  });
});
