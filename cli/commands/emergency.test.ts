import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { exitCodes } from "../io";
import { Terminal } from "../testing/terminal";

const measured = { canary: { value: 0.85, sample: 600 }, stable: { value: 0.97, sample: 600 }, bySite: [] };
const bundle = {
  judge: "thresholds",
  template: { metrics: [{ name: "accuracy", metric: "accuracy", min: 0.92, minSample: 50, onMissing: "hold" }], window: "5m" },
  evidence: { canaryGeneration: 2, stableGeneration: 1, wave: "canary", fromMs: 0, toMs: 60_000, deadlinePassed: false, silentTargets: 0, measured: [["accuracy", measured]], series: [], minutes: null },
};

describe("holdfast rollout verdict --bundle", () => {
  const file = (t: Terminal, text: string): string => {
    const name = path.join(t.home, "bundle.json");
    writeFileSync(name, text);
    return name;
  };
  // Guarantee: whoever holds the inputs gets the verdict without a server, and is told when they are not the kept ones.
  it("judges again offline, and names another digest", async () => {
    const t = new Terminal();
    const first = await t.run("rollout", "verdict", "--bundle", file(t, JSON.stringify(bundle)));
    expect(first).toMatchObject({ code: exitCodes.ok, out: expect.stringContaining("rollBack\nAccuracy of r2 was 0.850 (600 labels)") });
    const digest = /sha256:[0-9a-f]{64}/.exec(first.out)?.[0] ?? "";
    expect((await t.run("rollout", "verdict", "--bundle", file(t, JSON.stringify(bundle)), "--digest", digest)).code).toBe(exitCodes.ok);
    const forged = JSON.stringify({ ...bundle, evidence: { ...bundle.evidence, measured: [["accuracy", { ...measured, canary: { value: 0.97, sample: 600 } }]] } });
    expect(await t.run("rollout", "verdict", "--bundle", file(t, forged), "--digest", digest)).toMatchObject({ code: exitCodes.failure, err: expect.stringContaining("not the ones of") });
  });
  it("says what is no bundle", async () => {
    const t = new Terminal();
    expect(await t.run("rollout", "verdict", "--bundle", file(t, "{}"))).toMatchObject({ code: exitCodes.usage });
    expect(await t.run("rollout", "verdict")).toMatchObject({ code: exitCodes.usage, err: expect.stringContaining("--bundle FILE or --rollout NUMBER") });
  });
});
