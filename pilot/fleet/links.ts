import { join } from "node:path";
import { HttpClient } from "../workload/http";
import type { LinkShape } from "../relay/shape";
import type { RelayStatus } from "../relay/relay";
import { freePort, isFree } from "./ports";
import { pause } from "./processes";
import { Supervised } from "./supervisor";
import type { PilotFolder, PilotState, ProcessMark } from "./state";

export type LinksOptions = {
  readonly root: string;
  readonly folder: PilotFolder;
  readonly state: PilotState;
  /** Writes the state down after a change. */
  readonly save: () => void;
  /** Where the gateway listens, as HOST:PORT. */
  readonly gateway: string;
  readonly shapes: ReadonlyMap<string, LinkShape>;
  readonly secret: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly onProcess: (name: string, mark: ProcessMark | null) => void;
  /** Told when a site's relay had to move to another port. */
  readonly onMoved: (site: string) => void;
};

/** How long a relay may take to say that it listens. */
const READY_WITHIN_MS = 20_000;

/** The simulated links: one relay process a site, between its agents and the gateway. */
export class Links {
  readonly #o: LinksOptions;
  readonly #relays = new Map<string, Supervised>();
  readonly #client = new HttpClient();

  constructor(o: LinksOptions) {
    this.#o = o;
  }

  get processes(): readonly Supervised[] {
    return [...this.#relays.values()];
  }

  /** Starts every relay; resolves when all answer. */
  async start(): Promise<void> {
    let seed = 1;
    for (const [site, shape] of this.#o.shapes) this.#relays.set(site, this.#supervise(site, shape, seed++));
    await Promise.all([...this.#relays].map(async ([site, relay]) => {
      await relay.start();
      await this.#answering(site);
    }));
  }

  /** Where a site's agents find the gateway. */
  address(site: string): string {
    return `127.0.0.1:${this.#o.state.relays[site]?.port}`;
  }

  /** Cuts a site off, and keeps it so if its relay is started again. */
  async cut(site: string): Promise<RelayStatus> {
    this.#o.state.cut[site] ??= Date.now();
    this.#o.save();
    return this.#ask(site, "POST", "/blackhole");
  }

  async heal(site: string): Promise<RelayStatus> {
    delete this.#o.state.cut[site];
    this.#o.save();
    return this.#ask(site, "POST", "/heal");
  }

  /** What a site's relay says of itself; null when it does not answer. */
  status(site: string): Promise<RelayStatus | null> {
    return this.#ask(site, "GET", "/status").catch(() => null);
  }

  async stop(): Promise<void> {
    await Promise.all(this.processes.map((relay) => relay.stop()));
    this.#client.close();
  }

  #supervise(site: string, shape: LinkShape, seed: number): Supervised {
    const name = `relay ${site}`;
    return new Supervised({
      name, folder: this.#o.folder.path, logFile: this.#o.folder.logFile(`relay-${site}`), graceMs: 3_000, endsWithUs: true,
      environment: { ...this.#o.environment, PILOT_RELAY_SECRET: this.#o.secret },
      onProcess: (mark) => this.#o.onProcess(name, mark),
      command: async () => {
        const { port, control } = await this.#ports(site);
        const figures = ["--latency", shape.latencyMs, "--jitter", shape.jitterMs, "--loss", shape.lossPercent, "--bandwidth", shape.bandwidthMbps, "--seed", seed].map(String);
        const cut = this.#o.state.cut[site] === undefined ? [] : ["--blackholed"];
        return [process.execPath, join(this.#o.root, "dist", "pilot", "relay.cjs"), "--with-parent", "--name", `${site} to gateway`, "--target", this.#o.gateway, "--listen", String(port), "--control", String(control), ...figures, ...cut];
      },
    });
  }

  /** The site's ports from before, or new ones when somebody else has taken them meanwhile. */
  async #ports(site: string): Promise<{ port: number; control: number }> {
    const known = this.#o.state.relays[site];
    if (known !== undefined && (await isFree(known.port)) && (await isFree(known.control))) return known;
    const ports = { port: await freePort(), control: await freePort() };
    this.#o.state.relays[site] = ports;
    this.#o.save();
    if (known !== undefined) this.#o.onMoved(site);
    return ports;
  }

  async #answering(site: string): Promise<void> {
    const deadline = Date.now() + READY_WITHIN_MS;
    while ((await this.status(site)) === null) {
      if (Date.now() > deadline) throw new Error(`the relay of ${site} did not start: ${this.#relays.get(site)?.lastError ?? "no answer"}; see ${this.#o.folder.logFile(`relay-${site}`)}`);
      await pause(50);
    }
  }

  async #ask(site: string, method: "GET" | "POST", path: string): Promise<RelayStatus> {
    const control = this.#o.state.relays[site]?.control;
    if (control === undefined) throw new Error(`there is no link of ${site}`);
    const answer = await this.#client.call({ method, url: `http://127.0.0.1:${control}${path}`, token: this.#o.secret, timeoutMs: 2_000 });
    if (answer.status !== 200) throw new Error(`the relay of ${site} answered with ${answer.status}`);
    return JSON.parse(answer.body) as RelayStatus;
  }
}
