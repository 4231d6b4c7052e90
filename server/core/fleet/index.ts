/** What a fleet is, as the agents say it, and the states derived from it. Owns the five states; knows no store. */
export { ageText, counted } from "./age";
export type { NodeFacts, NodeUsage } from "./facts";
export { livenessOf } from "./liveness";
export type { Contact, ContactFacts, Liveness } from "./liveness";
export * from "./states";
