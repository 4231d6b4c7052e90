import { join } from "node:path";
import { z } from "zod";
import { endpoint, route, unitSpec, unitTrial } from "../../server/protocol/messages";
import type { Endpoint, Route, UnitSpec } from "../../server/protocol/messages";
import { textOf } from "../platform/fault";
import { privateFolder, readIfThere, writeDurably } from "../platform/files";
import type { Log } from "../platform/log";
import { openEnvironment, sealEnvironment } from "./sealing";
import type { Sealing } from "./sealing";

const sealed = { sealedEnvironment: z.string() };
const storedTrial = unitTrial.extend({ previous: unitTrial.shape.previous.omit({ environment: true }).extend(sealed) });
const storedUnit = unitSpec.omit({ environment: true, trial: true }).extend({ ...sealed, trial: storedTrial.nullable().default(null) });
const storedState = z.object({
  version: z.literal(1),
  receivedGeneration: z.int(),
  appliedGeneration: z.int(),
  receivedAtMs: z.int(),
  units: z.array(storedUnit),
  endpoints: z.array(endpoint),
  routes: z.array(route).default([]),
});

/** What should run here, as last told, and up to which generation it has been done. */
export type DesiredState = { receivedGeneration: number; appliedGeneration: number; receivedAtMs: number; units: UnitSpec[]; endpoints: Endpoint[]; routes: Route[] };
const nothing: DesiredState = { receivedGeneration: 0, appliedGeneration: 0, receivedAtMs: 0, units: [], endpoints: [], routes: [] };

/**
 * The desired state on disk: replaced as a whole and flushed before anything of it is acted upon, so that after a
 * crash or a reboot without a gateway the agent knows what to run. Environments are sealed in it.
 */
export class DesiredFile {
  readonly #path: string;
  readonly #sealing: Sealing;
  #state: DesiredState = nothing;
  #unknown = false;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, sealing: Sealing) {
    this.#path = path;
    this.#sealing = sealing;
  }

  /** Reads the file below `dataFolder`. One that cannot be read is told in the log and kept aside; the gateway sends it anew. */
  static async open(dataFolder: string, sealing: Sealing, log: Log): Promise<DesiredFile> {
    const folder = join(dataFolder, "state");
    await privateFolder(folder);
    const file = new DesiredFile(join(folder, "desired.json"), sealing);
    const text = await readIfThere(file.#path);
    if (text === null) return file;
    try {
      file.#state = file.#read(text);
    } catch (error) {
      log.error("state.unreadable", { message: textOf(error), remedy: "The gateway sends the state again at the next connection; units that run are left alone until then." });
      await writeDurably(`${file.#path}.unreadable`, text);
      file.#unknown = true;
    }
    return file;
  }

  get state(): DesiredState {
    return this.#state;
  }

  /** True when there was a state that cannot be read: then nobody knows what should run, and nothing is stopped for it. */
  get unknown(): boolean {
    return this.#unknown;
  }

  /** Replaces the state; durable when it returns, and visible only then. */
  replace(next: { generation: number; units: UnitSpec[]; endpoints: Endpoint[]; routes: Route[]; receivedAtMs: number }): Promise<void> {
    // Going back (after the store was restored) is as much a change as going on: nothing of it is applied yet.
    const applied = (now: DesiredState): number => (next.generation < now.receivedGeneration ? Math.min(now.appliedGeneration, next.generation - 1) : now.appliedGeneration);
    return this.#write((now) => ({ receivedGeneration: next.generation, appliedGeneration: applied(now), receivedAtMs: next.receivedAtMs, units: next.units, endpoints: next.endpoints, routes: next.routes }));
  }

  /** Notes that everything of `generation` is done; nothing happens when another one has been received meanwhile. */
  markApplied(generation: number): Promise<void> {
    return this.#write((now) => (generation !== now.receivedGeneration || generation === now.appliedGeneration ? null : { ...now, appliedGeneration: generation }));
  }

  /** Writes what `change` makes of the state. It is asked in its turn, so that no write undoes one that was under way. */
  #write(change: (now: DesiredState) => DesiredState | null): Promise<void> {
    const write = async (): Promise<void> => {
      const next = change(this.#state);
      if (next === null) return;
      const units = next.units.map((unit) => sealUnit(unit, this.#sealing));
      await writeDurably(this.#path, JSON.stringify({ version: 1, ...next, units }));
      this.#state = next;
      this.#unknown = false;
    };
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }

  #read(text: string): DesiredState {
    const { version: _version, units, ...rest } = storedState.parse(JSON.parse(text));
    return { ...rest, units: units.map((unit) => openUnit(unit, this.#sealing)) };
  }
}

/** What the environment of the revision before a trial is sealed for: another than the unit's own. */
const beforeTrial = (assignmentId: string): string => `${assignmentId} before`;

function sealUnit({ environment, trial, ...unit }: UnitSpec, sealing: Sealing): z.infer<typeof storedUnit> {
  const { assignmentId } = unit;
  const sealedEnvironment = sealEnvironment(sealing, assignmentId, environment);
  if (trial === null) return { ...unit, sealedEnvironment, trial };
  const { environment: before, ...previous } = trial.previous;
  return { ...unit, sealedEnvironment, trial: { ...trial, previous: { ...previous, sealedEnvironment: sealEnvironment(sealing, beforeTrial(assignmentId), before) } } };
}

function openUnit({ sealedEnvironment, trial, ...unit }: z.infer<typeof storedUnit>, sealing: Sealing): UnitSpec {
  const opened = (context: string, text: string): Record<string, string> => {
    const environment = openEnvironment(sealing, context, text);
    if (environment === null) throw new Error(`the environment of ${unit.unit} was sealed with another key`);
    return environment;
  };
  const environment = opened(unit.assignmentId, sealedEnvironment);
  if (trial === null) return { ...unit, environment, trial };
  const { sealedEnvironment: before, ...previous } = trial.previous;
  return { ...unit, environment, trial: { ...trial, previous: { ...previous, environment: opened(beforeTrial(unit.assignmentId), before) } } };
}
