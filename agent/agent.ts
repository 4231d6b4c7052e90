import { uptime } from "node:os";
import { basename, join } from "node:path";
import type { GatewayMessage, NodeFacts, ReportBody } from "../server/protocol/messages";
import { PROTOCOL_MINOR } from "../server/protocol/messages";
import { ArtifactCache, defaultCache } from "./artifacts/cache";
import { chooseLimiter } from "./engine/choose-limiter";
import { ProcessEngine } from "./engine/process-engine";
import { currentBootId, machineFacts } from "./facts/machine";
import { usageSampler } from "./facts/usage";
import type { Identity } from "./identity/identity";
import { dialGateway, openIdentity } from "./identity/open";
import { Renewal } from "./identity/renewal";
import { defaultJournal, Journal } from "./journal/journal";
import { LocalApi } from "./local/local-api";
import { LogStreams } from "./logs/streams";
import type { RunOptions } from "./options";
import { textOf } from "./platform/fault";
import type { Log } from "./platform/log";
import { defaultBackoff } from "./session/backoff";
import type { TrafficAdapter } from "./router/adapter";
import { backendsOf } from "./router/backends";
import { Router } from "./router/router";
import { Link } from "./session/link";
import type { Welcome } from "./session/session";
import { DesiredFile } from "./state/desired-file";
import { lockData } from "./state/data-lock";
import { createSealing } from "./state/sealing";
import { Collector, emptyBody, eventsOnly } from "./telemetry/collector";
import { Reporter } from "./telemetry/reporter";
import { Trials } from "./trials/trials";
import { fetchArtifacts } from "./units/prepare";
import { Supervisor } from "./units/supervisor";
import type { InstanceWorld } from "./units/world";
import { AGENT_VERSION } from "./version";

/** Changes are gathered for so long before the whole is told; and it is told this often although nothing changed. */
const OBSERVE_AFTER_MS = 100;
const OBSERVE_EVERY_MS = 30_000;
const COLLECT_GARBAGE_EVERY_MS = 3_600_000;
/** Facts such as networks and devices may change while running. */
const FACTS_EVERY_MS = 300_000;

type Parts = {
  identity: Identity;
  desired: DesiredFile;
  trials: Trials;
  journal: Journal<ReportBody>;
  supervisor: Supervisor;
  engine: ProcessEngine;
  local: LocalApi;
  renewal: Renewal;
  link: Link;
  reporter: Reporter;
  collector: Collector;
  artifacts: ArtifactCache;
  logs: LogStreams;
  traffic: TrafficAdapter;
};

/** The agent of one node: builds its parts, joins them, starts and stops them in order. */
export class Agent {
  readonly #o: RunOptions;
  readonly #log: Log;
  readonly #nowMs: () => number;
  readonly #timers: NodeJS.Timeout[] = [];
  #parts: Parts | null = null;
  #unlock: () => Promise<void> = () => Promise.resolve();
  #facts: NodeFacts | null = null;
  #fresh = false;
  #observing: NodeJS.Timeout | null = null;
  #sessionGeneration = 0;
  /** The gateway's clock minus ours. */
  #skewMs = 0;
  #wasConnected = false;

  constructor(o: RunOptions, log: Log, nowMs: () => number) {
    this.#o = o;
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** Enrols if need be, takes up what runs, then connects. Throws a Fault when it cannot start. */
  async start(): Promise<void> {
    const o = this.#o;
    this.#unlock = await lockData(o.data);
    const identity = await openIdentity(o, this.#log, this.#nowMs);
    const bootId = o.bootId ?? (await currentBootId());
    const { nodeId, node, site, project } = identity.current;
    this.#log.info("agent.starting", { version: AGENT_VERSION, node, site, project, gateway: identity.current.gateway, data: o.data });

    const machine = await machineFacts({ dataFolder: o.data, bootId, slice: o.slice, devices: o.devices, engines: [] });
    const { offered } = machine;
    const sealing = createSealing(identity.deriveKey("state"));
    const desired = await DesiredFile.open(o.data, sealing, this.#log);
    this.#fresh = desired.state.receivedAtMs === 0;
    const limits = await chooseLimiter({ dataFolder: o.data, name: nodeId.replaceAll(/[^A-Za-z0-9_-]/g, "_"), bootId, offered });
    this.#log.info("limits.chosen", { limits: limits.limiter.level, proven: limits.proven, note: limits.note });
    const engine = new ProcessEngine({ limits, nowMs: this.#nowMs });
    const collector = new Collector();
    const journal = await Journal.open<ReportBody>(o.data, { settings: { ...defaultJournal, maxBytes: o.journalBytes, segmentBytes: Math.min(defaultJournal.segmentBytes, Math.floor(o.journalBytes / 8)) }, log: this.#log, thin: eventsOnly });
    const artifacts = new ArtifactCache(o.data, { dial: () => dialGateway(identity, this.#nowMs()), settings: { ...defaultCache, maxBytes: o.cacheBytes }, nowMs: this.#nowMs });
    this.#skewMs = identity.current.skewMs;
    const event: InstanceWorld["event"] = (kind, spec, message) => collector.event({ atMs: this.#nowMs(), kind, assignmentId: spec.assignmentId, unit: spec.unit, message });
    const trials: Trials = await Trials.open({
      dataFolder: o.data,
      log: this.#log,
      clocks: () => ({ nowMs: this.#nowMs(), upMs: uptime() * 1_000, bootId }),
      skewMs: () => this.#skewMs,
      undecided: () => desired.unknown,
      units: () => desired.state.units,
      instances: () => supervisor.instances,
      isReady: (unit) => artifacts.holds(unit.template.artifacts),
      makeReady: (unit, wait) => fetchArtifacts(unit, { artifacts, log: this.#log, event }, wait),
      sign: (receipt) => identity.signReceipt(receipt),
      node: () => identity.current.node,
      journal: (receipts) => reporter.append({ ...emptyBody(), receipts }),
      journalFrom: () => journal.range.from,
      changed: () => {
        supervisor.look();
        this.#observeSoon();
      },
    });
    const supervisor: Supervisor = new Supervisor({
      dataFolder: o.data,
      engine,
      artifacts,
      sealing,
      log: this.#log,
      nowMs: this.#nowMs,
      random: Math.random,
      bootId,
      runtime: process.execPath,
      maxLogBytes: o.logBytes,
      devices: () => this.#facts?.devices ?? machine.devices,
      place: () => ({ node: identity.current.node, site: identity.current.site, agentUrl: local.url }),
      event,
      desired: () => trials.effective(desired.state.units),
      givenUp: (assignmentId) => trials.givenUp(assignmentId),
      trialOf: (assignmentId) => trials.statusOf(assignmentId),
      desiredSinceMs: () => desired.state.receivedAtMs,
      undecided: () => desired.unknown,
      changed: () => {
        trials.look();
        this.#observeSoon();
      },
      settled: () => void this.#applied(),
    });
    const local: LocalApi = new LocalApi({
      dataFolder: o.data,
      port: o.localPort,
      log: this.#log,
      nowMs: this.#nowMs,
      node: () => ({ node: identity.current.node, site: identity.current.site, project: identity.current.project, ...link.state, appliedGeneration: desired.state.appliedGeneration, journalDepth: journal.depth }),
      endpoints: () => ({ asOfMs: desired.state.receivedAtMs, remote: desired.state.endpoints, instances: supervisor.instances }),
      routes: () => traffic.applied,
      statuses: () => supervisor.statuses,
      byToken: (hash) => supervisor.byToken(hash),
      telemetry: (unit, post) => collector.post(unit.spec, post, this.#nowMs()),
    });
    const traffic: TrafficAdapter = new Router({
      dataFolder: o.data,
      log: this.#log,
      nowMs: this.#nowMs,
      random: Math.random,
      backends: (service, portName) => backendsOf({ service, portName, node: identity.current.node, instances: supervisor.instances, remote: desired.state.endpoints }),
      served: ({ backend, latencyMs, ok }) => backend.own && collector.routed(backend.own, { latencyMs, ok }, this.#nowMs()),
    });
    const renewal = new Renewal({ identity, log: this.#log, nowMs: this.#nowMs, random: Math.random });
    const link: Link = new Link({
      identity,
      renewal,
      log: this.#log,
      nowMs: this.#nowMs,
      random: Math.random,
      backoff: { ...defaultBackoff, capMs: o.reconnectMaxMs },
      handlers: {
        hello: () => ({ type: "hello", protocolMinor: PROTOCOL_MINOR, agentVersion: AGENT_VERSION, facts: this.#needFacts(), appliedGeneration: desired.state.appliedGeneration, journal: journal.range, fresh: this.#fresh }),
        heartbeat: (rttMs) => ({ type: "heartbeat", atMs: this.#nowMs(), appliedGeneration: desired.state.appliedGeneration, journalDepth: journal.depth, rttMs }),
        welcomed: (welcome) => void this.#welcomed(welcome),
        message: (message) => this.#received(message),
        disconnected: () => this.#disconnected(),
      },
    });
    const logs = new LogStreams({ find: (id) => supervisor.find(id), send: (message) => link.send(message) });
    const reporter = new Reporter({ journal, collector, log: this.#log, nowMs: this.#nowMs, send: (message) => link.send(message), sampleNode: usageSampler({ dataFolder: o.data, nowMs: this.#nowMs }), instances: () => supervisor.instances, reportEveryMs: o.reportEveryMs, sampleEveryMs: o.sampleEveryMs, measured: () => this.#observeSoon() });
    this.#parts = { identity, desired, trials, journal, supervisor, engine, local, renewal, link, reporter, collector, artifacts, logs, traffic };

    await this.#refreshFacts(bootId);
    await local.start();
    collector.event({ atMs: this.#nowMs(), kind: "agent.started", assignmentId: null, unit: null, message: `agent ${AGENT_VERSION} started with ${desired.state.units.length} units desired` });
    // Units first: what was desired last runs whether or not a gateway can be reached.
    await supervisor.takeUp();
    // A deadline that passed while nobody was here has passed before anything is started.
    await trials.passed();
    supervisor.begin();
    this.#route();
    renewal.start();
    link.start();
    reporter.start();
    this.#every(OBSERVE_EVERY_MS, () => this.#observeSoon());
    this.#every(FACTS_EVERY_MS, () => void this.#refreshFacts(bootId));
    this.#every(COLLECT_GARBAGE_EVERY_MS, () => void this.#collectGarbage());
    this.#log.info("agent.started", { units: desired.state.units.length, found: supervisor.instances.length, local: local.url });
  }

  /** Ends in order. Units go on, unless the agent was told to take them with it. */
  async stop(): Promise<void> {
    for (const t of this.#timers) clearInterval(t);
    if (this.#observing) clearTimeout(this.#observing);
    const p = this.#parts;
    if (p) {
      if (this.#o.stopUnitsOnExit) {
        await p.supervisor.drainAll();
        this.#observe();
      }
      p.logs.closeAll();
      await p.trials.stop();
      await p.reporter.stop();
      p.renewal.stop();
      await p.link.close();
      await p.supervisor.stop();
      await p.engine.close();
      p.local.close();
      await p.traffic.stop();
      await p.journal.close();
    }
    await this.#unlock();
    this.#log.info("agent.stopped", { unitsStopped: this.#o.stopUnitsOnExit });
  }

  #needFacts(): NodeFacts {
    if (!this.#facts) throw new Error("facts are asked for before they are known");
    return this.#facts;
  }

  async #refreshFacts(bootId: string): Promise<void> {
    const p = this.#parts;
    if (!p) return;
    const next = await machineFacts({ dataFolder: this.#o.data, bootId, slice: this.#o.slice, devices: this.#o.devices, engines: [p.engine.facts()] });
    const changed = this.#facts !== null && JSON.stringify(next) !== JSON.stringify(this.#facts);
    this.#facts = next;
    if (changed) p.link.send({ type: "facts", facts: next });
  }

  async #welcomed(welcome: Welcome): Promise<void> {
    const p = this.#parts;
    if (!p) return;
    const { node, site, project } = welcome;
    const skewMs = welcome.serverTimeMs - this.#nowMs();
    this.#sessionGeneration = 0;
    this.#skewMs = skewMs;
    p.trials.stored(welcome.reportsStoredTo);
    this.#log.info("session.open", { sessionId: welcome.sessionId, heartbeatMs: welcome.heartbeatMs, reportsStoredTo: welcome.reportsStoredTo, skewMs });
    if (this.#wasConnected) p.collector.event({ atMs: this.#nowMs(), kind: "agent.reconnected", assignmentId: null, unit: null, message: "connected again" });
    this.#wasConnected = true;
    this.#observe();
    await p.reporter.connected(welcome.reportsStoredTo);
    const now = p.identity.current;
    if (now.node !== node || now.site !== site || now.project !== project || Math.abs(now.skewMs - skewMs) > 1_000) await p.identity.save((before) => ({ ...(before ?? now), node, site, project, skewMs }));
  }

  #disconnected(): void {
    this.#parts?.reporter.disconnected();
    this.#parts?.logs.closeAll();
  }

  #received(message: GatewayMessage): void {
    const p = this.#parts;
    if (!p) return;
    if (message.type === "desired") void this.#desired(message);
    else if (message.type === "ack") this.#stored(p, message.reportsStoredTo);
    else if (message.type === "logOpen") p.logs.open(message);
    else if (message.type === "logClose") p.logs.close(message.requestId);
  }

  #stored(p: Parts, to: number): void {
    p.trials.stored(to);
    void p.reporter.acknowledged(to);
  }

  async #desired(message: Extract<GatewayMessage, { type: "desired" }>): Promise<void> {
    const p = this.#parts;
    if (!p) return;
    // Within one session states come in order; an older one can only be a fault of the sender. A new session may go
    // back, because the gateway's store may have been restored from a backup, and it is the store that is right.
    if (message.generation < this.#sessionGeneration) return this.#log.warn("desired.olderIgnored", { generation: message.generation, had: this.#sessionGeneration });
    this.#sessionGeneration = message.generation;
    try {
      await p.desired.replace({ generation: message.generation, units: message.units, endpoints: message.endpoints, routes: message.routes, receivedAtMs: this.#nowMs() });
    } catch (error) {
      // What is not on disk is not acted upon: after a crash it would be forgotten. The gateway sends it again.
      return this.#log.error("desired.notSaved", { generation: message.generation, message: textOf(error), remedy: "Free space in the agent's data folder." });
    }
    this.#fresh = false;
    this.#log.info("desired.received", { generation: message.generation, units: message.units.length, resync: message.resync });
    await p.trials.passed();
    p.supervisor.look();
    this.#route();
    this.#observeSoon();
  }

  #route(): void {
    const p = this.#parts;
    p?.traffic.apply(p.desired.state.routes).catch((error: unknown) => this.#log.error("router.failed", { message: textOf(error), remedy: "It is tried again with the next desired state." }));
  }

  async #applied(): Promise<void> {
    const p = this.#parts;
    if (!p || p.trials.waiting || p.desired.state.appliedGeneration === p.desired.state.receivedGeneration) return;
    const generation = p.desired.state.receivedGeneration;
    try {
      await p.supervisor.saved();
      await p.desired.markApplied(generation);
      this.#log.info("desired.applied", { generation });
      this.#observeSoon();
    } catch (error) {
      this.#log.error("desired.notMarked", { generation, message: textOf(error) });
    }
  }

  #observeSoon(): void {
    this.#observing ??= setTimeout(() => this.#observe(), OBSERVE_AFTER_MS);
  }

  #observe(): void {
    if (this.#observing) clearTimeout(this.#observing);
    this.#observing = null;
    const p = this.#parts;
    if (!p) return;
    const { appliedGeneration, receivedGeneration } = p.desired.state;
    p.link.send({ type: "observed", atMs: this.#nowMs(), appliedGeneration, receivedGeneration, units: p.supervisor.statuses });
  }

  async #collectGarbage(): Promise<void> {
    const p = this.#parts;
    if (!p) return;
    const used = [...p.desired.state.units, ...p.supervisor.instances.map((i) => i.spec)].flatMap((u) => u.template.artifacts.map((a) => a.digest));
    const { removed, bytes } = await p.artifacts.collect(new Set([...used, ...p.trials.pins])).catch((error: unknown) => {
      this.#log.warn("artifacts.notCollected", { message: textOf(error) });
      return { removed: 0, bytes: 0 };
    });
    if (removed > 0) this.#log.info("artifacts.collected", { removed, bytes, folder: basename(join(this.#o.data, "artifacts")) });
  }

  #every(ms: number, work: () => void): void {
    this.#timers.push(setInterval(work, ms));
  }
}
