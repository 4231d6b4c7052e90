import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseBytes } from "../../server/core/manifest/common";
import type { UnitSpec } from "../../server/protocol/messages";
import type { LaunchRequest } from "../engine/engine";
import type { ProbeContext } from "../engine/health";
import { limitedCommand } from "../engine/shim";
import { Fault, textOf } from "../platform/fault";
import { exponentialMs } from "../session/backoff";
import type { HeldDevice } from "./devices";
import { substitute, unitEnvironment } from "./command";
import type { InstanceWorld } from "./world";

const FETCH_RETRY = { baseMs: 1_000, maxMs: 60_000 };

/**
 * Fetches all artifacts of a unit, trying again until it succeeds or `signal` ends it; `waiting` is told why it waits.
 * Resolves with the paths by name.
 */
export async function fetchArtifacts(spec: UnitSpec, world: Pick<InstanceWorld, "artifacts" | "log" | "event">, o: { signal: AbortSignal; waiting: (message: string) => void }): Promise<Record<string, string>> {
  const paths: Record<string, string> = {};
  for (const a of spec.template.artifacts) {
    for (let attempt = 0; paths[a.name] === undefined; attempt++) {
      try {
        paths[a.name] = await world.artifacts.ensure(a.digest, a.unpack, o.signal);
      } catch (error) {
        o.signal.throwIfAborted();
        const waitMs = exponentialMs(attempt, FETCH_RETRY.baseMs, FETCH_RETRY.maxMs);
        world.log.warn("artifact.fetchFailed", { unit: spec.unit, artifact: a.name, digest: a.digest, message: textOf(error), againInMs: waitMs });
        if (error instanceof Fault || attempt === 0) world.event("artifact.failed", spec, `${a.name}: ${textOf(error)}`);
        o.waiting(`waits for artifact ${a.name}: ${textOf(error)}${error instanceof Fault ? ` ${error.remedy}` : ""}`);
        await delay(waitMs, undefined, { signal: o.signal });
      }
    }
  }
  return paths;
}

/** What the engine is asked to start. Fault launch_failed when the command refers to something that is not there. */
export function launchRequest(spec: UnitSpec, world: InstanceWorld, o: { folder: string; launchId: string; logPath: string; token: string; artifacts: Record<string, string>; ports: Record<string, number>; devices: readonly HeldDevice[] }): LaunchRequest {
  const { template } = spec;
  const home = join(o.folder, "work");
  const filled = (text: string): string => {
    const result = substitute(text, { artifacts: o.artifacts, node: world.runtime });
    if (!result.ok) throw new Fault("launch_failed", `The command cannot be built: ${result.error}.`, "Correct the manifest's engine.command or artifacts.");
    return result.value;
  };
  const wanted = template.engine.workingDirectory;
  const workingDirectory = wanted === undefined ? home : filled(wanted);
  return {
    folder: o.folder,
    launchId: o.launchId,
    command: template.engine.command.map(filled),
    workingDirectory: workingDirectory.startsWith("/") ? workingDirectory : join(home, workingDirectory),
    environment: unitEnvironment(spec, { ...world.place(), token: o.token, artifacts: o.artifacts, ports: o.ports, devices: o.devices, home }),
    logPath: o.logPath,
    cpuMillis: template.resources.cpuMillis,
    memoryBytes: parseBytes(template.resources.memory),
  };
}

/** How a unit's health is asked: on its ports, and for commands inside its control groups and with its environment. */
export function probeContext(spec: UnitSpec, world: InstanceWorld, o: { folder: string; cgroups: readonly string[]; ports: Record<string, number>; devices: readonly HeldDevice[] }): ProbeContext {
  const home = join(o.folder, "work");
  return {
    ports: o.ports,
    run: (command) => ({
      ...limitedCommand({ enter: o.cgroups.map((f) => join(f, "cgroup.procs")), dataLimitKiB: null, command: command.map((part) => part.replaceAll("${node}", world.runtime)) }),
      environment: unitEnvironment(spec, { ...world.place(), token: "", artifacts: {}, ports: o.ports, devices: o.devices, home }),
      workingDirectory: home,
    }),
  };
}
