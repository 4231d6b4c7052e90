import type { NodeFacts, UnitSpec } from "../../server/protocol/messages";
import type { ArtifactCache } from "../artifacts/cache";
import type { Engine } from "../engine/engine";
import type { Log } from "../platform/log";
import type { Holding } from "./devices";
import type { Sealing } from "../state/sealing";

export type UnitEventKind = "unit.started" | "unit.exited" | "unit.healthy" | "unit.unhealthy" | "unit.oomKilled" | "unit.adopted" | "artifact.failed";

/** What an instance needs from the agent around it. */
export type InstanceWorld = {
  engine: Engine;
  artifacts: ArtifactCache;
  sealing: Sealing;
  log: Log;
  nowMs: () => number;
  random: () => number;
  bootId: string;
  runtime: string;
  maxLogBytes: number;
  place: () => { node: string; site: string; agentUrl: string };
  /** Ports promised to any instance. */
  portsTaken: () => ReadonlySet<number>;
  /** Accelerators of the machine, and who has which of them. */
  devices: () => NodeFacts["devices"];
  devicesHeld: () => readonly Holding[];
  changed: () => void;
  event: (kind: UnitEventKind, spec: UnitSpec, message: string) => void;
};
