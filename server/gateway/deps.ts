import type { Registry } from "prom-client";
import type { ReportBody } from "../protocol/messages";
import type { Identity } from "../identity";
import type { Clock, Logger } from "../platform";
import type { Store, Tx } from "../store";
import type { OpenEnvironment } from "./desired";
import type { GatewaySettings } from "./settings";

/** The part of `server/artifacts` that agents reach. */
export interface ArtifactSource {
  /** Opens an artifact of a project; null when the project has none of this digest. `from` skips bytes already fetched. */
  open(projectId: string, digest: string): Promise<{ sizeBytes: number; mediaType: string; read(from: number, to: number): AsyncIterable<Uint8Array> } | null>;
}

export interface GatewayDeps {
  store: Store;
  clock: Clock;
  log: Logger;
  registry: Registry;
  identity: Identity;
  artifacts: ArtifactSource;
  /** Stores one report inside the transaction that advances the node's report number (`server/telemetry`). */
  ingestReport(tx: Tx, node: { id: string; projectId: string; siteId: string }, atMs: number, body: ReportBody): Promise<unknown>;
  openEnvironment: OpenEnvironment;
  settings: GatewaySettings;
  /** This process's name in session rows. */
  gatewayId: string;
  /** How many database transactions may run at once, so that a return of the whole fleet queues here and not in the pool. */
  concurrency?: number;
}
