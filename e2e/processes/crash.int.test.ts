import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Deployment, type Api } from "../deployment/deployment";
import { until } from "../deployment/until";
import { buildWorld, explain, gateStep, healthyUnits, newestRollout, PROJECT, SITES, type World } from "../deployment/world";

/**
 * Guarantee: any process can be killed at any moment of a rollout and the system converges without a person: no unit is
 * lost or doubled, no approval or audit entry is lost, and the rollout ends as it should.
 *
 * The moments are the steps themselves: every event of the rollout's own record, from its creation to its end, is a moment
 * behind which a process is killed. In the short run one rollout goes through all moments, each with another process by a
 * seed; in the long one there is a rollout for each of the processes, killed at every moment. (Kills between two
 * transactions of one look, which nobody sees from outside: server/rollouts/crash.int.test.ts.)
 */
const d = new Deployment();
let world: World;
let api: Api;
let approver: Api;
beforeAll(async () => {
  await d.start();
  world = await buildWorld(d, { gate: gateStep() });
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

const PROCESSES = ["scheduler", "gateway", "web", "postgres"] as const;
const LONG = process.env["HOLDFAST_LONG"] === "1";
/** What a rollout of this world goes through without a kill: the kinds of its events. */
const STEPS = ["created", "step", "asked", "step", "step", "askApproval", "approvalRequested", "approved", "approved", "step", "step", "asked", "step", "finish"];

const kill = async (name: string): Promise<void> => {
  await d.kill9(name);
  if (name === "web" || name === "postgres") await d.untilReady();
};
const detailOf = async () => {
  const r = await step();
  if (!r) throw new Error("there is no rollout");
  return r;
};

/** Rolls the better model out under a new revision, and kills a process behind each step of the record as soon as it is seen. */
async function rolloutKilledAtEveryStep(round: number, victim: (moment: number) => string): Promise<void> {
  const before = (await newestRollout(api))?.number ?? 0;
  await api.manifests.applyText.mutate({ project: PROJECT, text: world.digits("v2").replace("  template:\n", `  template:\n    env: { ROUND: "${round}" }\n`), dryRun: false, reason: `round ${round}` });
  let seen = 0;
  const killed: string[] = [];
  await until("the rollout to end", async () => {
    const r = await detailOf();
    if (r.number === before) return false;
    if (r.events.length > seen && r.events.length < STEPS.length) {
      seen = r.events.length;
      const name = victim(killed.length);
      killed.push(name);
      await kill(name);
    }
    const asked = r.phase === "awaitingApproval" ? (await api.approvals.list.query({ project: PROJECT, limit: 5, state: "pending" })).items[0] : undefined;
    // Whoever was not answered, because what answers was killed, asks again: that is one consent all the same.
    if (asked) await approver.approvals.decide.mutate({ project: PROJECT, id: asked.id, planDigest: asked.planDigest, decision: "approve", remark: "evidence is good" });
    return r.final;
  }, 400_000, () => explain(d));
  const r = await detailOf();
  expect(r).toMatchObject({ phase: "succeeded" });
  expect([...r.events].reverse().map((e) => e.kind), `killed ${killed.join(", ")}`).toEqual(STEPS);
  // Steps that one transaction takes together are one moment; four moments hit each of the processes once.
  expect(killed.length, `killed ${killed.join(", ")}`).toBeGreaterThanOrEqual(PROCESSES.length);
  expect(r.approvals.map((a) => [a.state, a.decidedBy])).toEqual([["approved", "grace"]]);
}

describe("kill -9 in the middle of a rollout", () => {
  const auditOf = async () => (await api.audit.list.query({ project: PROJECT, limit: 200 })).items;
  const ended = async (): Promise<number> => (await auditOf()).filter((e) => e.action === "rollout.finish").length;

  /** The process for each moment of the short run, from a fixed seed: any four moments in a row hit every process. */
  const drawn = Array.from({ length: STEPS.length }, (_, i) => PROCESSES[(i * 7 + 2) % PROCESSES.length] ?? "scheduler");
  const rounds: [string, (moment: number) => string][] = [["one process or another", (m) => drawn[m] ?? "scheduler"], ...(LONG ? PROCESSES.map((p): [string, () => string] => [p, () => p]) : [])];

  it.each(rounds)("of %s behind every step of a rollout: it ends as without a kill", async (name, victim) => {
    const finished = await ended();
    await rolloutKilledAtEveryStep(rounds.findIndex(([n]) => n === name) + 1, victim);
    await noneLostOrDoubled();
    const units = (await api.fleet.units.query({ project: PROJECT, workload: "digits", limit: 10 })).items;
    expect(new Set(units.map((u) => u.observed?.generation)).size).toBe(1);
    expect(await ended()).toBe(finished + 1);
    const audit = (await auditOf()).map((e) => e.action);
    for (const action of ["manifest.apply", "rollout.create", "rollout.update", "rollout.askApproval", "rollout.approve", "rollout.approved", "rollout.finish"]) expect(audit).toContain(action);
  }, 600_000);

  it("of every agent and the scheduler while a worse model is judged: it is still rolled back everywhere", async () => {
    const good = (await api.fleet.units.query({ project: PROJECT, workload: "digits", limit: 10 })).items[0]?.observed?.generation;
    await api.manifests.applyText.mutate({ project: PROJECT, text: world.digits("v3"), dryRun: false, reason: "model v3" });
    await untilStep("the canary to be judged", "analysis", 0);
    for (const name of [...d.agents.keys(), "scheduler"]) await kill(name);
    await until("the rollback", async () => (await phase()) === "rolledBack", 240_000, () => explain(d));
    expect((await step())?.reason).toMatch(/Accuracy of r\d+ was 0\.\d+ \(\d+ labels\) at .*in wave canary, below the limit 0\.915\./);
    await noneLostOrDoubled();
    const units = (await api.fleet.units.query({ project: PROJECT, workload: "digits", limit: 10 })).items;
    expect(units.map((u) => u.observed?.generation)).toEqual([good, good, good]);
  }, 600_000);
});
