/**
 * Repositories: one module a noun, plain functions over a `Queryable`. SQL lives here only. Append one line a module.
 */
export * as processes from "./processes";
export * as projects from "./projects";
export * as settings from "./settings";
export * as nodes from "./nodes";
export * as sites from "./sites";
export * as assignments from "./assignments";
export type { NewAuditEntry } from "./audit-entries";
export * as auditEntries from "./audit-queries";
export * as telemetryIngest from "./telemetry-ingest";
export * as telemetryRead from "./telemetry-read";
export * as logRequests from "./log-requests";
export * as people from "./access-people";
export * as sessions from "./access-sessions";
export * as invitations from "./access-invitations";
export * as identityAuthorities from "./identity-authorities";
export * as identityTokens from "./identity-tokens";
export * as identityNodes from "./identity-nodes";
export * as rollouts from "./rollouts";
export * as approvals from "./approvals";
export * as receipts from "./receipts";
export * as gatewaySessions from "./gateway-sessions";
export * as gatewayObservations from "./gateway-observations";
export * as gatewayDesired from "./gateway-desired";
export * as gatewaySpells from "./gateway-spells";
export * as gatewayLogs from "./gateway-logs";
export * as objects from "./objects";
export * as secrets from "./secrets";
export * as schedulerKeys from "./scheduler-keys";
export * as schedulerSnapshot from "./scheduler-snapshot";
export * as artifactRows from "./artifacts";
export * as fleetRead from "./fleet-read";
export * as workloadsRead from "./workloads-read";
export * as decisions from "./decisions";
export * as fleetDetail from "./fleet-detail";
export * as sealedValues from "./sealed";
export * as rolloutLists from "./rollout-lists";
