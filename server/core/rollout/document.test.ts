import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { rolloutStatesDocument } from "./document";

// Guarantee: the published states of a rollout are those of the table.
it("docs/states/rollout.md is what the table says", () => {
  expect(readFileSync("docs/states/rollout.md", "utf8")).toBe(rolloutStatesDocument());
});
