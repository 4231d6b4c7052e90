import type { AgentMessage } from "../protocol/messages";
import { gatewaySessions, gatewaySpells } from "../store";
import type { Store } from "../store";
import type { GatewayDeps } from "./deps";
import type { GatewayMetrics } from "./metrics";
import { storeReceipts } from "./receipts";

export type Report = Extract<AgentMessage, { type: "report" }>;
/** The node that reports; `spki` is the public key of the certificate that its session stands on. */
export type ReportingNode = { id: string; name: string; projectId: string; siteId: string; spki: string; spkiSha256: string };
/** The node's last spell: reports from before its end were waiting in the journal. `endedHere`: this session ended it. */
export type EndedSpell = { id: string; toMs: number; endedHere: boolean };

/** The session is no longer the node's: nothing was written. */
export class Fenced extends Error {
  override name = "Fenced";
}

/** True for an error that says that what was sent can't be stored, now or ever: bad data (class 22), a violated rule (23), or a bug in reading it. */
export function isPoison(error: unknown): boolean {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  if (/^2[23]/.test(code)) return true;
  // Errors of the database and of sockets carry a code; what has none and is a TypeError or RangeError is our own.
  return code === "" && (error instanceof TypeError || error instanceof RangeError);
}

/**
 * Stores a run of reports in one transaction with the advance of the node's report number, so that each report counts
 * once however often it is sent. Gives the highest number that is durably stored. A report that can't ever be stored is
 * rejected with a log line and passed over, but for its receipts: it must not hold up what comes after it for ever.
 */
export async function storeReports(deps: GatewayDeps, metrics: GatewayMetrics, o: { node: ReportingNode; sessionId: string; reports: readonly Report[]; spell: EndedSpell | null }): Promise<number> {
  const started = performance.now();
  try {
    return await storeRun(deps.store, deps, metrics, o, o.reports);
  } catch (error) {
    if (error instanceof Fenced || !isPoison(error)) throw error;
    // One of them is to blame: store them one by one, and pass over the one that can't be stored.
    let storedTo = 0;
    for (const report of o.reports) {
      try {
        storedTo = await storeRun(deps.store, deps, metrics, o, [report]);
      } catch (fault) {
        if (fault instanceof Fenced || !isPoison(fault)) throw fault;
        deps.log.error({ err: fault, nodeId: o.node.id, number: report.number }, "a report can't be stored and is passed over");
        metrics.reports.inc({ outcome: "rejected" });
        storedTo = await storeRun(deps.store, deps, metrics, o, [{ ...report, body: { usage: [], unitUsage: [], requests: [], predictions: [], labels: [], events: [], receipts: report.body.receipts } }]);
      }
    }
    return storedTo;
  } finally {
    metrics.ingest.observe((performance.now() - started) / 1_000);
  }
}

async function storeRun(store: Store, deps: GatewayDeps, metrics: GatewayMetrics, o: { node: ReportingNode; sessionId: string; spell: EndedSpell | null }, reports: readonly Report[]): Promise<number> {
  return store.inTransaction(async (tx) => {
    const before = await gatewaySessions.lockReports(tx.client, o.node.id, o.sessionId);
    if (before === undefined) throw new Fenced("superseded");
    let storedTo = before;
    let missing = 0;
    let late = 0;
    let fresh = 0;
    let usage: { atMs: number } | null = null;
    for (const report of reports) {
      if (report.number <= storedTo) continue;
      missing += report.number - storedTo - 1;
      await deps.ingestReport(tx, o.node, report.atMs, report.body);
      await storeReceipts(tx, deps, metrics, o.node, report.body.receipts);
      for (const u of report.body.usage) if (!usage || u.atMs >= usage.atMs) usage = u;
      if (o.spell && report.atMs <= o.spell.toMs) late++;
      fresh++;
      storedTo = report.number;
    }
    if (storedTo > before) await gatewaySessions.advanceReports(tx.client, o.node.id, storedTo, usage);
    if (o.spell && late + missing > 0) await gatewaySpells.addToSpell(tx.client, o.spell.id, { received: late, dropped: missing, corrections: 0 });
    if (usage) tx.changes.add("telemetry", o.node.id, o.node.projectId);
    tx.afterCommit(() => {
      metrics.reports.inc({ outcome: "stored" }, fresh);
      if (reports.length > fresh) metrics.reports.inc({ outcome: "duplicate" }, reports.length - fresh);
      if (missing > 0) metrics.reports.inc({ outcome: "missing" }, missing);
    });
    return storedTo;
  });
}
