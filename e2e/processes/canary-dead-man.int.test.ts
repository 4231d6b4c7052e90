import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildCanaryWorld, strategyYaml, workloadYaml, type CanaryWorld } from "../deployment/canary-world";
import { Deployment } from "../deployment/deployment";
import { until } from "../deployment/until";
import { explain } from "../deployment/world";

const d = new Deployment();
let world: CanaryWorld;
beforeAll(async () => {
  await d.start();
  world = await buildCanaryWorld(d);
}, 300_000);
afterAll(() => d.stop(), 60_000);
const seconds = 1_000;
const eventually = (what: string, holds: () => Promise<boolean>, timeoutMs: number): Promise<void> => until(what, holds, timeoutMs, () => explain(d));
const answerAt = async (port: number): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2_000) })).text();

describe("the dead-man switch of a rollout", () => {
  // Guarantee: with the link cut in the middle of a bad canary and the controller dead, devices are back on the old revision by the deadline, and prove it by digest after the heal.
  it("brings a cut off device back with the controller dead, and proves it after the heal", async () => {
    const name = "guarded";
    const node = "bremen-1";
    const workload = (version: string, env: Record<string, string> = {}) => workloadYaml({ name, nodes: [node, "cloud-1"], version, env });
    await world.apply(strategyYaml(name, `  maxUnavailable: 2
  healthTimeout: 3m
  deadMan: { deadline: 20s }
  waves:
    - name: canary
      selector: node.name == "${node}"
      steps:
        - { do: update, percent: 100 }
        - { do: pause, for: 1h }
    - name: everywhere
      steps: [{ do: update, percent: 100 }]
`));
    await world.apply(workload("good"));
    await eventually("both to serve", async () => Object.values(await world.running(name)).join() === "1,1", 90 * seconds);
    await world.apply(workload("bad", { SLOW_SITE: "edge-bremen", SLOW_MS: "400" }), "a bad one");
    await eventually("the canary to be armed on the bad revision", async () => (await world.running(name))[node] === 2 && (await world.onNode(node, name)).some((u) => u.generation === 2 && u.trial?.state === "armed"), 90 * seconds);
    await eventually("its switch to be proven", async () => (await world.rollout(name))?.proof?.rows.some((r) => r.node === node && r.receipt?.what === "switched" && r.state === "proven") === true, 60 * seconds);
    const link = d.agents.get(node)?.link;
    link?.cut();
    await Promise.all(["scheduler", "gateway"].map((p) => d.halt(p)));
    await eventually("the device to be back by itself", async () => {
      const [unit, ...others] = await world.onNode(node, name);
      return others.length === 0 && unit?.generation === 1 && unit.health === "healthy" && unit.trial?.state === "returned" && (await answerAt(unit.port)) === "good";
    }, 60 * seconds);
    d.resume("gateway");
    d.resume("scheduler");
    await d.untilReady();
    link?.heal();
    await eventually("the return to be proven by its receipt", async () => (await world.rollout(name))?.proof?.rows.some((r) => r.node === node && r.receipt?.what === "returned" && r.receipt.cause === "deadline" && r.receipt.generation === 1) === true, 90 * seconds);
    await eventually("the rollout to go back for it", async () => (await world.rollout(name))?.phase === "rolledBack", 90 * seconds);
    const r = await world.rollout(name);
    expect(r?.reason).toContain("went back by itself");
    expect(r?.proof).toMatchObject({ notProven: 0, silentArmed: 0 });
    await eventually("everything to run the old revision", async () => Object.values(await world.running(name)).join() === "1,1", 60 * seconds);
  }, 400 * seconds);
});
