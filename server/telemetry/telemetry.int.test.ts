import { beforeEach, describe, expect, it } from "vitest";
import { addTo, emptySketch, sketchToBase64 } from "../core/telemetry/sketch";
import { systemClock } from "../platform";
import type { ReportBody } from "../protocol/messages";
import { testDatabase } from "../testing/database";
import { person, project, seedWorld, type World } from "../testing/rollout-world";
import { createTelemetry, gatherEvidence, ingestReport } from "./index";

const db = testDatabase();
const minute = Math.floor(Date.now() / 60_000) * 60_000 - 120_000;
const empty: ReportBody = { usage: [], unitUsage: [], requests: [], predictions: [], labels: [], events: [], receipts: [] };
const strategy = { waves: [{ name: "all", steps: [{ do: "update", percent: 100 }] }] };
let world: World;
const node = (unit: string, site: string) => ({ id: `node-${unit}`, projectId: project.id, siteId: `site-${site}` });
const ingest = (unit: string, site: string, body: Partial<ReportBody>) => db.store.inTransaction((tx) => ingestReport(tx, node(unit, site), minute, { ...empty, ...body }));
const sketchOf = (...ms: number[]): string => {
  const s = emptySketch();
  for (const m of ms) addTo(s, m);
  return sketchToBase64(s);
};
const range = { fromMs: minute - 600_000, toMs: minute + 600_000 };
const charts = () => createTelemetry({ store: db.store, clock: systemClock }).queries;
const prediction = (id: string, predicted: string, generation = 1) => ({ id, assignmentId: "as-a", workload: "digits", generation, atMs: minute, predicted, confidence: 0.9 });
const label = (id: string, l: string) => ({ id, workload: "digits", atMs: minute + 5_000, label: l });

beforeEach(async () => {
  await db.asOwner("truncate request_minutes, predictions, waiting_labels, quality_minutes, node_samples, unit_samples, node_events, observations, assignments, nodes, sites, object_revisions, objects, history, log_requests cascade");
  world = await seedWorld(db, { units: [{ unit: "a", site: "cloud-fra" }, { unit: "b", site: "edge-kiel" }], strategy });
});

describe("telemetry", () => {
  // Guarantee: parts of one minute add up to what one part would have been, and quantiles come from the merged sketch.
  it("merges the parts of a minute", async () => {
    const part = (count: number, errors: number, ...ms: number[]) => ({ assignmentId: "as-a", workload: "digits", generation: 1, minuteMs: minute, count, errors, sketch: sketchOf(...ms) });
    await ingest("a", "cloud-fra", { requests: [part(2, 0, 10, 10)] });
    await ingest("a", "cloud-fra", { requests: [part(2, 1, 10, 100), part(1, 0, 10)] });
    const all = await charts().workload(project, { name: "digits", range, by: "revision" });
    const value = (title: string) => all.find((c) => c.title === title)?.series[0]?.points.find((p) => p[0] === minute)?.[1];
    expect(value("Requests per second")).toBeCloseTo(5 / 60, 6);
    expect(value("Error rate")).toBeCloseTo(1 / 5, 6);
    const [p90] = await charts().workload(project, { name: "digits", range, metric: "latencyP50Ms", by: "site" });
    expect(p90?.series[0]).toMatchObject({ name: "cloud-fra", sample: 5 });
    expect(p90?.series[0]?.points.find((p) => p[0] === minute)?.[1]).toBeGreaterThan(9.8);
    // Guarantee: a minute in which nobody reported is a gap.
    expect(p90?.series[0]?.points.find((p) => p[0] === minute - 60_000)?.[1]).toBeNull();
  });

  // Guarantee: a label finds its prediction in whatever order the two arrive, and counts once.
  it("joins labels before, after and together with their prediction", async () => {
    expect(await ingest("b", "edge-kiel", { labels: [label("early", "1")] })).toMatchObject({ labelsWaiting: 1, labelsJoined: 0 });
    expect(await ingest("a", "cloud-fra", { predictions: [prediction("early", "1"), prediction("late", "2")] })).toMatchObject({ labelsJoined: 1 });
    expect(await ingest("b", "edge-kiel", { labels: [label("late", "3"), label("late", "3")] })).toMatchObject({ labelsJoined: 1 });
    expect(await ingest("a", "cloud-fra", { predictions: [prediction("both", "4")], labels: [label("both", "4")] })).toMatchObject({ labelsJoined: 1 });
    expect(await ingest("b", "edge-kiel", { labels: [label("late", "2")] })).toMatchObject({ labelsJoined: 0, labelsWaiting: 0 });
    const [q] = await db.asOwner<{ labelled: number; correct: number }>("select sum(labelled)::int as labelled, sum(correct)::int as correct from quality_minutes");
    expect(q).toEqual({ labelled: 3, correct: 2 });
    const evidence = await gatherEvidence(db.store.read.client, { workloadId: world.workloadId, canary: 1, stable: 2, fromMs: minute, toMs: minute + 60_000, metrics: ["accuracy"] });
    expect(evidence.get("accuracy")).toMatchObject({ canary: { value: 2 / 3, sample: 3 }, stable: { value: null, sample: 0 }, bySite: [{ site: "cloud-fra" }] });
  });

  it("joins a label and its prediction that two nodes report at the same moment", async () => {
    for (let i = 0; i < 20; i++) await Promise.all([ingest("a", "cloud-fra", { predictions: [prediction(`race-${i}`, "1")] }), ingest("b", "edge-kiel", { labels: [label(`race-${i}`, "1")] })]);
    const [q] = await db.asOwner<{ n: number; waiting: number }>("select (select sum(labelled) from quality_minutes)::int as n, (select count(*) from waiting_labels)::int as waiting");
    expect(q).toEqual({ n: 20, waiting: 0 });
  });

  // Guarantee: a node can only speak of its own units.
  it("drops what a node says of another node's units, and counts it", async () => {
    const r = await ingest("b", "edge-kiel", { predictions: [prediction("forged", "1")], unitUsage: [{ assignmentId: "as-a", atMs: minute, cpuMillis: 1, memoryBytes: 1 }] });
    expect(r).toMatchObject({ foreign: 2, predictions: 0 });
    expect(await db.asOwner("select 1 from predictions")).toEqual([]);
  });

  it("draws a node's series with what is unknown left out", async () => {
    await ingest("a", "cloud-fra", { usage: [{ atMs: minute, cpuShare: 0.5, memoryUsedBytes: 100, diskUsedBytes: null, netRxBytesPerSecond: null, netTxBytesPerSecond: 5, load1: 1 }] });
    const list = await charts().node(project, { name: "n-a", range });
    expect(list.find((c) => c.title === "CPU")?.series[0]?.sample).toBe(1);
    expect(list.find((c) => c.title === "Memory and disk")?.series.find((s) => s.name === "Disk used")?.sample).toBe(0);
  });

  // Guarantee: an unanswered log says that the node has not answered, instead of looking empty; opening one is audited.
  it("opens a log for the gateway to deliver", async () => {
    const t = createTelemetry({ store: db.store, clock: systemClock });
    const { requestId } = await t.commands.openLogs(person("ada", "operator"), project, { assignmentId: "as-a", tailBytes: 1_000, follow: true });
    expect(await t.queries.readLogs(project, { requestId, afterSeq: -1 })).toEqual({ chunks: [], state: "waiting", error: null });
    const later = createTelemetry({ store: db.store, clock: { nowMs: () => Date.now() + 15_000 } });
    expect((await later.queries.readLogs(project, { requestId, afterSeq: -1 })).error).toMatch(/has not answered/);
    expect(await db.asOwner("select 1 from audit_entries where action = 'logs.open'")).toHaveLength(1);
  });
});
