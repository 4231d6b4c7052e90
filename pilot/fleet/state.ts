import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A process as it can be told from another that got the same pid later. */
export type ProcessMark = { readonly pid: number; readonly startedAt: string };

/** What the pilot remembers between starts. */
export type PilotState = {
  /** Ports of each site's relay, kept so that agents and the control door find it again. */
  relays: Record<string, { port: number; control: number }>;
  /** Sites that are cut off, and since when. */
  cut: Record<string, number>;
  /** What a node is called, where that is not its name in the plan: a node's name is never used twice. */
  names: Record<string, string>;
  /** Objects ("Kind/name") that were applied once; one that a person removed is not brought back. */
  applied: string[];
  /** What runs, to be ended after a crash of this process. */
  processes: Record<string, ProcessMark>;
};

/** How `npm run pilot` reaches a running pilot. In a file of mode 0600; the pilot's own token is never written. */
export type PilotDoor = { readonly pid: number; readonly startedAt: string; readonly port: number; readonly secret: string };

const EMPTY = (): PilotState => ({ relays: {}, cut: {}, names: {}, applied: [], processes: {} });

/** The pilot's folder (mode 0700): state, door, one data folder a node, logs. */
export class PilotFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    for (const folder of [path, join(path, "logs"), join(path, "nodes")]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  nodeFolder(node: string): string {
    return join(this.path, "nodes", node);
  }

  logFile(name: string): string {
    return join(this.path, "logs", `${name}.log`);
  }

  readState(): PilotState {
    return { ...EMPTY(), ...this.#read<Partial<PilotState>>("state.json") };
  }

  writeState(state: PilotState): void {
    this.#write("state.json", state);
  }

  readDoor(): PilotDoor | null {
    return this.#read<PilotDoor>("door.json");
  }

  writeDoor(door: PilotDoor): void {
    this.#write("door.json", door);
  }

  removeDoor(): void {
    rmSync(join(this.path, "door.json"), { force: true });
  }

  /** When the pilot was removed; a removed pilot does not start again by itself. */
  get removedAt(): string | null {
    return this.#read<{ at: string }>("removed.json")?.at ?? null;
  }

  markRemoved(): void {
    this.#write("removed.json", { at: new Date().toISOString() });
  }

  restore(): void {
    rmSync(join(this.path, "removed.json"), { force: true });
  }

  /** Forgets identities and state, for a pilot that was removed. */
  forget(): void {
    rmSync(join(this.path, "nodes"), { recursive: true, force: true });
    rmSync(join(this.path, "state.json"), { force: true });
    this.removeDoor();
  }

  #read<T>(name: string): T | null {
    try {
      return JSON.parse(readFileSync(join(this.path, name), "utf8")) as T;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw new Error(`${join(this.path, name)} cannot be read: ${(error as Error).message}. Repair or delete it.`, { cause: error });
    }
  }

  /** Written beside and renamed, so that a crash leaves the old file or the new one. */
  #write(name: string, value: unknown): void {
    const path = join(this.path, name);
    writeFileSync(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}
