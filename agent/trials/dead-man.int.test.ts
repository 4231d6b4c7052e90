import { createHash, createPublicKey, randomUUID, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Receipt, UnitSpec } from "../../server/protocol/messages";
import { signedText } from "../../server/protocol/receipt";
import type { TestGateway } from "../testing/gateway";
import { alive, answerOf, BlackHole, onTrial, unitOf, until, webHealth, webServer } from "../testing/harness";
import { agentWorld, healthy, isShell, processesWith } from "../testing/world";

const world = agentWorld();
const old = (tag = "old"): UnitSpec => unitOf("a1", webServer(tag), { template: { health: webHealth } });
const next = (tag = "new"): UnitSpec => unitOf("a1", webServer(tag), { generation: 2, template: { health: webHealth } });
const verified = (g: TestGateway, r: Receipt): boolean => verify("sha256", Buffer.from(signedText(r), "utf8"), { key: createPublicKey(g.nodeKey), dsaEncoding: "ieee-p1363" }, Buffer.from(r.signature, "base64"));
const receiptOf = (g: TestGateway, what: Receipt["what"]): Promise<Receipt> => until(`a receipt "${what}"`, () => g.receipts.find((r) => r.what === what));
const only = (g: TestGateway, generation: number) => until(`only generation ${generation} runs`, () => {
  const all = g.statuses("a1");
  return all.length === 1 && all[0]?.generation === generation && all[0].health === "healthy" ? all[0] : undefined;
});

/** Switches to the new revision with time enough, then moves the deadline near: how fast this machine is plays no part. Gives the deadline. */
async function switched(g: TestGateway, a: { events(event: string): Record<string, unknown>[] }, inMs: number): Promise<{ deadline: number; canary: Awaited<ReturnType<typeof only>> }> {
  g.desire(1, [old()]);
  await healthy(g, "a1", 1);
  g.desire(2, [onTrial(next(), old(), { inMs: 600_000 })]);
  const canary = await only(g, 2);
  const near = onTrial(next(), old(), { inMs });
  g.desire(3, [near]);
  await until("the deadline is known", () => a.events("desired.received").some((e) => e.generation === 3));
  return { deadline: near.trial?.returnAtMs ?? 0, canary };
}

describe("a switch on trial", () => {
  // Guarantee: an order to keep the revision ends the trial, and each step is proven by a receipt that the node's key signed.
  it("is kept when that is ordered in time", async () => {
    const g = await world.gateway();
    world.agent([...g.enrolFlags(), "--data", world.data()]);
    g.desire(1, [old()]);
    await healthy(g, "a1", 1);
    g.desire(2, [onTrial(next(), old(), { inMs: 60_000 })]);
    expect(await only(g, 2)).toMatchObject({ trial: { rollout: "rollout-1", state: "armed" } });
    const switched = await receiptOf(g, "switched");
    g.desire(3, [next()]);
    const kept = await receiptOf(g, "kept");
    for (const r of [switched, kept]) {
      expect(r).toMatchObject({ rollout: "rollout-1", assignmentId: "a1", unit: "a1-unit", node: "edge-1", generation: 2, revisionDigest: next().revisionDigest, cause: "ordered" });
      expect(verified(g, r)).toBe(true);
      expect(verified(g, { ...r, generation: 1 })).toBe(false);
    }
    expect(kept.number).toBe(switched.number + 1);
    await until("no trial is told of any more", () => g.statuses("a1")[0]?.trial === null);
  });

  // Guarantee: going back by order yields its receipt too, and the revision before is running when it is signed.
  it("is rolled back when that is ordered", async () => {
    const g = await world.gateway();
    world.agent([...g.enrolFlags(), "--data", world.data()]);
    g.desire(1, [onTrial(next(), old(), { inMs: 60_000 })]);
    await receiptOf(g, "switched");
    g.desire(2, [old()]);
    expect(await receiptOf(g, "rolledBack")).toMatchObject({ generation: 1, revisionDigest: old().revisionDigest, cause: "ordered" });
    await only(g, 1);
  });

  // Guarantee: without a word by the deadline the agent goes back by itself, stays back whatever deadline comes later, and goes on only by an explicit order.
  it("returns by itself at the deadline, and stays back until it is told otherwise", async () => {
    const g = await world.gateway();
    const a = world.agent([...g.enrolFlags(), "--data", world.data()]);
    await switched(g, a, 500);
    const back = await only(g, 1);
    expect(back.trial).toMatchObject({ state: "returned", rollout: "rollout-1" });
    expect(await receiptOf(g, "returned")).toMatchObject({ generation: 1, cause: "deadline", revisionDigest: old().revisionDigest });
    await until("what is desired is applied", () => g.observed.at(-1)?.appliedGeneration === 3);
    g.desire(4, [onTrial(next(), old(), { inMs: 60_000 })]);
    await until("it heard", () => g.observed.at(-1)?.appliedGeneration === 4);
    expect(g.statuses("a1")).toMatchObject([{ generation: 1, pid: back.pid, trial: { state: "returned" } }]);
    g.desire(5, [next()]);
    await only(g, 2);
    expect(await receiptOf(g, "kept")).toMatchObject({ generation: 2 });
    expect(g.receipts.map((r) => r.what)).toEqual(["switched", "returned", "kept"]);
  });

  // Guarantee: a later deadline replaces the earlier one, so that a controller that still judges can ask for more time.
  it("waits longer when it is told to", async () => {
    const g = await world.gateway();
    const a = world.agent([...g.enrolFlags(), "--data", world.data()]);
    g.desire(1, [onTrial(next(), old(), { inMs: 5_000 })]);
    const first = Date.now() + 5_000;
    await until("it is armed", () => a.events("trial.armed").length === 1);
    g.desire(2, [onTrial(next(), old(), { inMs: 60_000 })]);
    await until("it heard", () => g.observed.at(-1)?.appliedGeneration === 2);
    await until("the first deadline is over", () => Date.now() > first + 500 && g.heartbeats.at(-1));
    expect(a.events("trial.returned")).toEqual([]);
    expect(g.statuses("a1")).toMatchObject([{ generation: 2, trial: { state: "armed" } }]);
  });

  // Guarantee: no switch without a way back: while the previous revision's artifacts cannot be had, what runs goes on, the refusal says why, and the switch is made once they are there.
  it("is refused while the way back is not ready", async () => {
    const g = await world.gateway();
    world.agent([...g.enrolFlags(), "--data", world.data()]);
    const blob = Buffer.from("the old model");
    const digest = `sha256:${createHash("sha256").update(blob).digest("hex")}`;
    const before = unitOf("a1", webServer("old"), { template: { health: webHealth, artifacts: [{ name: "model", digest }] } });
    g.desire(1, [unitOf("a1", webServer("older"), { generation: 0, template: { health: webHealth } })]);
    const running = await healthy(g, "a1", 0);
    await until("the first is applied", () => g.observed.at(-1)?.appliedGeneration === 1);
    g.desire(2, [onTrial(next(), before, { inMs: 60_000 })]);
    const refused = await until("the refusal is told", () => g.statuses("a1").find((s) => s.trial?.state === "refused"));
    expect(refused).toMatchObject({ generation: 0, pid: running.pid, trial: { refusal: { code: "previous_unavailable" } } });
    expect(refused.trial?.refusal?.message).toContain("model");
    expect(g.observed.at(-1)).toMatchObject({ receivedGeneration: 2, appliedGeneration: 1 });
    g.artifacts.set(digest, blob);
    await only(g, 2);
    expect((await receiptOf(g, "switched")).generation).toBe(2);
  });
});

describe("a switch on trial while the link is cut", () => {
  // Guarantee: with nobody to reach the device is back on the old revision by the deadline, and proves it once it is heard again.
  it("returns while cut off, and proves it afterwards", async () => {
    const g = await world.gateway();
    const hole = await BlackHole.start(g.port);
    world.cleanup(() => hole.close());
    const a = world.agent([...g.enrolFlags(hole.address), "--data", world.data()]);
    const { deadline } = await switched(g, a, 5_000);
    hole.swallow();
    const returned = await until("it went back by itself", () => a.events("trial.returned")[0], 20_000);
    expect(Date.parse(String(returned.time))).toBeGreaterThanOrEqual(deadline - 50);
    await until("the old revision answers", () => a.events("unit.healthy").filter((e) => e.generation === 1).length >= 2);
    expect(g.receipts.some((r) => r.what === "returned")).toBe(false);
    hole.heal();
    const receipt = await receiptOf(g, "returned");
    expect(receipt).toMatchObject({ generation: 1, cause: "deadline", rollout: "rollout-1" });
    expect(receipt.atMs).toBeGreaterThanOrEqual(deadline - 50);
    expect(verified(g, receipt)).toBe(true);
    await only(g, 1);
  });

  // Guarantee: kill -9 while armed loses nothing: the next agent knows the deadline, also when it passed while nobody was there.
  it("returns although its agent was killed while armed, and the deadline passed meanwhile", async () => {
    const g = await world.gateway();
    const data = world.data();
    const first = world.agent([...g.enrolFlags(), "--data", data]);
    const { deadline, canary } = await switched(g, first, 3_000);
    await first.end("SIGKILL");
    await g.close();
    await until("the deadline has passed", () => Date.now() > deadline + 100, 10_000);
    expect(await answerOf(canary.ports.http ?? 0)).toContain("new");
    const second = world.agent(["--data", data]);
    await until("it went back", () => second.events("trial.returned")[0]);
    await until("the old revision answers again", () => second.events("unit.healthy").find((e) => e.generation === 1));
    await until("the new one is gone", () => !alive(canary.pid ?? 0));
  });

  // Guarantee: a reboot in the middle changes nothing: before the deadline the new revision is started again, after it the old one.
  it.each([["before", 60_000, 2], ["after", 3_000, 1]] as const)("a reboot that ends %s the deadline", async (_when, inMs, generation) => {
    const g = await world.gateway();
    const data = world.data();
    const first = world.agent([...g.enrolFlags(), "--data", data, "--boot-id", "boot-1"]);
    const { deadline } = await switched(g, first, inMs);
    await first.end("SIGKILL");
    await g.close();
    for (const pid of processesWith(`${data}/units`)) process.kill(-pid, "SIGKILL");
    await until("everything is gone", () => processesWith(`${data}/units`).length === 0);
    if (generation === 1) await until("the deadline has passed", () => Date.now() > deadline + 100, 10_000);
    const second = world.agent(["--data", data, "--boot-id", "boot-2"]);
    await until("it runs", () => second.events("unit.healthy").find((e) => e.generation === generation));
    expect(second.events("trial.returned")).toHaveLength(generation === 1 ? 1 : 0);
    expect(processesWith(`${data}/units`)).toHaveLength(1);
  });

  // Guarantee: whenever the agent is killed (before the note, between note and switch, while it goes back), each unit runs at most once per revision, nothing is lost, and it ends on the old revision with one receipt.
  it("ends as without the kill, at whatever moment the agent is killed", async () => {
    const g = await world.gateway();
    const data = world.data();
    const tags = [`old-${randomUUID()}`, `new-${randomUUID()}`] as const;
    const runners = (): number[] => tags.map((tag) => processesWith(tag).filter((pid) => !isShell(pid)).length);
    const begin = world.agent([...g.enrolFlags(), "--data", data]);
    g.desire(1, [old(tags[0])]);
    await healthy(g, "a1", 1);
    g.desire(2, [onTrial(next(tags[1]), old(tags[0]), { inMs: 600_000 })]);
    await until("the deadline is noted", () => begin.events("trial.armed").length > 0);
    // One deadline for all: some kills come before it, some after.
    g.desire(3, [onTrial(next(tags[1]), old(tags[0]), { inMs: 4_000 })]);
    await until("the deadline is near", () => begin.events("desired.received").some((e) => e.generation === 3));
    await begin.end("SIGKILL");
    for (const afterMs of [150, 220, 280, 340, 400, 480, 560, 640, 720]) {
      const a = world.agent(["--data", data]);
      await delay(afterMs);
      await a.end("SIGKILL");
      expect(Math.max(...runners())).toBeLessThanOrEqual(1);
    }
    g.observed.length = 0;
    world.agent(["--data", data]);
    await only(g, 1);
    await until("the receipt is there", () => g.receipts.some((r) => r.what === "returned"));
    expect(runners()).toEqual([1, 0]);
    expect(new Set(g.receipts.filter((r) => r.what === "returned").map((r) => r.number)).size).toBe(1);
  });
});

describe("what is kept of a trial", () => {
  // Guarantee: the secrets of the revision before are sealed on disk like the unit's own.
  it("holds no secret in the clear", async () => {
    const g = await world.gateway();
    const data = world.data();
    world.agent([...g.enrolFlags(), "--data", data]);
    const secret = { ...old(), environment: { KEY: "secret-of-before" } };
    g.desire(1, [onTrial(next(), secret, { inMs: 60_000 })]);
    await receiptOf(g, "switched");
    for (const file of ["desired.json", "trials.json"]) expect(readFileSync(join(data, "state", file), "utf8")).not.toContain("secret-of-before");
  });
});
