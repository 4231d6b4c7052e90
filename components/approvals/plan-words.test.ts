import { describe, expect, test } from "vitest";
import { furtherChanges, thenText, whatText } from "./plan-words";

const digest = "sha256:1";
const artifacts = [{ name: "serve", digest, title: "serve" }, { name: "model", digest, title: "digits-v2" }];
const model = { path: "spec.template.artifacts[model].digest", before: "a", after: "b" };
const env = { path: "spec.template.env.RATE", before: "1", after: "2" };

// Guarantee: the card names what changes as people call it, and leaves out no change.
describe("what an approval is about", () => {
  test("the artifact that changes by its title, the others as staying, every other change listed", () => {
    expect(whatText({ artifacts, changes: [model, env] })).toBe("model becomes digits-v2; serve stays as it is");
    expect(furtherChanges({ artifacts, changes: [model, env] })).toEqual([env]);
    expect(whatText({ artifacts, changes: [env] })).toBe("A new revision with the same serve, digits-v2");
  });
  test("an artifact that the plan does not list is still a change", () => {
    expect(furtherChanges({ artifacts: [], changes: [model] })).toEqual([model]);
    expect(whatText({ artifacts: [], changes: [model] })).toBe("A new revision");
  });
  test("what follows the gate", () => {
    const waves = [{ name: "canary", targets: [], steps: ["Update every unit of the wave", "Approval: Beyond the canary (1 of Operations)", "Pause for 10m"] }, { name: "everywhere", targets: [], steps: ["Update every unit of the wave"] }];
    expect(thenText({ waves, gate: "canary: Beyond the canary" })).toBe("Canary: pause for 10m; then wave everywhere: update every unit of the wave.");
    expect(thenText({ waves: waves.slice(0, 1).map((w) => ({ ...w, steps: w.steps.slice(0, 2) })), gate: "canary: Beyond the canary" })).toBe("The rollout ends, and the new revision stays.");
  });
});
