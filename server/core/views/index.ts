/** DTOs of the product: what procedures return, so that screens and the CLI decide nothing. */
export * from "./common";
export * from "./fleet";
export * from "./hooks";
export * from "./workloads";
export * from "./rollouts";
export * from "./analysis";
export * from "./telemetry";
export * from "./placement";
export * from "./access";
