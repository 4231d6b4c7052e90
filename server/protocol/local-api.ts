/**
 * What the agent offers to units and clients on its own node, over plain HTTP on a loopback port.
 * Units learn it from HOLDFAST_AGENT_URL and name themselves by the bearer token in HOLDFAST_UNIT_TOKEN.
 *
 *   GET  /v1/health                 liveness of the agent
 *   GET  /v1/node                   node, site, connected or cut off and since when
 *   GET  /v1/services/{name}        healthy endpoints of a service: this node first, then the site
 *   GET  /v1/routes                 services that are routed, and the loopback port of each
 *   POST /v1/telemetry              requests served, predictions made, labels learnt (telemetryPost)
 *
 * Environment of a unit: HOLDFAST_AGENT_URL, HOLDFAST_UNIT_TOKEN, HOLDFAST_UNIT, HOLDFAST_WORKLOAD, HOLDFAST_PROJECT,
 * HOLDFAST_REVISION (generation), HOLDFAST_NODE, HOLDFAST_SITE, HOLDFAST_ARTIFACT_<NAME> (absolute path; name in
 * upper case, '-' as '_'), and a variable per declared port.
 */
import { z } from "zod";
import { endpoint } from "./messages";

export const servedRequest = z.object({ latencyMs: z.number().min(0), ok: z.boolean() });
export const servedPrediction = z.object({ id: z.string().min(1).max(100), predicted: z.string().max(100), confidence: z.number().min(0).max(1).nullable(), atMs: z.int() });
/** A label learnt later for a prediction; `workload` is the one that made the prediction. */
export const learntLabel = z.object({ id: z.string().min(1).max(100), workload: z.string(), label: z.string().max(100), atMs: z.int() });

export const telemetryPost = z.object({
  requests: z.array(servedRequest).max(5_000).default([]),
  predictions: z.array(servedPrediction).max(5_000).default([]),
  labels: z.array(learntLabel).max(5_000).default([]),
});
export type TelemetryPost = z.infer<typeof telemetryPost>;

export const serviceEndpoints = z.object({ service: z.string(), asOfMs: z.int(), endpoints: z.array(endpoint.extend({ local: z.boolean() })) });
export const localNode = z.object({ node: z.string(), site: z.string(), project: z.string(), connected: z.boolean(), sinceMs: z.int(), appliedGeneration: z.int(), journalDepth: z.int() });
