import { z } from "zod";

const atMs = z.int().min(0).describe("Unix time in ms by the sender's clock.");

/** What a node is and how it feels, as its agent says it: on the wire, in the store and on screens alike. */
export const deviceFact = z.object({
  index: z.int(), vendor: z.string(), model: z.string(), memoryMiB: z.number().nullable(), uuid: z.string().nullable(),
  /** Of a device in MIG mode: its slices, each with its profile such as "1g.10gb". Absent or null for others; such a device is offered by its slices alone. */
  slices: z.array(z.object({ profile: z.string().max(40), uuid: z.string().nullable() })).max(64).nullish(),
});

/** What the agent found out about its machine. Unknown is null, never a guess. */
export const nodeFacts = z.object({
  hostname: z.string(),
  os: z.string(),
  kernel: z.string(),
  arch: z.string(),
  cpuModel: z.string().nullable(),
  cpuCount: z.int(),
  memoryBytes: z.number(),
  diskBytes: z.number().nullable(),
  networks: z.array(z.object({ name: z.string(), addresses: z.array(z.string()) })),
  devices: z.array(deviceFact),
  bootId: z.string(),
  /** What the agent offers to units; a slice of the machine when it was told so. */
  offered: z.object({ cpuMillis: z.int(), memoryBytes: z.number(), diskBytes: z.number() }),
  /** True when `offered` is a slice by configuration and not the whole machine. */
  sliced: z.boolean(),
  engines: z.array(z.object({ type: z.string(), version: z.string(), limits: z.enum(["cgroup2", "cgroup1", "rlimit", "none"]), limitsProven: z.boolean(), limitsNote: z.string() })),
});
export type NodeFacts = z.infer<typeof nodeFacts>;

/** Real usage at one moment. Shares are 0..1 of the whole machine; bytes are bytes. */
export const nodeUsage = z.object({
  atMs,
  cpuShare: z.number().nullable(),
  memoryUsedBytes: z.number().nullable(),
  diskUsedBytes: z.number().nullable(),
  netRxBytesPerSecond: z.number().nullable(),
  netTxBytesPerSecond: z.number().nullable(),
  load1: z.number().nullable(),
});
export type NodeUsage = z.infer<typeof nodeUsage>;
