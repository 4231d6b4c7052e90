import type { ReportBody } from "../protocol/messages";
import { nodeSeries } from "../core/telemetry/series";
import { decodeSketch, encodeSketch, mergeSketches, sketchFromBase64 } from "../core/telemetry/sketch";
import { telemetryIngest as write, type Tx } from "../store";

/** What a report left behind, for metrics and the log: figures that were stored, and what was dropped because it speaks of another node's units. */
export interface Ingested {
  requests: number;
  predictions: number;
  labelsJoined: number;
  labelsWaiting: number;
  foreign: number;
}

/**
 * Stores one report of a node inside the transaction that also advances the node's report number, so that each report
 * counts once however often it is sent. Samples of assignments that are not the node's own are dropped and counted.
 */
export async function ingestReport(tx: Tx, node: { id: string; projectId: string; siteId: string }, _atMs: number, body: ReportBody): Promise<Ingested> {
  const q = tx.client;
  const mentioned = new Set([...body.unitUsage, ...body.requests, ...body.predictions].map((x) => x.assignmentId));
  const own = await write.assignmentsOfNode(q, node.id, [...mentioned]);
  let foreign = 0;
  const mine = <T extends { assignmentId: string }>(items: readonly T[]): (T & { workloadId: string })[] =>
    items.flatMap((i) => {
      const workloadId = own.get(i.assignmentId);
      if (workloadId !== undefined) return [{ ...i, workloadId }];
      foreign++;
      return [];
    });

  await write.insertNodeSamples(q, node.id, body.usage.map((u) => ({ atMs: u.atMs, values: nodeSeries.map((s) => u[s.key]) })));
  await write.insertUnitSamples(q, mine(body.unitUsage));
  const requests = await mergeRequests(tx, node, mine(body.requests));

  const predictions = mine(body.predictions);
  const workloads = await write.workloadIdsByName(q, node.projectId, [...new Set(body.labels.map((l) => l.workload))]);
  const labels: write.LabelRow[] = body.labels.flatMap((l) => {
    const workloadId = workloads.get(l.workload);
    return workloadId === undefined ? [] : [{ workloadId, id: l.id, label: l.label, atMs: l.atMs }];
  });
  foreign += body.labels.length - labels.length;
  let joined = { joined: 0, waiting: 0 };
  if (predictions.length + labels.length > 0) {
    await write.lockQuality(q, [...predictions, ...labels].map((x) => x.workloadId));
    await write.insertPredictions(q, node.siteId, predictions);
    const waited = await write.takeWaitingLabels(q, predictions);
    joined = await write.joinLabels(q, [...waited, ...labels]);
  }
  await write.insertNodeEvents(q, node.id, body.events);
  for (const workloadId of new Set([...own.values(), ...labels.map((l) => l.workloadId)])) tx.changes.add("telemetry", workloadId, node.projectId);
  return { requests, predictions: predictions.length, labelsJoined: joined.joined, labelsWaiting: joined.waiting, foreign };
}

/** Adds the report's minutes to those stored before: a minute may come in several parts. */
async function mergeRequests(tx: Tx, node: { id: string; siteId: string }, parts: readonly (ReportBody["requests"][number] & { workloadId: string })[]): Promise<number> {
  const merged = new Map<string, write.RequestMinuteRow>();
  const keyOf = (k: { workloadId: string; assignmentId: string; generation: number; minuteMs: number }): string => `${k.workloadId} ${k.assignmentId} ${k.generation} ${k.minuteMs}`;
  const add = (row: write.RequestMinuteRow): void => {
    const before = merged.get(keyOf(row));
    const a = before && decodeSketch(before.sketch);
    const b = decodeSketch(row.sketch);
    if (!b) return;
    merged.set(keyOf(row), before && a ? { ...row, count: before.count + row.count, errors: before.errors + row.errors, sketch: encodeSketch(mergeSketches(a, b)) } : row);
  };
  let count = 0;
  for (const p of parts) {
    const sketch = sketchFromBase64(p.sketch);
    if (!sketch || p.count < 0 || p.errors < 0 || p.errors > p.count) continue;
    count += p.count;
    add({ workloadId: p.workloadId, assignmentId: p.assignmentId, generation: p.generation, minuteMs: Math.floor(p.minuteMs / 60_000) * 60_000, count: p.count, errors: p.errors, sketch: encodeSketch(sketch) });
  }
  for (const stored of await write.lockRequestMinutes(tx.client, [...merged.values()])) add(stored);
  await write.upsertRequestMinutes(tx.client, node, [...merged.values()]);
  return count;
}
