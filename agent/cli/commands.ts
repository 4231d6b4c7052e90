import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { formatDurationMs } from "../../server/core/base/duration";
import { ArtifactCache, defaultCache } from "../artifacts/cache";
import { chooseLimiter } from "../engine/choose-limiter";
import { LogFile } from "../engine/log-file";
import { ProcessEngine } from "../engine/process-engine";
import { currentBootId, machineFacts } from "../facts/machine";
import { Identity } from "../identity/identity";
import { Fault } from "../platform/fault";
import { createLog } from "../platform/log";
import { lockData } from "../state/data-lock";
import { createSealing } from "../state/sealing";
import { Supervisor } from "../units/supervisor";
import { askNode, askUnits, filedUnits } from "./read";
import { table } from "./table";

/** What the local commands write to, and the clock they tell ages by. */
export type Terminal = { write: (text: string) => void; nowMs: () => number; width: number };

const flags = { data: { type: "string" }, json: { type: "boolean" }, follow: { type: "boolean", short: "f" }, tail: { type: "string" } } as const;
const TAIL_BYTES = 16_384;
const FOLLOW_EVERY_MS = 250;

/** The commands that work on this machine alone, also while the node is cut off or no agent runs. */
export const localCommands = { status, units, logs, "stop-units": stopUnits } as const;

function read(args: readonly string[]): { data: string; json: boolean; follow: boolean; tailBytes: number; words: string[] } {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: flags, strict: true, allowPositionals: true });
    const tailBytes = Number(values.tail ?? TAIL_BYTES);
    if (values.data === undefined) throw new Fault("usage", "--data: is missing.", "Name the agent's folder: --data /var/lib/holdfast-agent");
    if (!Number.isInteger(tailBytes) || tailBytes < 0) throw new Fault("usage", `--tail: "${values.tail ?? ""}" is no number of bytes.`, "Write it as --tail 16384");
    return { data: values.data, json: values.json ?? false, follow: values.follow ?? false, tailBytes, words: positionals };
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault("usage", error instanceof Error ? error.message : "The flags cannot be read.", "Run holdfast-agent --help.");
  }
}

async function status(args: readonly string[], t: Terminal): Promise<void> {
  const { data, json } = read(args);
  const identity = await Identity.open(data);
  const node = await askNode(data);
  const known = identity.current;
  const certificate = identity.validity;
  if (json) return t.write(`${JSON.stringify({ running: node !== null, node: known.node, site: known.site, project: known.project, gateway: known.gateway, certificateToMs: certificate.toMs, ...node })}\n`);
  const age = (ms: number): string => formatDurationMs(Math.max(0, t.nowMs() - ms));
  const left = certificate.toMs - (t.nowMs() + known.skewMs);
  t.write(
    table([
      ["node", known.node],
      ["site", `${known.site} (project ${known.project})`],
      ["gateway", known.gateway],
      ["agent", node === null ? "not running; units go on without it" : node.connected ? `connected for ${age(node.sinceMs)}` : `cut off for ${age(node.sinceMs)}`],
      ["certificate", left > 0 ? `valid for another ${formatDurationMs(left)}` : `expired ${formatDurationMs(-left)} ago; renewed at the next contact`],
      ...(node === null ? [] : [["desired state", `generation ${node.appliedGeneration} is applied`], ["journal", `${node.journalDepth} reports wait`]]),
    ], t.width),
  );
}

async function units(args: readonly string[], t: Terminal): Promise<void> {
  const { data, json } = read(args);
  const told = await askUnits(data);
  if (told) {
    if (json) return t.write(`${JSON.stringify(told)}\n`);
    return t.write(table([["UNIT", "REVISION", "PHASE", "HEALTH", "PID", "RESTARTS", "PORTS", "FOR", "MESSAGE"], ...told.map((u) => [u.unit, String(u.generation), u.phase, u.health, String(u.pid ?? "-"), String(u.restarts), portsOf(u.ports), formatDurationMs(Math.max(0, t.nowMs() - u.sinceMs)), u.message])], t.width));
  }
  const filed = await filedUnits(data);
  if (json) return t.write(`${JSON.stringify(filed)}\n`);
  t.write("No agent runs on this folder; this is what its files and the processes tell.\n");
  t.write(table([["UNIT", "REVISION", "PROCESS", "PID", "RESTARTS", "PORTS"], ...filed.map((u) => [u.unit, String(u.generation), u.running ? "running" : `not running (${u.state})`, String(u.pid ?? "-"), String(u.restarts), portsOf(u.ports)])], t.width));
}

const portsOf = (ports: Record<string, number>): string => Object.entries(ports).map(([name, port]) => `${name}:${port}`).join(",") || "-";

async function logs(args: readonly string[], t: Terminal): Promise<void> {
  const { data, follow, tailBytes, words } = read(args);
  const [wanted] = words;
  if (wanted === undefined) throw new Fault("usage", "Which unit's log is not said.", "holdfast-agent logs UNIT --data DIR [-f] [--tail BYTES]");
  const unit = (await filedUnits(data)).find((u) => u.unit === wanted || u.assignmentId === wanted);
  if (!unit) throw new Fault("not_found", `There is no unit named ${wanted} here.`, "holdfast-agent units --data DIR lists them.");
  const file = new LogFile(join(unit.folder, "log"), Number.MAX_SAFE_INTEGER);
  const { to } = await file.bounds();
  const decoder = new TextDecoder();
  for (let at = Math.max(0, to - tailBytes); ; ) {
    // A new one each time, because the agent may have rotated the log meanwhile.
    const part = await new LogFile(file.path, Number.MAX_SAFE_INTEGER).read(at, 65_536);
    t.write(decoder.decode(part.bytes, { stream: true }));
    at = part.offset + part.bytes.length;
    if (part.bytes.length === 0 && !follow) return;
    if (part.bytes.length === 0) await delay(FOLLOW_EVERY_MS);
  }
}

async function stopUnits(args: readonly string[], t: Terminal): Promise<void> {
  const { data } = read(args);
  const unlock = await lockData(data);
  try {
    const identity = await Identity.open(data);
    const bootId = await currentBootId();
    const { offered } = await machineFacts({ dataFolder: data, bootId, slice: {}, engines: [] });
    const engine = new ProcessEngine({ limits: await chooseLimiter({ dataFolder: data, name: identity.enrolled?.nodeId ?? "none", bootId, offered }), nowMs: t.nowMs });
    const log = createLog({ level: "error", write: t.write, nowMs: t.nowMs });
    const artifacts = new ArtifactCache(data, { dial: () => Promise.reject(new Error("not connected")), settings: defaultCache, nowMs: t.nowMs });
    const supervisor = new Supervisor({ dataFolder: data, engine, artifacts, sealing: createSealing(identity.deriveKey("state")), log, nowMs: t.nowMs, random: Math.random, bootId, runtime: process.execPath, maxLogBytes: Number.MAX_SAFE_INTEGER, place: () => ({ node: "", site: "", agentUrl: "" }), event: () => undefined, devices: () => [], desired: () => [],
    givenUp: () => null, trialOf: () => null, desiredSinceMs: () => 0, undecided: () => true, changed: () => undefined, settled: () => undefined });
    await supervisor.takeUp();
    const running = supervisor.instances.filter((i) => i.data.state === "up" || i.data.state === "stopping").length;
    await supervisor.drainAll();
    await supervisor.stop();
    await engine.close();
    t.write(`${running} units stopped. The next start of the agent starts them again.\n`);
  } finally {
    await unlock();
  }
}
