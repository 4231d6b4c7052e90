/**
 * What every process stands on: configuration, clock, log, ids, sealing, metrics and an orderly stop.
 * It knows nothing of the product: no table, no feature.
 */
export * from "./clock";
export * from "./env";
export * from "./ids";
export * from "./log";
export * from "./metrics";
export * from "./seal";
export * from "./secrets";
export * from "./shutdown";
export * from "./version";
