import { z } from "zod";
import { dnsLabel, sha256Digest } from "../base/ids";
import { duration } from "../base/duration";
import { byteSize, celSelector, metadata, API_VERSION } from "./common";

const probe = z
  .discriminatedUnion("type", [
    z.strictObject({ type: z.literal("http"), path: z.string().startsWith("/"), port: z.string().default("http").describe("Name of a port of this workload.") }),
    z.strictObject({ type: z.literal("tcp"), port: z.string().default("http") }),
    z.strictObject({ type: z.literal("exec"), command: z.array(z.string()).min(1) }),
  ])
  .describe("How the agent asks whether a unit is healthy.");

export const healthCheck = z.strictObject({
  probe,
  interval: duration.default("5s"),
  timeout: duration.default("2s"),
  failureThreshold: z.int().min(1).max(100).default(3),
  startPeriod: duration.default("10s").describe("Failures within it do not count."),
});

export const artifactRef = z.strictObject({
  name: dnsLabel.describe("Name by which the unit finds it: its path stands in HOLDFAST_ARTIFACT_<NAME>."),
  digest: sha256Digest,
  unpack: z.enum(["none", "tar.gz"]).default("none"),
});

export const processEngine = z.strictObject({
  type: z.literal("process"),
  command: z.array(z.string()).min(1).describe("Program and arguments. ${artifact.NAME} stands for an artifact's path, ${node} for the agent's own runtime."),
  workingDirectory: z.string().optional(),
});

export const envValue = z.union([z.string(), z.strictObject({ secret: z.string().describe("Name of a secret of the project.") })]);

/** Accelerators that one unit asks for: whole ones, a share of one, or MIG slices. */
export const devicesWanted = z
  .strictObject({
    count: z.int().min(1).max(64).default(1),
    model: z.string().optional(),
    shareMillis: z.int().min(1).max(999).optional().describe("Thousandths of one device, shared with other units; for whole devices leave it out."),
    slice: z.string().regex(/^(\d{1,2}c\.)?\d{1,2}g\.\d{1,4}gb(\+[a-z0-9.]+)?$/, "Write a MIG profile such as 1g.10gb.").optional().describe("MIG profile: count is then how many such slices."),
  });

/** What is wrong with devices that are asked for, beyond the form of each field; null for nothing. */
export function devicesProblem(asked: z.infer<typeof devicesWanted> | undefined): { field: "shareMillis" | "slice" | "model"; message: string; remedy: string } | null {
  if (!asked) return null;
  if (asked.shareMillis !== undefined && asked.count > 1) return { field: "shareMillis", message: `A share is of one device, and count is ${asked.count}.`, remedy: "Set count to 1 and run more units, or leave shareMillis out to ask for whole devices." };
  if (asked.slice !== undefined && asked.shareMillis !== undefined) return { field: "slice", message: "A slice is a device of its own, and is not shared.", remedy: "Leave out slice or shareMillis." };
  if (asked.slice !== undefined && asked.model !== undefined) return { field: "model", message: "A slice is named by its profile alone.", remedy: "Leave model out, and choose nodes by a selector if the model matters." };
  return null;
}

/** What one unit of a workload needs and runs. */
export const unitTemplate = z.strictObject({
  engine: processEngine,
  artifacts: z.array(artifactRef).max(32).default([]),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), envValue).default({}),
  ports: z.array(z.strictObject({ name: dnsLabel, env: z.string().default("PORT").describe("Environment variable that tells the unit its port.") })).max(8).default([]),
  resources: z
    .strictObject({
      cpuMillis: z.int().min(1).max(1_024_000).default(100).describe("Thousandths of a core."),
      memory: byteSize.default("64Mi"),
      disk: byteSize.default("64Mi"),
      devices: devicesWanted.optional(),
    })
    .prefault({}),
  health: healthCheck.optional(),
  stop: z.strictObject({ signal: z.enum(["SIGTERM", "SIGINT", "SIGQUIT"]).default("SIGTERM"), grace: duration.default("10s") }).prefault({}),
  restart: z
    .strictObject({ policy: z.enum(["always", "onFailure", "never"]).default("always"), backoff: duration.default("1s"), backoffMax: duration.default("1m") })
    .prefault({}),
});

export const workloadSpec = z.strictObject({
  kind: z.enum(["service", "inference", "batch", "daemon"]).describe("service and inference keep replicas running; daemon runs one unit on each matching node; batch runs to completion."),
  replicas: z.int().min(0).max(100_000).default(1).describe("How many units; ignored for daemon."),
  policy: dnsLabel.optional().describe("Placement policy by name; without it only the workload's own selector binds."),
  selector: celSelector.optional().describe("Where units may run, besides the policy."),
  platform: z
    .strictObject({ arch: z.array(z.string().min(1).max(30)).max(8).optional(), os: z.array(z.string().min(1).max(30)).max(8).optional() })
    .optional()
    .describe("Processor architectures (such as x64, arm64) and operating systems (such as linux) that the unit's program was built for; absent: any."),
  template: unitTemplate,
  priority: z.int().min(0).max(1_000_000).default(100).describe("Who goes first where room is short: the higher number."),
  preemption: z.enum(["lowerPriority", "never"]).optional().describe("Whether units of lower priority may be stopped to make room for this workload's; lowerPriority by default."),
  quota: dnsLabel.optional().describe("Quota that its units count in; without one nothing limits them."),
  gang: z.strictObject({ minMember: z.int().min(1).max(10_000) }).optional().describe("All or nothing: no unit starts before so many can run together."),
  duration: z.strictObject({ min: duration, max: duration }).optional().describe("How long a unit of a batch runs, as a range. With it the batch gets a reservation, and may start in a gap that another's leaves."),
  disruption: z.strictObject({ maxUnavailable: z.int().min(0).max(100_000) }).optional().describe("So many units at most may be out of service because others need their room; absent: any number."),
  disconnect: z
    .strictObject({ lostAfter: z.union([z.literal("never"), duration]).default("never").describe("Replace a silent node's units after this long; default never.") })
    .prefault({}),
  objectives: z
    .strictObject({ latencyP99Ms: z.number().positive().optional(), accuracyMin: z.number().min(0).max(1).optional(), errorRateMax: z.number().min(0).max(1).optional() })
    .optional()
    .describe("What the workload is meant to reach; measured and shown with a state."),
  affinity: z
    .strictObject({
      apart: z
        .array(z.strictObject({ from: dnsLabel.optional().describe("The other workload; absent: its own units keep apart from each other."), over: z.enum(["site", "node"]) }))
        .max(20)
        .default([])
        .describe("Hard rule, both ways: no unit on a node, or at a site, that has one of the other workload."),
      together: z
        .array(z.strictObject({ with: dnsLabel.describe("The other workload; its own name keeps its units together."), over: z.enum(["site", "node"]) }))
        .max(20)
        .default([])
        .describe("Hard rule: only on a node, or at a site, where the other workload has a unit."),
    })
    .optional()
    .describe("What units may share a place with. It holds when a unit is placed; units that run stay where they are."),
  traffic: z
    .array(z.strictObject({ to: dnsLabel.optional().describe("Site that it goes to: free of charge for units at that site. Absent: to clients outside the fleet."), gibPerHour: z.number().min(0).max(10_000).describe("GiB an hour that one unit sends.") }))
    .max(20)
    .optional()
    .describe("What one unit sends. The preference cost counts it by the rate that the unit's site takes for what leaves it (egressGiB)."),
  rollout: dnsLabel.optional().describe("Rollout strategy by name for new revisions; without it a new revision goes everywhere at once."),
});

export const workloadManifest = z.strictObject({ apiVersion: z.literal(API_VERSION), kind: z.literal("Workload"), metadata, spec: workloadSpec });
export type WorkloadManifest = z.infer<typeof workloadManifest>;
export type WorkloadSpec = z.infer<typeof workloadSpec>;
export type UnitTemplate = z.infer<typeof unitTemplate>;
export type HealthCheck = z.infer<typeof healthCheck>;
