import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { orNull, PROJECT, type Api } from "./api";
import { NODES, type PilotNode } from "./plan";
import { pause } from "./processes";
import { Supervised } from "./supervisor";
import type { PilotFolder, ProcessMark } from "./state";

export type AgentsOptions = {
  readonly root: string;
  readonly folder: PilotFolder;
  readonly api: Api;
  /** Where the agents of a site find the gateway, as HOST:PORT. */
  readonly address: (site: string) => string;
  readonly environment: Readonly<Record<string, string>>;
  readonly onProcess: (name: string, mark: ProcessMark | null) => void;
};

/** Time an agent has to stop its units, which drain for up to ten seconds, and itself. */
const STOP_GRACE_MS = 25_000;
/** Between two starts, so that nine agents do not all start in the same moment on a small machine. */
const STAGGER_MS = 150;

/** The pilot's agents: the product's own agent, one process a node, each with an identity of its own. */
export class Agents {
  readonly #o: AgentsOptions;
  readonly #agents = new Map<string, Supervised>();

  constructor(o: AgentsOptions) {
    this.#o = o;
    for (const node of NODES) this.#agents.set(node.name, this.#supervise(node));
  }

  get processes(): readonly Supervised[] {
    return [...this.#agents.values()];
  }

  async start(): Promise<void> {
    for (const agent of this.#agents.values()) {
      await agent.start();
      await pause(STAGGER_MS);
    }
  }

  /** Starts a site's agents again, because the address of their gateway has changed. */
  async restartSite(site: string): Promise<void> {
    await Promise.all(NODES.filter((node) => node.site === site).map(async (node) => this.#agents.get(node.name)?.restart()));
  }

  /** Stops every agent together with its units. */
  async stop(): Promise<void> {
    await Promise.all(this.processes.map((agent) => agent.stop()));
  }

  #supervise(node: PilotNode): Supervised {
    return new Supervised({
      name: node.name, logFile: this.#o.folder.logFile(node.name), graceMs: STOP_GRACE_MS, endsWithUs: false, environment: this.#o.environment,
      onProcess: (mark) => this.#o.onProcess(node.name, mark),
      command: async () => [
        process.execPath, join(this.#o.root, "dist", "agent", "holdfast-agent.cjs"),
        "--data", this.#o.folder.nodeFolder(node.name), "--name", node.name, "--gateway", this.#o.address(node.site), "--slice", node.slice,
        "--local-port", "0", "--stop-units-on-exit", ...(await this.#enrolment(node)),
      ],
    });
  }

  /**
   * A fresh join token for a node that has no identity yet. Asked before each start, because a token lasts 15 minutes
   * only and a first start may fail for longer. An identity that the server does not know (its data were erased) is
   * thrown away.
   */
  async #enrolment(node: PilotNode): Promise<string[]> {
    const data = this.#o.folder.nodeFolder(node.name);
    const known = await orNull(this.#o.api.fleet.node.query({ project: PROJECT, name: node.name })).catch((error: unknown) => {
      // While the server cannot be asked, an agent that has been started before is started as it is.
      if (existsSync(data) && readdirSync(data).length > 0) return "unasked" as const;
      throw error;
    });
    if (known === "unasked") return [];
    if (known !== null && known.desiredState !== "decommissioned" && existsSync(data) && readdirSync(data).length > 0) return [];
    rmSync(data, { recursive: true, force: true });
    const { token, authorityFingerprint } = await this.#o.api.fleet.createJoinToken.mutate({ project: PROJECT, site: node.site, labels: { "holdfast.dev/pilot": "true" } });
    return ["--token", token, "--ca-fingerprint", authorityFingerprint];
  }
}
