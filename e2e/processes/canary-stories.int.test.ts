import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildCanaryWorld, strategyYaml, workloadYaml, type CanaryWorld, type NodeName } from "../deployment/canary-world";
import { Deployment } from "../deployment/deployment";
import { until } from "../deployment/until";
import { explain } from "../deployment/world";

/** Three rollouts of three workloads at once, over the same cloud and edge sites; then one whose controller dies. */
const d = new Deployment();
let world: CanaryWorld;
const seconds = 1_000;
const eventually = (what: string, holds: () => Promise<boolean>, timeoutMs: number): Promise<void> => until(what, holds, timeoutMs, () => explain(d));
const moved: NodeName[] = ["cloud-1", "hamburg-1", "bremen-1"];
const slowed: NodeName[] = ["cloud-1", "cloud-2", "hamburg-1", "hamburg-2"];
const vanishing: NodeName[] = ["cloud-1", "kiel-1", "kiel-2"];
const answerAt = async (port: number): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2_000) })).text();
const nodesOf = { better: moved, slower: slowed, vanishing };
/** Whether every node of a workload runs this generation of it. */
const all = async (workload: keyof typeof nodesOf, generation: number): Promise<boolean> => {
  const running = await world.running(workload);
  return nodesOf[workload].every((n) => running[n] === generation);
};

beforeAll(async () => {
  await d.start();
  world = await buildCanaryWorld(d);
  await world.apply(`apiVersion: holdfast.dev/v1
kind: AnalysisTemplate
metadata: { name: quality }
spec:
  window: 5m
  metrics: [{ name: accuracy, metric: accuracy, min: 0.9, minSample: 100 }]
---
apiVersion: holdfast.dev/v1
kind: AnalysisTemplate
metadata: { name: anytime }
spec: { judge: sequential, window: 30m }
`);
  await world.apply(strategyYaml("better", `  maxUnavailable: 2
  healthTimeout: 3m
  deadMan: { deadline: 1m }
  waves:
    - name: canary
      selector: node.name == "cloud-1" || node.name == "hamburg-1"
      steps:
        - { do: update, percent: 100 }
        - { do: analysis, template: quality, deadline: 10m }
    - name: everywhere
      steps: [{ do: update, percent: 100 }]
`));
  await world.apply(strategyYaml("slower", `  maxUnavailable: 2
  healthTimeout: 3m
  analysis: anytime
  scope: site
  waves:
    - name: canary
      selector: node.name == "cloud-1" || node.name == "hamburg-1"
      steps:
        - { do: update, percent: 100 }
        - { do: approval, name: Beyond the canary }
    - name: everywhere
      steps: [{ do: update, percent: 100 }]
`));
  await world.apply(strategyYaml("vanishing", `  maxUnavailable: 2
  healthTimeout: 3m
  silenceDeadline: 5s
  waves:
    - name: canary
      selector: node.name == "cloud-1" || node.name == "kiel-1"
      steps:
        - { do: update, percent: 100 }
        - { do: pause, for: 1h }
    - name: everywhere
      steps: [{ do: update, percent: 100 }]
`));
  await world.apply([workloadYaml({ name: "better", nodes: moved, version: "v1", env: { WRONG_EVERY: "6" } }), workloadYaml({ name: "slower", nodes: slowed, version: "v1" }), workloadYaml({ name: "vanishing", nodes: vanishing, version: "v1" })].join("---\n"));
  await eventually("every unit to serve", async () => (await Promise.all((["better", "slower", "vanishing"] as const).map((w) => all(w, 1)))).every(Boolean), 120 * seconds);
}, 400_000);
afterAll(() => d.stop(), 60_000);

describe.concurrent("a canary over cloud and edge", () => {
  // Guarantee: the better model is promoted over cloud and edge from measured accuracy while one edge site is cut off; that site keeps serving the old one, follows when it is back, and is never counted as healthy meanwhile.
  it("is promoted while one edge site is cut off, which follows when it returns", async () => {
    const link = d.agents.get("bremen-1")?.link;
    link?.cut();
    await eventually("the site to be silent", async () => (await world.api.fleet.node.query({ project: "default", name: "bremen-1" })).state.state === "silent", 30 * seconds);
    await world.apply(workloadYaml({ name: "better", nodes: moved, version: "v2", env: { WRONG_EVERY: "50" } }), "a better model");
    await eventually("the canary wave to be judged good", async () => (await world.rollout("better"))?.waves[1]?.steps.some((s) => s.state === "current") === true, 120 * seconds);
    await eventually("cloud and edge to run it", async () => {
      const g = await world.running("better");
      return g["cloud-1"] === 2 && g["hamburg-1"] === 2;
    }, 60 * seconds);
    expect(await world.onNode("bremen-1", "better")).toMatchObject([{ generation: 1, health: "healthy" }]);
    expect((await world.rollout("better"))?.final).toBe(false);
    link?.heal();
    await eventually("it to end everywhere", async () => (await world.rollout("better"))?.phase === "succeeded", 120 * seconds);
    expect(await all("better", 2)).toBe(true);
    // Each node proves what it keeps.
    await eventually("every unit to be proven", async () => (await world.rollout("better"))?.proof?.proven === 3, 60 * seconds);
  }, 400 * seconds);

  // Guarantee: a regression at one edge site only is found there; that site goes back, and the rest goes on.
  it("that is slower at one edge site goes back there, and goes on elsewhere", async () => {
    await world.apply(workloadYaml({ name: "slower", nodes: slowed, version: "v2", env: { SLOW_SITE: "edge-hamburg", SLOW_MS: "150" } }), "slower in Hamburg");
    await eventually("the site to be sent back", async () => (await world.rollout("slower"))?.sitesBack.map((s) => s.site).join() === "edge-hamburg", 300 * seconds);
    const r = await world.rollout("slower");
    expect(r?.sitesBack[0]?.reason).toContain("edge-hamburg");
    await eventually("its canary to run the old revision again", async () => (await world.running("slower"))["hamburg-1"] === 1, 90 * seconds);
    expect((await world.running("slower"))["cloud-1"]).toBe(2);
    expect((await world.rollout("slower"))?.final).toBe(false);
    const grace = d.api(await d.serviceToken("grace", "approver"));
    const pending = async () => (await world.api.approvals.list.query({ project: "default", limit: 10, state: "pending" })).items.find((a) => a.workload === "slower");
    await eventually("the gate to ask", async () => (await pending()) !== undefined, 60 * seconds);
    const asked = await pending();
    if (!asked) throw new Error("nobody was asked");
    await grace.approvals.decide.mutate({ project: "default", id: asked.id, planDigest: asked.planDigest, decision: "approve", remark: "fine elsewhere" });
    await eventually("the rest to have it, and the rollout to ask what becomes of the site", async () => (await world.rollout("slower"))?.phase === "holding" && (await world.running("slower"))["cloud-2"] === 2, 120 * seconds);
    expect(await world.running("slower")).toEqual({ "cloud-1": 2, "cloud-2": 2, "hamburg-1": 1, "hamburg-2": 1 });
  }, 500 * seconds);

  // Guarantee: a canary whose machine is gone after the update is found by its silence, although nothing was ever measured to be wrong.
  it("that vanishes after the update is found by its silence", async () => {
    await world.apply(workloadYaml({ name: "vanishing", nodes: vanishing, version: "v2" }), "kills its machine");
    await eventually("the canaries to run it", async () => {
      const g = await world.running("vanishing");
      return g["kiel-1"] === 2 && g["cloud-1"] === 2;
    }, 90 * seconds);
    await d.halt("kiel-1");
    await eventually("the rollout to go back", async () => /^rol(lingBack|ledBack)$/.test((await world.rollout("vanishing"))?.phase ?? ""), 60 * seconds);
    expect((await world.rollout("vanishing"))?.events.map((e) => e.text).join("\n")).toMatch(/fell silent after they were asked for r2 .*kiel-1/);
    d.resume("kiel-1");
    await eventually("everything to run the old revision", () => all("vanishing", 1), 90 * seconds);
  }, 400 * seconds);
});

// After the others: it stops the controller that they need.
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
