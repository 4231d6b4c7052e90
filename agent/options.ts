import { parseArgs } from "node:util";
import { parseDurationMs } from "../server/core/base/duration";
import { dnsLabel } from "../server/core/base/ids";
import { parseBytes } from "../server/core/manifest/common";
import type { NodeFacts } from "../server/protocol/messages";
import type { Slice } from "./facts/machine";
import { parseAddress } from "./identity/dial";
import { Fault } from "./platform/fault";

export type RunOptions = {
  data: string;
  gateway: string | null;
  token: string | null;
  fingerprint: string | null;
  name: string | null;
  slice: Slice;
  /** Accelerators that the agent is told of, because it can't find them by itself. */
  devices: NodeFacts["devices"];
  localPort: number;
  stopUnitsOnExit: boolean;
  logLevel: "debug" | "info" | "warn" | "error";
  reconnectMaxMs: number;
  reportEveryMs: number;
  sampleEveryMs: number;
  journalBytes: number;
  logBytes: number;
  cacheBytes: number;
  /** Instead of the kernel's: for containers, whose restart the kernel's boot id does not tell, and for tests. */
  bootId: string | null;
};

const flags = {
  data: { type: "string" },
  gateway: { type: "string" },
  token: { type: "string" },
  "ca-fingerprint": { type: "string" },
  name: { type: "string" },
  slice: { type: "string" },
  devices: { type: "string" },
  "local-port": { type: "string" },
  "stop-units-on-exit": { type: "boolean" },
  "log-level": { type: "string" },
  "reconnect-max": { type: "string" },
  "report-every": { type: "string" },
  "sample-every": { type: "string" },
  "journal-size": { type: "string" },
  "log-size": { type: "string" },
  "cache-size": { type: "string" },
  "boot-id": { type: "string" },
} as const;

/** Reads the flags of a run. Fault `usage` names the flag and how to write it. */
export function readRunOptions(args: readonly string[]): RunOptions {
  const values = parse(args);
  const data = values.data;
  if (data === undefined || data === "") throw usage("--data", "is missing", "Name the folder where the agent keeps its state: --data /var/lib/holdfast-agent");
  if (values.gateway !== undefined && !parseAddress(values.gateway)) throw usage("--gateway", `"${values.gateway}" is no address`, "Write it as HOST:PORT, for example --gateway console.example.org:7071");
  const fingerprint = values["ca-fingerprint"];
  if (fingerprint !== undefined && !/^sha256:[0-9a-f]{64}$/i.test(fingerprint.replaceAll(":", "").replace(/^sha256/i, "sha256:"))) throw usage("--ca-fingerprint", "is no SHA-256 fingerprint", "Write it as sha256: and 64 hex digits, as Settings, join tokens shows it");
  if (values.name !== undefined && !dnsLabel.safeParse(values.name).success) throw usage("--name", `"${values.name}" is no node name`, "Use lower-case letters, digits and '-', at most 63");
  const level = values["log-level"] ?? "info";
  if (level !== "debug" && level !== "info" && level !== "warn" && level !== "error") throw usage("--log-level", `"${level}" is no level`, "Use debug, info, warn or error");
  return {
    data,
    gateway: values.gateway ?? null,
    token: values.token ?? null,
    fingerprint: fingerprint ?? null,
    name: values.name ?? null,
    slice: readSlice(values.slice),
    devices: readDevices(values.devices),
    localPort: integer("--local-port", values["local-port"] ?? "0", 0, 65_535),
    stopUnitsOnExit: values["stop-units-on-exit"] ?? false,
    logLevel: level,
    reconnectMaxMs: duration("--reconnect-max", values["reconnect-max"] ?? "30s", 100),
    reportEveryMs: duration("--report-every", values["report-every"] ?? "5s", 100),
    sampleEveryMs: duration("--sample-every", values["sample-every"] ?? "10s", 100),
    journalBytes: bytes("--journal-size", values["journal-size"] ?? "64Mi", 65_536),
    logBytes: bytes("--log-size", values["log-size"] ?? "8Mi", 4_096),
    cacheBytes: bytes("--cache-size", values["cache-size"] ?? "20Gi", 0),
    bootId: values["boot-id"] ?? null,
  };
}

function parse(args: readonly string[]): { [K in keyof typeof flags]?: (typeof flags)[K]["type"] extends "boolean" ? boolean : string } {
  try {
    return parseArgs({ args: [...args], options: flags, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new Fault("usage", error instanceof Error ? error.message : "The flags cannot be read.", "Run holdfast-agent --help for the flags.");
  }
}

function readSlice(text: string | undefined): Slice {
  const slice: Slice = {};
  for (const part of (text ?? "").split(",").filter((p) => p !== "")) {
    const [key, value = ""] = part.split("=");
    const cpu = /^(\d+)m$/.exec(value)?.[1] ?? (/^\d+(\.\d+)?$/.test(value) ? String(Math.round(Number(value) * 1_000)) : undefined);
    const size = parseBytes(value);
    if (key === "cpu" && cpu !== undefined && Number(cpu) > 0) slice.cpuMillis = Number(cpu);
    else if (key === "memory" && size > 0) slice.memoryBytes = size;
    else if (key === "disk" && size > 0) slice.diskBytes = size;
    else throw usage("--slice", `"${part}" is not understood`, "Write it as --slice cpu=500m,memory=256Mi,disk=1Gi");
  }
  return slice;
}

/** "Hailo-8=2,A30/1g.6gb=4": two whole devices of one model, and one that is cut into four slices. */
function readDevices(text: string | undefined): NodeFacts["devices"] {
  const found: NodeFacts["devices"] = [];
  for (const part of (text ?? "").split(",").filter((p) => p !== "")) {
    const [, model, profile, count] = /^([^/=]+)(?:\/([^/=]+))?=(\d{1,2})$/.exec(part.trim()) ?? [];
    const n = Number(count);
    if (model === undefined || !(n >= 1)) throw usage("--devices", `"${part}" is not understood`, "Write it as --devices MODEL=2, or MODEL/1g.6gb=4 for one that is cut into four slices");
    const device = (k: number): NodeFacts["devices"][number] => ({ index: found.length, vendor: "declared", model, memoryMiB: null, uuid: `${model}-${k + 1}` });
    if (profile === undefined) for (let k = 0; k < n; k++) found.push(device(k));
    else {
      const k = found.filter((d) => d.model === model).length;
      found.push({ ...device(k), slices: Array.from({ length: n }, (_, i) => ({ profile, uuid: `${model}-${k + 1}/${i + 1}` })) });
    }
  }
  return found;
}

function duration(flag: string, text: string, least: number): number {
  const ms = parseDurationMs(text);
  if (ms === null || ms < least) throw usage(flag, `"${text}" is no duration of at least ${least} ms`, `Write it as ${flag} 500ms, 30s or 5m`);
  return ms;
}

function bytes(flag: string, text: string, least: number): number {
  const n = parseBytes(text);
  if (!(n >= least)) throw usage(flag, `"${text}" is no size of at least ${least} bytes`, `Write it as ${flag} 64Mi or 2Gi`);
  return n;
}

function integer(flag: string, text: string, least: number, most: number): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < least || n > most) throw usage(flag, `"${text}" is no number from ${least} to ${most}`, `Write it as ${flag} ${least}`);
  return n;
}

const usage = (flag: string, what: string, remedy: string): Fault => new Fault("usage", `${flag}: ${what}.`, `${remedy}.`);
