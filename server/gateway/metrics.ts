import { Counter, Gauge, Histogram } from "prom-client";
import type { Registry } from "prom-client";

/** What a gateway counts. */
export function gatewayMetrics(registry: Registry) {
  const registers = [registry];
  return {
    connections: new Gauge({ name: "holdfast_gateway_sessions", help: "Sessions of agents that are open here.", registers }),
    handshakes: new Counter({ name: "holdfast_gateway_handshakes_total", help: "Attempts to open a session, by outcome.", labelNames: ["outcome"], registers }),
    messages: new Counter({ name: "holdfast_gateway_messages_total", help: "Messages of agents, by type.", labelNames: ["type"], registers }),
    refused: new Counter({ name: "holdfast_gateway_refused_total", help: "Messages and requests that were refused, by code.", labelNames: ["code"], registers }),
    ended: new Counter({ name: "holdfast_gateway_sessions_ended_total", help: "Sessions that ended, by why.", labelNames: ["why"], registers }),
    desiredSent: new Counter({ name: "holdfast_gateway_desired_sent_total", help: "Desired states sent, by what made us look.", labelNames: ["reason"], registers }),
    corrections: new Counter({ name: "holdfast_gateway_resync_corrections_total", help: "Differences that only a resync found: nudges that were lost, agents that had missed a state, units found otherwise after a silence.", labelNames: ["kind"], registers }),
    reports: new Counter({ name: "holdfast_gateway_reports_total", help: "Reports of agents: stored, seen before, rejected as unstorable, or missing in the numbering.", labelNames: ["outcome"], registers }),
    receipts: new Counter({ name: "holdfast_gateway_receipts_total", help: "Signed receipts of agents: stored, seen before, or refused by why they prove nothing.", labelNames: ["outcome"], registers }),
    ingest: new Histogram({ name: "holdfast_gateway_ingest_seconds", help: "Time to store a batch of reports.", buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5], registers }),
    observations: new Counter({ name: "holdfast_gateway_observations_total", help: "Observed units: written because they changed, or dropped because they are another node's.", labelNames: ["outcome"], registers }),
    spells: new Counter({ name: "holdfast_gateway_silent_spells_total", help: "Nodes that fell silent, found by this gateway.", registers }),
    authorityEnds: new Gauge({ name: "holdfast_authority_not_after_seconds", help: "Unix time at which the issuing authority's certificate ends.", registers }),
    artifactBytes: new Counter({ name: "holdfast_gateway_artifact_bytes_total", help: "Bytes of artifacts sent to agents.", registers }),
  };
}
export type GatewayMetrics = ReturnType<typeof gatewayMetrics>;
