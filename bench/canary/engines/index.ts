import { argo } from "./argo";
import { flagger } from "./flagger";
import { holdfast } from "./holdfast";
import { kayenta } from "./kayenta";
import { type Engine } from "../trace";

/** Engines by the name they have in the results, in the order of the table. */
export const engines: Readonly<Record<string, () => Engine>> = {
  kayenta,
  "argo-p95": () => argo("argo-p95", 0.95, 5),
  "argo-p99": () => argo("argo-p99", 0.99, 1),
  flagger,
  holdfast: () => holdfast(),
};
