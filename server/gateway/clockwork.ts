import { newId } from "../platform";
import { gatewayLogs, gatewaySessions, gatewaySpells } from "../store";
import type { Hub } from "./hub";
import type { Session } from "./session";

/** What a sign of life tells besides itself; null is "said nothing of it". */
export type Said = { appliedGeneration: number | null; journalDepth: number | null; rttMs: number | null; observedMs?: number };
type Life = Omit<gatewaySessions.SignOfLife, "nodeId" | "sessionId">;

/** Signs of life written in one statement; more nodes take several. */
const LIFE_RUN = 2_000;
const SPELLS_EVERY_MS = 2_000;
const FITNESS_EVERY_MS = 15_000;
const LOGS_EVERY_MS = 3_000;
/** Log requests are deleted when nobody has read them for this long. */
const FORGET_LOGS_MS = 300_000;

/**
 * What time drives in a gateway: dead sockets are dropped, pings and resyncs go out; signs of life of all nodes are
 * written together, silent nodes found, sessions that lost their right closed, logs that nobody reads ended.
 * The sockets come first and wait for nothing, so that a database that is away makes no agent think we are gone.
 */
export class Clockwork {
  private readonly life = new Map<Session, Life>();
  private readonly due = new WeakMap<Session, { pingMs: number; resyncMs: number }>();
  private readonly lastDone = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private beat: Promise<void> | undefined;

  constructor(private readonly hub: Hub) {}

  start(): void {
    this.timer = setInterval(() => void this.tick(), this.hub.settings.tickMs);
  }

  /** Stops, and waits for the beat in hand. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.beat;
  }

  /** A session became its node's. */
  opened(session: Session, nowMs: number): void {
    this.due.set(session, { pingMs: nowMs + this.hub.settings.heartbeatMs, resyncMs: nowMs + this.hub.settings.resyncMs * (0.5 + Math.random()) });
  }

  /** Notes a sign of life; it is written with those of all others. */
  alive(session: Session, said: Said): void {
    const before = this.life.get(session);
    this.life.set(session, {
      seenMs: session.heardMs,
      appliedGeneration: said.appliedGeneration ?? before?.appliedGeneration ?? null,
      journalDepth: said.journalDepth ?? before?.journalDepth ?? null,
      rttMs: said.rttMs ?? before?.rttMs ?? null,
      observedMs: said.observedMs ?? before?.observedMs ?? null,
    });
  }

  /** The sign of life of a session that was not written yet; it is the caller's now. */
  takeLife(session: Session): Life | undefined {
    const last = this.life.get(session);
    this.life.delete(session);
    return last;
  }

  /** One beat. Resolves when its part in the store is done. */
  async tick(): Promise<void> {
    const nowMs = this.hub.deps.clock.nowMs();
    this.sockets(nowMs);
    this.beat ??= this.records(nowMs).finally(() => (this.beat = undefined));
    await this.beat;
  }

  private sockets(nowMs: number): void {
    const { settings, deps } = this.hub;
    for (const session of this.hub.all) {
      if (Math.abs(nowMs - session.heardMs) > settings.silentAfterMs) {
        deps.log.warn({ ...session.about, silentMs: nowMs - session.heardMs }, "the node has fallen silent; its socket is dropped");
        session.drop("silent");
        continue;
      }
      const due = this.due.get(session);
      if (!due || !session.open) continue;
      if (nowMs >= due.pingMs) {
        due.pingMs = nowMs + settings.heartbeatMs;
        session.sendPing();
      }
      if (nowMs >= due.resyncMs) {
        due.resyncMs = nowMs + settings.resyncMs * (0.75 + Math.random() / 2);
        session.delivery.want("resync");
      }
    }
  }

  private async records(nowMs: number): Promise<void> {
    await this.part("signs of life", () => this.writeLife());
    await this.every("silent nodes", SPELLS_EVERY_MS, nowMs, () => this.findSilent(nowMs));
    await this.every("fitness", FITNESS_EVERY_MS, nowMs, () => this.hub.checkFitness(null));
    await this.every("logs", LOGS_EVERY_MS, nowMs, () => this.closeUnreadLogs(nowMs));
  }

  private async every(name: string, everyMs: number, nowMs: number, work: () => Promise<void>): Promise<void> {
    const last = this.lastDone.get(name) ?? -Infinity;
    if (nowMs >= last && nowMs - last < Math.min(everyMs, this.hub.settings.silentAfterMs / 2)) return;
    this.lastDone.set(name, nowMs);
    await this.part(name, work);
  }

  private async part(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.hub.deps.log.error({ err: error, part: name }, "a part of the clockwork failed; it is tried again at the next beat");
    }
  }

  private async writeLife(): Promise<void> {
    const batch = [...this.life].slice(0, LIFE_RUN * 10);
    for (let i = 0; i < batch.length; i += LIFE_RUN) {
      const run = batch.slice(i, i + LIFE_RUN);
      const current = await this.hub.gate.run(() =>
        this.hub.deps.store.inTransaction(async (tx) => {
          const written = await gatewaySessions.recordLife(tx.client, run.map(([s, l]) => ({ nodeId: s.nodeId, sessionId: s.id, ...l })));
          // Signs of life that waited (the database was away, another gateway looked first): these nodes were not silent any more.
          const heard = run.filter(([s]) => written.has(s.id)).map(([s, l]) => ({ nodeId: s.nodeId, seenMs: l.seenMs }));
          for (const node of await gatewaySpells.closeSpellsOfHeard(tx.client, heard)) tx.changes.add("node", node.nodeId, node.projectId);
          return written;
        }),
      );
      for (const [session, written] of run) {
        if (!current.has(session.id)) session.supersede();
        else if (this.life.get(session) === written) this.life.delete(session);
      }
    }
  }

  private async findSilent(nowMs: number): Promise<void> {
    const found = await this.hub.gate.run(() =>
      this.hub.deps.store.inTransaction(async (tx) => {
        if (!(await gatewaySpells.tryLockSpells(tx.client))) return [];
        await gatewayLogs.deleteUnreadLogs(tx.client, nowMs - FORGET_LOGS_MS);
        const nodes = await gatewaySpells.openSpells(tx.client, { silentSinceMs: nowMs - this.hub.settings.silentAfterMs, at: new Date(nowMs), newId: () => newId("spell"), limit: 1_000 });
        for (const node of nodes) tx.changes.add("node", node.nodeId, node.projectId);
        return nodes;
      }),
    );
    if (found.length === 0) return;
    this.hub.metrics.spells.inc(found.length);
    this.hub.deps.log.warn({ nodes: found.slice(0, 50).map((n) => n.node), count: found.length }, "nodes have fallen silent");
  }

  private async closeUnreadLogs(nowMs: number): Promise<void> {
    const holders = new Map(this.hub.current.flatMap((s) => s.logs.requests.map((id) => [id, s] as const)));
    if (holders.size === 0) return;
    for (const id of await this.hub.gate.run(() => gatewayLogs.unreadLogRequests(this.hub.deps.store.read.client, [...holders.keys()], nowMs))) holders.get(id)?.logs.close(id);
  }
}
