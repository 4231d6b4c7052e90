import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Agents } from "./agents";
import { openApi, orNull, persist, PROJECT, refusalCode, sentence, upload, type Api, type Server } from "./api";
import { digestIn, readArtifacts, type PilotArtifact } from "./artifacts";
import { Links } from "./links";
import { readManifests, type PilotObject } from "./manifests";
import { applyModel, type ModelApplied } from "./models";
import { linkShape, NODES, SITES } from "./plan";
import { killProcess, pause } from "./processes";
import { removeObjects, removeWork } from "./removal";
import type { PilotFolder, PilotState } from "./state";
import type { Supervised } from "./supervisor";

export type FleetOptions = {
  readonly root: string;
  readonly folder: PilotFolder;
  readonly server: Server;
  readonly gateway: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly log: (text: string) => void;
};

export type FleetState = "starting" | "ready" | "stopping" | "failing";
export type FleetStatus = {
  readonly state: FleetState;
  readonly note: string;
  readonly sites: readonly { site: string; cutSinceMs: number | null; link: string; simulated: true }[];
  readonly processes: readonly { name: string; pid: number | null; running: boolean; restarts: number; lastError: string | null }[];
};

const REPORT_EVERY_MS = 5_000;
const RETRY_SETUP_MS = 10_000;
/** Reports in a row that must find a process missing before the pilot says it fails: a restart is no failure. */
const MISSING_REPORTS = 3;

/** The whole pilot: links, agents and what was applied, kept going until it is stopped. */
export class PilotFleet {
  readonly #o: FleetOptions;
  readonly #api: Api;
  readonly #stop = new AbortController();
  readonly #saved: PilotState;
  readonly #missing = new Map<string, number>();
  readonly #artifacts: readonly PilotArtifact[];
  readonly #objects: readonly PilotObject[];
  readonly #links: Links;
  readonly #agents: Agents;
  #state: FleetState = "starting";
  #note = "starting";
  #removed = false;
  #reporting: Promise<void> = Promise.resolve();

  constructor(o: FleetOptions) {
    this.#o = o;
    this.#api = openApi(o.server);
    this.#saved = o.folder.readState();
    this.#artifacts = readArtifacts(o.root);
    this.#objects = readManifests(join(o.root, "pilot"), digestIn(this.#artifacts));
    const shapes = new Map(this.#sites().map((site) => [site.name, linkShape(site)]));
    const onProcess = (name: string, mark: PilotState["processes"][string] | null): void => {
      if (mark === null) delete this.#saved.processes[name];
      else this.#saved.processes[name] = mark;
      this.#save();
    };
    this.#links = new Links({
      root: o.root, folder: o.folder, state: this.#saved, save: () => this.#save(), gateway: o.gateway, shapes, secret: randomBytes(24).toString("hex"),
      environment: o.environment, onProcess, onMoved: (site) => void this.#agents.restartSite(site),
    });
    this.#agents = new Agents({ root: o.root, folder: o.folder, state: this.#saved, save: () => this.#save(), api: this.#api, address: (site) => this.#links.address(site), environment: o.environment, onProcess });
  }

  /** Starts everything and keeps trying until it is set up; resolves when the fleet is healthy or was stopped. */
  async start(): Promise<void> {
    await this.#endLeftovers();
    void this.#reportForEver();
    while (!this.#stop.signal.aborted) {
      try {
        await this.#setUp();
        this.#say("ready", `${NODES.length} nodes at ${SITES.length} sites`);
        return;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#say("failing", sentence(error));
        await pause(RETRY_SETUP_MS);
      }
    }
  }

  async cut(site: string): Promise<void> {
    await this.#links.cut(site);
    this.#o.log(`${site} is cut off: its link carries nothing, and nobody is told`);
  }

  async heal(site: string): Promise<void> {
    await this.#links.heal(site);
    this.#o.log(`${site} is joined again`);
  }

  async status(): Promise<FleetStatus> {
    const sites = await Promise.all(SITES.map(async (site) => {
      const link = await this.#links.status(site);
      return { site, cutSinceMs: this.#saved.cut[site] ?? null, link: link === null ? "no answer" : link.state, simulated: true as const };
    }));
    const processes = this.#processes().map(({ name, pid, running, restarts, lastError }) => ({ name, pid, running, restarts, lastError }));
    return { state: this.#state, note: this.#noteNow(), sites, processes };
  }

  /** Applies the classifier with another of the shipped models; a rollout carries it out. */
  applyModel(model: string): Promise<ModelApplied> {
    return applyModel(this.#api, this.#o.server, this.#artifacts, model, `Try ${model} on a canary`);
  }

  /**
   * Takes the pilot out of Holdfast, stops it and forgets its identities. Throws when the server refuses a step; it can
   * then be called again.
   */
  async remove(say: (text: string) => void): Promise<void> {
    await removeWork(this.#api, this.#objects, this.#agents.nodeNames, say);
    this.#o.folder.markRemoved();
    say("stopping agents and links");
    await this.stop();
    await removeObjects(this.#api, this.#objects, say);
    this.#removed = true;
    this.#o.folder.forget();
  }

  /** Stops agents with their units, then the links. Resolves when no process of the pilot is left. */
  async stop(): Promise<void> {
    this.#say("stopping", "stopping agents and their units");
    this.#stop.abort();
    await Promise.race([this.#reporting, pause(2_000)]);
    await this.#agents.stop();
    await this.#links.stop();
  }

  // ── setting up ─────────────────────────────────────────────────────────────────────────────────────────────────

  async #setUp(): Promise<void> {
    this.#say("starting", "starting the simulated links");
    if (this.#links.processes.length === 0) await this.#links.start();
    const anew = await this.#isNewServer();
    this.#say("starting", "applying the sites");
    for (const site of this.#sites()) await this.#applyOnce(site, anew);
    this.#say("starting", "enrolling and starting the agents");
    const agents = this.#agents.start();
    this.#say("starting", "uploading models, images and programs");
    for (const artifact of this.#artifacts) await this.#persist(`uploading ${artifact.name}`, () => upload(this.#api, this.#o.server, artifact));
    this.#say("starting", "applying policies and strategy");
    for (const object of this.#objects) if (object.kind !== "Site" && object.kind !== "Workload") await this.#applyOnce(object, anew);
    await agents;
    // Work is applied once all nodes are there: applied earlier it would crowd onto those that came first, and stay.
    await this.#until((count) => count.nodes >= NODES.length);
    this.#say("starting", "applying the workloads");
    for (const object of this.#objects) if (object.kind === "Workload") await this.#applyOnce(object, anew);
    await this.#until(({ nodes, units }) => nodes >= NODES.length && (units === null || (units.total > 0 && units.min >= units.total)));
  }

  /** None of the pilot's sites is there: the server is new, or its data were erased, and all is to be applied again. */
  async #isNewServer(): Promise<boolean> {
    const sites = await this.#persist("asking for the sites", () => this.#api.fleet.sites.query({ project: PROJECT }));
    return !sites.some((site) => SITES.includes(site.name));
  }

  /** Applies an object the first time only: what people made of it, or that they removed it, stands. */
  async #applyOnce(object: PilotObject, anew: boolean): Promise<void> {
    const key = `${object.kind}/${object.name}`;
    if (this.#saved.applied.includes(key) && !anew) return;
    const there = await this.#persist(`asking for ${key}`, () => orNull(this.#api.manifests.object.query({ project: PROJECT, kind: object.kind, name: object.name })));
    if (there === null) await this.#persist(`applying ${key}`, () => this.#api.manifests.applyText.mutate({ project: PROJECT, text: object.text, dryRun: false, reason: "Set up the pilot" }));
    if (!this.#saved.applied.includes(key)) this.#saved.applied.push(key);
    this.#save();
  }

  /**
   * Waits until the server counts as many nodes in contact and healthy units of the classifier as are asked for. `units`
   * is null where there is no classifier, because it was not applied yet or a person removed it.
   */
  async #until(enough: (count: { nodes: number; units: { min: number; total: number } | null }) => boolean): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const sites = (await this.#persist("asking for the sites", () => this.#api.fleet.sites.query({ project: PROJECT }))).filter((site) => SITES.includes(site.name));
      const digits = await this.#persist("asking for digits", () => orNull(this.#api.workloads.get.query({ project: PROJECT, name: "digits" })));
      const nodes = sites.reduce((sum, site) => sum + site.nodes.min, 0);
      const units = digits?.units ?? null;
      // A site that was left cut off cannot become healthy; it is not waited for.
      if (enough({ nodes, units }) || Object.keys(this.#saved.cut).length > 0) return;
      this.#say("starting", `${nodes} of ${NODES.length} nodes in contact${units === null ? "" : `, ${units.min} of ${units.total} classifier units healthy`}`);
      await pause(500);
    }
  }

  #persist<T>(what: string, call: () => Promise<T>): Promise<T> {
    return persist(what, call, (why) => this.#say("starting", why), this.#stop.signal);
  }

  #sites(): PilotObject[] {
    return this.#objects.filter((object) => object.kind === "Site");
  }

  /**
   * Ends what a killed pilot left behind. Killed and not asked to stop, an agent leaves its units running, and the one
   * started next takes them over.
   */
  async #endLeftovers(): Promise<void> {
    const left = Object.entries(this.#saved.processes);
    await Promise.all(left.map(async ([name, mark]) => {
      await killProcess(mark);
      delete this.#saved.processes[name];
    }));
    this.#save();
  }

  // ── saying how it is ───────────────────────────────────────────────────────────────────────────────────────────

  async #reportForEver(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#reporting = this.#reporting.then(() => this.#report());
      await this.#reporting;
      await pause(REPORT_EVERY_MS);
    }
  }

  /** Tells the server; while it cannot be told, the log has it. */
  async #report(): Promise<void> {
    this.#countMissing();
    try {
      await this.#api.pilot.report.mutate({ project: PROJECT, state: this.#stateNow(), note: this.#noteNow().slice(0, 2_000) });
    } catch (error) {
      if (refusalCode(error) !== null) this.#o.log(`the server refused the pilot's report: ${sentence(error)}`);
    }
  }

  #countMissing(): void {
    for (const child of this.#processes()) this.#missing.set(child.name, child.running ? 0 : (this.#missing.get(child.name) ?? 0) + 1);
  }

  #gone(): Supervised[] {
    return this.#processes().filter((child) => (this.#missing.get(child.name) ?? 0) >= MISSING_REPORTS);
  }

  #stateNow(): FleetState {
    return this.#state === "ready" && this.#gone().length > 0 ? "failing" : this.#state;
  }

  #noteNow(): string {
    const cut = Object.entries(this.#saved.cut).map(([site, since]) => `${site} cut off since ${new Date(since).toISOString()}`);
    const gone = this.#gone().map((child) => `${child.name} does not run: ${child.lastError ?? "unknown"}`);
    return [this.#note, ...cut, ...gone].join("; ");
  }

  #processes(): Supervised[] {
    return [...this.#links.processes, ...this.#agents.processes];
  }

  #say(state: FleetState, note: string): void {
    if (state !== this.#state || note !== this.#note) this.#o.log(`${state}: ${note}`);
    const changed = state !== this.#state;
    this.#state = state;
    this.#note = note;
    // Whoever waits for the pilot is told of a change at once; notes can wait for the next regular report.
    if (changed) this.#reporting = this.#reporting.then(() => this.#report());
  }

  #save(): void {
    if (!this.#removed) this.#o.folder.writeState(this.#saved);
  }
}
