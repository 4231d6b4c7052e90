import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Deployment, type Api } from "../deployment/deployment";
import { until } from "../deployment/until";
import { buildWorld, explain, healthyUnits, newestRollout, PROJECT, SITES, type World } from "../deployment/world";

/**
 * Guarantee: any process can be killed at any moment of a rollout and the system converges without a person: no unit is
 * lost or doubled, no approval or audit entry is lost, and the rollout ends as it should.
 *
 * The moments: (1) while the first wave is being updated, (2) while the canary is judged, (3) while the gate waits for
 * its approval, (4) right after the approval was given, (5) while the last wave is being updated.
 */
const d = new Deployment();
let world: World;
let api: Api;
let approver: Api;
beforeAll(async () => {
  await d.start();
  world = await buildWorld(d, { gate: true });
  api = d.api();
  approver = d.api(await d.serviceToken("grace", "approver"));
}, 300_000);
afterAll(() => d.stop(), 60_000);

const phase = async (): Promise<string> => (await newestRollout(api))?.phase ?? "";
const step = async () => {
  const n = await newestRollout(api);
  return n ? api.rollouts.get.query({ project: PROJECT, number: n.number }) : undefined;
};
const untilStep = (what: string, kind: string, wave: number) => until(what, async () => {
  const r = await step();
  return r?.waves[wave]?.steps.some((s) => s.kind === kind && s.state === "current") === true || r?.final === true;
}, 120_000, () => explain(d));

/** Units are as many as wanted, each once: by the store and by the processes that really run. */
async function noneLostOrDoubled(): Promise<void> {
  await until("every unit to be healthy", async () => (await healthyUnits(api)) === SITES.length * 2, 120_000, () => explain(d));
  const units = (await api.fleet.units.query({ project: PROJECT, limit: 100 })).items.filter((u) => u.desired.action === "run");
  expect(new Set(units.map((u) => u.unit)).size).toBe(units.length);
  expect(units.filter((u) => u.workload === "digits").map((u) => u.node).sort()).toEqual(SITES.map((s) => `node-${s}`).sort());
}

/** One rollout to a model, with kills at the moments; approves at the gate. */
async function rolloutWithKills(model: "v2" | "v3", kills: Partial<Record<"updating" | "judging" | "gate" | "approved" | "last", readonly string[]>>): Promise<void> {
  const kill = async (moment: keyof typeof kills): Promise<void> => {
    for (const name of kills[moment] ?? []) {
      await d.kill9(name);
      if (name === "web" || name === "postgres") await d.untilReady();
    }
  };
  await api.manifests.applyText.mutate({ project: PROJECT, text: world.digits(model), dryRun: false, reason: `model ${model}` });
  await untilStep("the first wave to be updated", "update", 0);
  await kill("updating");
  await untilStep("the canary to be judged", "analysis", 0);
  await kill("judging");
  if (model === "v3") return;
  await until("the gate", async () => (await phase()) === "awaitingApproval", 180_000, () => explain(d));
  await kill("gate");
  const pending = async () => (await api.approvals.list.query({ project: PROJECT, limit: 5, state: "pending" })).items[0];
  await until("the approval to be asked for", async () => (await pending()) !== undefined, 60_000, () => explain(d));
  const asked = await pending();
  if (!asked) throw new Error("nobody was asked");
  await approver.approvals.decide.mutate({ project: PROJECT, id: asked.id, planDigest: asked.planDigest, decision: "approve", remark: "evidence is good" });
  await kill("approved");
  await until("the last wave", async () => ["running", "succeeded"].includes(await phase()), 60_000, () => explain(d));
  await kill("last");
}

describe("kill -9 in the middle of a rollout", () => {
  it("of scheduler, gateway, web, agents and PostgreSQL at every moment: the better model still ends everywhere", async () => {
    const auditBefore = (await api.audit.list.query({ project: PROJECT, limit: 1 })).items[0]?.seq ?? "0";
    await rolloutWithKills("v2", {
      updating: ["scheduler", "node-cloud-frankfurt", "gateway"],
      judging: ["postgres", "scheduler"],
      gate: ["web", "scheduler", "postgres"],
      approved: ["scheduler", "postgres"],
      last: ["gateway", "node-cloud-virginia", "scheduler"],
    });
    await until("the rollout to end", async () => (await step())?.final === true, 180_000, () => explain(d));
    const r = await step();
    expect(r).toMatchObject({ phase: "succeeded" });
    await noneLostOrDoubled();
    const units = (await api.fleet.units.query({ project: PROJECT, workload: "digits", limit: 10 })).items;
    expect(units.map((u) => u.observed?.generation)).toEqual([2, 2, 2]);
    expect(r?.approvals.map((a) => a.state)).toEqual(["approved"]);
    const audit = (await api.audit.list.query({ project: PROJECT, limit: 200 })).items.filter((e) => BigInt(e.seq) > BigInt(auditBefore));
    for (const action of ["manifest.apply", "rollout.create", "rollout.update", "rollout.askApproval", "rollout.approve", "rollout.approved", "rollout.finish"]) expect(audit.map((e) => e.action)).toContain(action);
    expect(audit.filter((e) => e.action === "rollout.finish")).toHaveLength(1);
  }, 600_000);

  it("of every agent and the scheduler while a worse model is judged: it is still rolled back everywhere", async () => {
    await rolloutWithKills("v3", { judging: [...d.agents.keys(), "scheduler"] });
    await until("the rollback", async () => (await phase()) === "rolledBack", 240_000, () => explain(d));
    expect((await step())?.reason).toMatch(/Accuracy of r3 was 0\.\d+ \(\d+ labels\) at .*in wave canary, below the limit 0\.915\./);
    await noneLostOrDoubled();
    const units = (await api.fleet.units.query({ project: PROJECT, workload: "digits", limit: 10 })).items;
    expect(units.map((u) => u.observed?.generation)).toEqual([2, 2, 2]);
  }, 600_000);
});
