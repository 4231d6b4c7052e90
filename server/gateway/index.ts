/**
 * The agents' door: TLS, sessions, delivery of desired state, and what agents report. It writes `observed_*` and nothing
 * else of a node; it knows what should run only as far as the store says so.
 */
export { startGateway } from "./server";
export type { Gateway } from "./server";
export type { ArtifactSource, GatewayDeps } from "./deps";
export type { OpenEnvironment } from "./desired";
export { defaults as gatewayDefaults } from "./settings";
export type { GatewaySettings } from "./settings";
