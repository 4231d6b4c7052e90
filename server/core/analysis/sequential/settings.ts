import { type SequentialSettings } from "./types";

/** Settings that suit services of some requests a second at a handful of sites; docs/canary-judge.md says how they were found. */
export const defaultSequentialSettings: SequentialSettings = {
  alpha: 0.01,
  promoteThreshold: 20,
  siteLevel: 0.05,
  namingMinutes: 30,
  roles: { errors: "critical", latency: "critical", tail: "counts", reporting: "counts", accuracy: "off" },
  weights: { errors: 0.65, latency: 0.12, tail: 0.13, reporting: 0.1, accuracy: 0.3 },
  margins: { errorRatio: 1.2, latencyRatio: 1.05, tailFactor: 2, tailShare: 0.001, tailRatio: 1.5, reportingRatio: 1.5, accuracyDrop: 0.01 },
  promoteMargins: { errorRatio: 1.5, errorShare: 0.001, latencyRatio: 1.15, tailShare: 0.01, reportingShare: 0.1, accuracyDrop: 0.03 },
  hosts: { deviations: 2.33, spread: 0.08, historyRatio: 1.1 },
  coverage: { weight: 0.9, reportedShare: 0.5 },
  latencyDirection: "increase",
};
