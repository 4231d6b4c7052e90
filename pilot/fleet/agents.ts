import { execFile } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { orNull, PROJECT, type Api } from "./api";
import { NODES, type PilotNode } from "./plan";
import { pause } from "./processes";
import { Supervised } from "./supervisor";
import type { PilotFolder, PilotState, ProcessMark } from "./state";

const run = promisify(execFile);

export type AgentsOptions = {
  readonly root: string;
  readonly folder: PilotFolder;
  readonly state: PilotState;
  readonly save: () => void;
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

  /** What the nodes are called on the server. */
  get nodeNames(): readonly string[] {
    return NODES.map((node) => this.#nameOf(node));
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

  /** Stops every agent together with its units, also the units of an agent that is just down. */
  async stop(): Promise<void> {
    await Promise.all(NODES.map(async (node) => {
      if (await this.#agents.get(node.name)?.stop()) return;
      const data = this.#o.folder.nodeFolder(node.name);
      if (existsSync(data)) await run(process.execPath, [this.#program, "stop-units", "--data", data], { env: this.#o.environment as NodeJS.ProcessEnv, cwd: this.#o.folder.path });
    }));
  }

  get #program(): string {
    return join(this.#o.root, "dist", "agent", "holdfast-agent.cjs");
  }

  #supervise(node: PilotNode): Supervised {
    const { folder, environment, address, onProcess } = this.#o;
    return new Supervised({
      name: node.name, folder: folder.path, logFile: folder.logFile(node.name), graceMs: STOP_GRACE_MS, endsWithUs: false, environment,
      onProcess: (mark) => onProcess(node.name, mark),
      command: async () => {
        const enrolment = await this.#enrolment(node);
        return [
          process.execPath, this.#program,
          "--data", folder.nodeFolder(node.name), "--name", this.#nameOf(node), "--gateway", address(node.site), "--slice", node.slice,
          "--local-port", "0", "--stop-units-on-exit", ...enrolment,
        ];
      },
    });
  }

  #nameOf(node: PilotNode): string {
    return this.#o.state.names[node.name] ?? node.name;
  }

  /**
   * A fresh join token for a node that has no identity, or one that the server no longer takes (its data were erased, or
   * the pilot was removed and restored). Asked before each start, because a token lasts 15 minutes only and a first
   * start may fail for longer.
   */
  async #enrolment(node: PilotNode): Promise<string[]> {
    const data = this.#o.folder.nodeFolder(node.name);
    const enrolled = existsSync(join(data, "identity", "identity.json"));
    const known = await this.#ask(this.#nameOf(node)).catch((error: unknown) => {
      // While the server cannot be asked, an agent that has its identity is started all the same.
      if (enrolled) return "unasked" as const;
      throw error;
    });
    if (known === "unasked") return [];
    if (enrolled && known !== null && known.desiredState !== "decommissioned" && known.identityRevoked === null) return [];
    // An agent that was killed while it enrolled has left a node behind that nobody has the key of.
    if (known !== null && known.desiredState !== "decommissioned") await this.#o.api.fleet.decommission.mutate({ project: PROJECT, name: known.name, version: known.version, reason: "The pilot lost this node's identity" });
    rmSync(data, { recursive: true, force: true });
    if (known !== null) await this.#rename(node);
    const { token, authorityFingerprint } = await this.#o.api.fleet.createJoinToken.mutate({ project: PROJECT, site: node.site, labels: { "holdfast.dev/pilot": "true" } });
    return ["--token", token, "--ca-fingerprint", authorityFingerprint];
  }

  /** Gives a node the next name that no node has had: the server never takes a name twice. */
  async #rename(node: PilotNode): Promise<void> {
    for (let attempt = 2; ; attempt += 1) {
      const name = `${node.name}-${attempt}`;
      if ((await this.#ask(name)) !== null) continue;
      this.#o.state.names[node.name] = name;
      this.#o.save();
      return;
    }
  }

  #ask(name: string) {
    return orNull(this.#o.api.fleet.node.query({ project: PROJECT, name }));
  }
}
