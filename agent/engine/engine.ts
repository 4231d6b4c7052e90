import type { NodeFacts } from "../../server/protocol/messages";

export type LimitLevel = NodeFacts["engines"][number]["limits"];
export type EngineFacts = NodeFacts["engines"][number];

/** What an engine needs to start one unit. Paths are absolute; sizes in bytes. */
export type LaunchRequest = {
  /** Folder of this instance, for the engine's own files. */
  folder: string;
  /** Names this launch for ever; no two launches share one. */
  launchId: string;
  command: readonly string[];
  workingDirectory: string;
  environment: Readonly<Record<string, string>>;
  /** File that gets both output streams, appended. */
  logPath: string;
  cpuMillis: number;
  memoryBytes: number;
};

/** What must be remembered of a running unit to find it again after the agent's death or restart. */
export type ProcessRecord = {
  launchId: string;
  pid: number;
  /** Start time of `pid` as the system tells it; with the pid it names a process uniquely within one boot. */
  startedTicks: string;
  limits: LimitLevel;
  /** Control groups the unit runs in; empty for other levels. */
  cgroups: readonly string[];
};

/** How a unit ended. Both null: it ended while nobody could watch. */
export type Exit = { code: number | null; signal: string | null; oomKilled: boolean };
export type UnitUsage = { cpuMillis: number | null; memoryBytes: number | null };

/** One running unit in the hands of an engine. */
export type Running = {
  readonly record: ProcessRecord;
  /** Pid of the unit's own first process, when known. */
  readonly mainPid: number | null;
  readonly exited: Promise<Exit>;
  /** Asks every process of the unit to stop. */
  signal(signal: NodeJS.Signals): void;
  /** Ends every process of the unit at once; resolves when they are gone. */
  kill(): Promise<void>;
  /** Present usage; null where it cannot be told. */
  usage(): Promise<UnitUsage>;
  /** Memory kills so far. */
  oomKills(): Promise<number>;
};

/**
 * What runs units. Everything that decides (replacing, restarting, health) is outside, so that another engine
 * (containers, a batch system) only has to start, find again, stop and measure.
 */
export type Engine = {
  readonly type: string;
  /** What it offers, with the level of isolation that a probe has shown; stable for one boot. */
  facts(): EngineFacts;
  /** Starts a unit that outlives the agent. Fault: launch_failed. */
  launch(request: LaunchRequest): Promise<Running>;
  /** Finds a unit again: by its record, or by the launch id alone when the agent died before it could write one. */
  adopt(folder: string, launchId: string, record: ProcessRecord | null): Promise<Running | null>;
  /** Makes sure that a launch whose outcome is unknown runs no more. */
  voidLaunch(folder: string, launchId: string): Promise<void>;
  /** How a launch ended that nobody watched; null when it left no word. */
  pastExit(folder: string, launchId: string): Promise<Exit | null>;
  /** Stops watching; units go on. */
  close(): Promise<void>;
};
