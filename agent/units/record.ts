import { z } from "zod";
import { unitHealths, unitSpec } from "../../server/protocol/messages";
import type { UnitSpec } from "../../server/protocol/messages";
import { heldDevice } from "./devices";
import { openEnvironment, sealEnvironment } from "../state/sealing";
import type { Sealing } from "../state/sealing";

/** What is remembered of one instance over the agent's death; `unit.json` in the instance's folder. */
const instanceData = z.object({
  id: z.string(),
  state: z.enum(["preparing", "up", "stopping", "exited", "ended"]),
  /** Boot in which its process was started. */
  bootId: z.string(),
  /** Set before a launch is tried, so that one of unknown outcome can be found or made void. */
  launchId: z.string().nullable(),
  process: z.object({ launchId: z.string(), pid: z.int(), startedTicks: z.string(), limits: z.enum(["cgroup2", "cgroup1", "rlimit", "none"]), cgroups: z.array(z.string()) }).nullable(),
  ports: z.record(z.string(), z.int()),
  /** Real devices that it has for as long as it has not ended. */
  devices: z.array(heldDevice).default([]),
  /** SHA-256 of the token that the present process names itself by; hex. */
  tokenHash: z.string().nullable(),
  restarts: z.int(),
  /** Ends in a row that came soon after the start. */
  crashes: z.int(),
  startedAtMs: z.int().nullable(),
  sinceMs: z.int(),
  exitCode: z.int().nullable(),
  exitSignal: z.string().nullable(),
  health: z.enum(unitHealths),
  wasReady: z.boolean(),
  completed: z.boolean(),
  notBeforeMs: z.int(),
  message: z.string(),
});
export type InstanceData = z.infer<typeof instanceData>;

const file = z.object({ version: z.literal(1), spec: unitSpec.omit({ environment: true, trial: true }), sealedEnvironment: z.string(), data: instanceData });

/** Text of the file; the environment is sealed in it. */
export function writeRecord(spec: UnitSpec, data: InstanceData, sealing: Sealing): string {
  // Trials are the ledger's; an instance is one revision and no more.
  const { environment, trial: _trial, ...rest } = spec;
  return JSON.stringify({ version: 1, spec: rest, sealedEnvironment: sealEnvironment(sealing, spec.assignmentId, environment), data });
}

/** What the file says; null when it cannot be read or was sealed with another key. */
export function readRecord(text: string, sealing: Sealing): { spec: UnitSpec; data: InstanceData } | null {
  try {
    const parsed = file.parse(JSON.parse(text));
    const environment = openEnvironment(sealing, parsed.spec.assignmentId, parsed.sealedEnvironment);
    return environment === null ? null : { spec: { ...parsed.spec, environment, trial: null }, data: parsed.data };
  } catch {
    return null;
  }
}

/** The same without the environment, for the local command line, which has no need to open secrets. */
export function readRecordForPeople(text: string): { spec: Omit<UnitSpec, "environment" | "trial">; data: InstanceData } | null {
  try {
    const { spec, data } = file.parse(JSON.parse(text));
    return { spec, data };
  } catch {
    return null;
  }
}
