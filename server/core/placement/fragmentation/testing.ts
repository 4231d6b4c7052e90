import fc from "fast-check";
import { WHOLE } from "./gpu";
import type { GpuNode, GpuShape } from "./gpu";

const models = ["A", "B"] as const;

/** A node of up to four devices with anything free. */
export const anyNode = (name = "n"): fc.Arbitrary<GpuNode> =>
  fc.record({ model: fc.constantFrom(...models), cpuMillis: fc.integer({ min: 0, max: 16 }).map((c) => c * 1_000), memoryBytes: fc.integer({ min: 0, max: 16 }), free: fc.array(fc.integer({ min: 0, max: 10 }).map((f) => f * 100), { minLength: 1, maxLength: 4 }) }).map((n) => ({ name, ...n }));

/** A task without GPU, with a share of one, or with whole ones. */
export const anyShape: fc.Arbitrary<GpuShape> = fc
  .record({ cpuMillis: fc.integer({ min: 1, max: 6 }).map((c) => c * 1_000), memoryBytes: fc.integer({ min: 0, max: 4 }), gpus: fc.integer({ min: 0, max: 3 }), share: fc.integer({ min: 1, max: 10 }), models: fc.constantFrom(null, ["A"], ["A", "B"]) })
  .map(({ share, ...s }) => ({ ...s, gpuMillis: s.gpus === 0 ? 0 : s.gpus === 1 ? share * 100 : WHOLE, models: s.gpus === 0 ? null : s.models }));

export const node = (over: Partial<GpuNode> = {}): GpuNode => ({ name: "n", model: "A", cpuMillis: 64_000, memoryBytes: 64, free: [WHOLE, WHOLE], ...over });
export const shape = (over: Partial<GpuShape> = {}): GpuShape => ({ cpuMillis: 1_000, memoryBytes: 1, gpus: 1, gpuMillis: WHOLE, models: null, ...over });
