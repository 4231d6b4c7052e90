import { holdfast } from "./holdfast";
import { type Engine } from "../trace";

/** Engines by the name they have in the results, in the order of the table. */
export const engines: Readonly<Record<string, () => Engine>> = {
  holdfast: () => holdfast(),
};
