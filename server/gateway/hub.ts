import type { AgentMessage } from "../protocol/messages";
import { gatewayLogs, gatewaySessions, gatewaySpells, identityNodes } from "../store";
import { Clockwork } from "./clockwork";
import type { Said } from "./clockwork";
import { siteTraffic } from "./desired";
import type { SiteTraffic } from "./desired";
import type { GatewayDeps } from "./deps";
import { Gate } from "./gate";
import type { EndedSpell } from "./ingest";
import type { GatewayMetrics } from "./metrics";
import type { Session } from "./session";
import type { GatewaySettings } from "./settings";

type Hello = Extract<AgentMessage, { type: "hello" }>;
/** Changes of a site's endpoints come in bursts; they are delivered together, the later the more nodes are concerned (1 ms each). */
const SITE_PAUSE_MS = 100;
const RETRY_MS = 2_000;
/** For how long after a spell reports are counted to it. */
const LATE_REPORTS_MS = 6 * 3_600_000;

class Revoked extends Error {
  override name = "Revoked";
}

/**
 * All sessions of one gateway, and what is done for them together: nudges from the store, supersession by other gateways,
 * revocation, and the orderly stop. What time drives is the clockwork's.
 */
export class Hub {
  readonly gate: Gate;
  readonly settings: GatewaySettings;
  private readonly sessions = new Set<Session>();
  private readonly byNode = new Map<string, Session>();
  private readonly applied = new WeakMap<Session, number>();
  private readonly sitePauses = new Map<string, NodeJS.Timeout>();
  private readonly siteTraffic = new Map<string, Promise<SiteTraffic>>();
  private readonly pending = new Set<Promise<void>>();
  private readonly unlisten: (() => Promise<void>)[] = [];
  private readonly clockwork: Clockwork;

  constructor(
    readonly deps: GatewayDeps,
    readonly metrics: GatewayMetrics,
  ) {
    this.settings = deps.settings;
    this.gate = new Gate(deps.concurrency ?? 6);
    this.clockwork = new Clockwork(this);
  }

  get size(): number {
    return this.sessions.size;
  }
  /** Every socket that is open, also those that have not said hello yet. */
  get all(): Session[] {
    return [...this.sessions];
  }
  /** Sessions that are their nodes'. */
  get current(): Session[] {
    return [...this.byNode.values()];
  }
  /** Beats the clockwork once; see `Clockwork`. */
  tick(): Promise<void> {
    return this.clockwork.tick();
  }

  async start(): Promise<void> {
    const { store } = this.deps;
    // A null payload means that nudges may have been lost: look at everything.
    this.unlisten.push(await store.listen("holdfast_desired", (payload) => this.nudged(payload)));
    this.unlisten.push(await store.listen("holdfast_sessions", (payload) => this.track(this.checkCurrent(payload === null ? null : (payload.split(" ")[0] ?? null)))));
    this.unlisten.push(await store.listen("holdfast_revoked", (payload) => this.track(payload === "authorities" ? this.checkAuthorities() : this.checkFitness(payload))));
    this.unlisten.push(await store.listen("holdfast_logs", (payload) => this.track(this.askForLog(payload))));
    this.clockwork.start();
  }

  // ── sessions come and go ──────────────────────────────────────────────────────────────────────────────────────

  add(session: Session): void {
    this.sessions.add(session);
    this.metrics.connections.set(this.sessions.size);
  }

  /** Makes the session the node's, in the store and here; undefined when there is no such node. */
  async take(session: Session, hello: Hello): Promise<{ reportsStoredTo: number; spell: EndedSpell | null } | "revoked" | undefined> {
    const nowMs = this.deps.clock.nowMs();
    const taken = await this.gate.run(() =>
      this.deps.store.inTransaction(async (tx) => {
        const node = await gatewaySessions.takeSession(tx.client, { sessionId: session.id, nodeId: session.nodeId, gatewayId: this.deps.gatewayId, address: session.address, agentVersion: hello.agentVersion.slice(0, 100), facts: hello.facts, appliedGeneration: hello.appliedGeneration, journalDepth: Math.max(0, hello.journal.to - hello.journal.from + 1), atMs: nowMs });
        if (!node) return undefined;
        // Revoked between the handshake and hello: nothing of this transaction must stay.
        if ((await identityNodes.unfitForSession(tx.client, [session.nodeId], nowMs)).some((u) => u.why === "revoked")) throw new Revoked();
        const ended = await gatewaySpells.closeSpell(tx.client, session.nodeId, nowMs);
        // A session that broke off may have left part of the journal to this one.
        const spell = ended ?? (await gatewaySpells.recentSpell(tx.client, session.nodeId, nowMs - LATE_REPORTS_MS));
        tx.changes.add("node", session.nodeId, node.projectId);
        if (node.previousSessionId !== null) tx.notify("holdfast_sessions", `${session.nodeId} ${session.id}`);
        // The node's address may be another one: its site's endpoints are.
        tx.notify("holdfast_desired", `site:${node.siteId}`);
        return { reportsStoredTo: node.reportsStoredTo, spell: spell ? { ...spell, endedHere: ended !== undefined } : null };
      }),
    ).catch((error: unknown) => {
      if (error instanceof Revoked) return "revoked" as const;
      throw error;
    });
    if (!taken || taken === "revoked") return taken;
    if (session.ended) {
      this.close(session, "closed");
      return taken;
    }
    const before = this.byNode.get(session.nodeId);
    this.byNode.set(session.nodeId, session);
    this.applied.set(session, hello.appliedGeneration);
    this.clockwork.opened(session, nowMs);
    // The store knows which of two that came at once was later.
    if (before && before !== session) this.track(this.checkCurrent(session.nodeId, [before, session]));
    this.deps.log.info({ ...session.about, address: session.address, agentVersion: hello.agentVersion }, "session opened");
    return taken;
  }

  /** The session is over: it leaves the books, and the store learns why. */
  forget(session: Session, why: string): void {
    if (!this.sessions.delete(session)) return;
    this.metrics.connections.set(this.sessions.size);
    this.metrics.ended.inc({ why });
    if (this.byNode.get(session.nodeId) === session) this.byNode.delete(session.nodeId);
    if (session.open) this.close(session, why);
  }

  /** Tells the store that a session which was the node's is over. */
  private close(session: Session, why: string): void {
    this.deps.log.info({ ...session.about, why }, "session ended");
    const last = this.clockwork.takeLife(session);
    this.track(
      this.gate.run(() =>
        this.deps.store.inTransaction(async (tx) => {
          if (last) await gatewaySessions.recordLife(tx.client, [{ nodeId: session.nodeId, sessionId: session.id, ...last }]);
          const current = await gatewaySessions.endSession(tx.client, { sessionId: session.id, nodeId: session.nodeId, reason: why, atMs: this.deps.clock.nowMs() });
          if (current) tx.changes.add("node", session.nodeId, session.projectId);
        }),
      ),
    );
  }

  /** Notes a sign of life; it is written with those of all others, once a tick. */
  alive(session: Session, said: Said): void {
    if (said.appliedGeneration !== null) {
      this.applied.set(session, said.appliedGeneration);
      session.delivery.applied(said.appliedGeneration);
    }
    if (session.open) this.clockwork.alive(session, said);
  }

  /** Generation that the agent last said it has applied. */
  appliedBy(session: Session): number {
    return this.applied.get(session) ?? 0;
  }

  /** Endpoints and routes of a site; asked for by all its sessions at about the same time, read once for them. */
  traffic(siteId: string): Promise<SiteTraffic> {
    const known = this.siteTraffic.get(siteId);
    if (known) return known;
    const reading = siteTraffic(this.deps.store.read.client, siteId);
    this.siteTraffic.set(siteId, reading);
    // Forgotten as soon as it is there: whoever asks after that gets what is there then.
    const forget = () => this.siteTraffic.get(siteId) === reading && this.siteTraffic.delete(siteId);
    reading.then(forget, forget);
    return reading;
  }

  /** Looks again at a session's desired state after something failed. */
  retrySoon(session: Session): void {
    setTimeout(() => session.delivery.want("nudge"), RETRY_MS).unref();
  }

  // ── nudges ────────────────────────────────────────────────────────────────────────────────────────────────────

  private nudged(payload: string | null): void {
    if (payload === null) for (const session of this.byNode.values()) session.delivery.want("nudge");
    else if (payload.startsWith("site:")) this.siteChanged(payload.slice(5));
    else this.byNode.get(payload)?.delivery.want("nudge");
  }

  private siteChanged(siteId: string): void {
    // A reading that began before the change must not be given to those who ask because of it.
    this.siteTraffic.delete(siteId);
    if (this.sitePauses.has(siteId)) return;
    const concerned = this.current.filter((s) => s.siteId === siteId).length;
    const timer = setTimeout(() => {
      this.sitePauses.delete(siteId);
      for (const session of this.byNode.values()) if (session.siteId === siteId) session.delivery.want("endpoints");
    }, SITE_PAUSE_MS + concerned);
    this.sitePauses.set(siteId, timer);
  }

  /** Closes sessions that are no longer their node's; of one node, or all. */
  private async checkCurrent(nodeId: string | null, candidates?: Session[]): Promise<void> {
    const sessions = candidates ?? (nodeId === null ? this.current : [this.byNode.get(nodeId)].filter((s) => s !== undefined));
    if (sessions.length === 0) return;
    const current = await this.gate.run(() => gatewaySessions.currentSessions(this.deps.store.read.client, [...new Set(sessions.map((s) => s.nodeId))]));
    for (const session of sessions) {
      if (current.get(session.nodeId) !== session.id) session.supersede();
      else if (!session.ended) this.byNode.set(session.nodeId, session);
    }
  }

  /** Closes sessions of revoked nodes and of nodes whose every certificate has ended; of one node, or all. */
  async checkFitness(nodeId: string | null): Promise<void> {
    const nodeIds = nodeId === null ? [...this.byNode.keys()] : this.byNode.has(nodeId) ? [nodeId] : [];
    if (nodeIds.length === 0) return;
    for (const { nodeId: id, why } of await this.gate.run(() => identityNodes.unfitForSession(this.deps.store.read.client, nodeIds, this.deps.clock.nowMs()))) {
      const session = this.byNode.get(id);
      if (why === "revoked") session?.refuse("revoked", "The identity of this node was revoked.", "Enrol the machine anew, under another name, with a new join token.", { fatal: true });
      else session?.refuse("expired", "The node's certificate has ended and was not renewed.", "Renew it: POST /v1/renew with the same key.", { fatal: true });
    }
  }

  /** Authorities have changed: sessions that stand on one that is no longer believed are closed. */
  private async checkAuthorities(): Promise<void> {
    const believed = new Set((await this.deps.identity.authorities.believed(true)).map((a) => a.id));
    for (const session of this.current) {
      if (!believed.has(session.peer.certificate.authorityId)) session.refuse("revoked", "The authority that issued this node's certificate is no longer believed.", "Enrol the machine anew with a new join token.", { fatal: true });
    }
  }

  private async askForLog(requestId: string | null): Promise<void> {
    if (requestId === null) {
      for (const session of this.current) await session.logs.openAll();
      return;
    }
    const request = await this.gate.run(() => gatewayLogs.logRequestById(this.deps.store.read.client, requestId));
    if (request && request.state !== "ended") await this.byNode.get(request.nodeId)?.logs.ask(request);
  }

  private track(work: Promise<void>): void {
    const guarded = work.catch((error: unknown) => this.deps.log.error({ err: error }, "work of the gateway failed"));
    this.pending.add(guarded);
    void guarded.finally(() => this.pending.delete(guarded));
  }

  /** Ends all sessions in order: each is told to come back after a while of its own, so that not all come at once. */
  async stop(): Promise<void> {
    await this.clockwork.stop();
    for (const timer of this.sitePauses.values()) clearTimeout(timer);
    for (const end of this.unlisten) await end();
    const spreadMs = Math.min(30_000, 500 + this.sessions.size * 5);
    for (const session of [...this.sessions]) session.refuse("shutting_down", "This gateway is stopping.", "Connect again; another gateway, or this one, will answer.", { fatal: true, retryAfterMs: Math.round(Math.random() * spreadMs) });
    while (this.pending.size > 0) await Promise.all(this.pending);
  }
}
