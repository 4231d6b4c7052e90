import { beforeEach, expect, it } from "vitest";
import { createRolloutReconciler, createRollouts } from "./index";
import { silentLogger } from "../platform";
import type { Store } from "../store";
import { testDatabase } from "../testing/database";
import { person, project, seedWorld, type World } from "../testing/rollout-world";

const db = testDatabase();
const ada = person("ada", "operator");
const grace = person("grace", "approver");
const clock = { nowMs: () => Date.now() };
const strategy = {
  waves: [
    { name: "canary", selector: 'site.name == "cloud-fra"', steps: [{ do: "update", percent: 100 }, { do: "analysis", template: "quality", deadline: "10m" }, { do: "approval", name: "go on" }] },
    { name: "left", selector: 'site.name == "edge-kiel"', after: ["canary"], steps: [{ do: "update", percent: 100 }] },
    { name: "right", after: ["canary"], steps: [{ do: "update", percent: 100 }] },
  ],
  maxUnavailable: 2,
  deadMan: { deadline: "10m" },
};
const template = { metrics: [{ name: "accuracy", metric: "accuracy", min: 0.92, minSample: 50 }], window: "1h" };
const units = [{ unit: "digits-0", site: "cloud-fra" }, { unit: "digits-1", site: "edge-kiel" }, { unit: "digits-2", site: "edge-lyon" }];

class Killed extends Error {}
/** A store whose process is killed at its n-th transaction: before its commit (nothing of it is there) or right after it. */
function dying(store: Store, at: number, when: "before" | "after"): { store: Store; count: () => number } {
  let n = 0;
  const inTransaction: Store["inTransaction"] = async (work) => {
    n++;
    const mine = n;
    const value = await store.inTransaction(async (tx) => {
      const result = await work(tx);
      if (mine === at && when === "before") throw new Killed();
      return result;
    });
    if (mine === at && when === "after") throw new Killed();
    return value;
  };
  return { store: { ...store, inTransaction }, count: () => n };
}

const EMPTY = "truncate approvals, approval_consents, verdict_bundles, rollout_verdicts, rollout_events, rollouts, observations, assignments, predictions, nodes, sites, object_revisions, objects, audit_entries, history cascade";
let world: World;
beforeEach(async () => {
  await db.asOwner(EMPTY);
  world = await seedWorld(db, { units, strategy, template });
});

/** Plays the rollout to its end; whoever looks is killed once, at the n-th transaction of all looks, and another goes on. */
async function play(at: number, when: "before" | "after"): Promise<{ transactions: number; story: unknown }> {
  const feature = createRollouts({ store: db.store, clock, log: silentLogger, silentAfterMs: 45_000 });
  await feature.commands.create(ada, project, { workload: "digits", generation: 2, strategy: "canary", reason: "better model" });
  const id = (await db.asOwner<{ id: string }>("select id from rollouts"))[0]?.id ?? "";
  const mortal = dying(db.store, at, when);
  let store = mortal.store;
  const look = async (): Promise<void> => {
    try {
      await createRolloutReconciler({ store, clock, log: silentLogger, silentAfterMs: 45_000 }).reconcile(id);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      store = db.store;
      await createRolloutReconciler({ store, clock, log: silentLogger, silentAfterMs: 45_000 }).reconcile(id);
    }
  };
  await look();
  await world.obey();
  await look();
  await world.predict("n-digits-0", 2, 300, 297);
  await look();
  const asked = (await feature.queries.approvals(project, { limit: 5, state: "pending" }, grace)).items;
  expect(asked).toHaveLength(1);
  await feature.commands.decide(grace, project, { id: asked[0]?.id ?? "", planDigest: asked[0]?.planDigest ?? "", decision: "approve", remark: "good" });
  await look();
  await world.obey();
  await look();
  const events = await db.asOwner<{ kind: string; text: string }>("select kind, text from rollout_events order by id");
  const audit = await db.asOwner<{ action: string; outcome: string }>("select action, outcome from audit_entries order by seq");
  const row = (await db.asOwner<{ phase: string; reason: string }>("select phase, reason from rollouts"))[0];
  const approvals = await db.asOwner<{ state: string; gate: string; by: string }>("select state, gate, decided_by as by from approvals");
  const kept = await db.asOwner<{ verdict: string }>("select verdict from rollout_verdicts");
  const trials = await db.asOwner<{ n: number }>("select count(*)::int as n from assignments where trial is not null");
  return { transactions: mortal.count(), story: { events, audit, row, approvals, kept, trials, generations: await world.generations() } };
}

// Guarantee: a scheduler that is killed between any two steps of a rollout, or in the middle of one, changes nothing of its
// story: the same events, audit entries, approvals and generations, each once.
it("ends as without the kill, wherever the scheduler is killed", async () => {
  const calm = await play(0, "after");
  expect(calm.story).toMatchObject({ row: { phase: "succeeded" }, generations: { "digits-0": 2, "digits-1": 2, "digits-2": 2 }, approvals: [{ state: "approved", by: "grace" }], kept: [{ verdict: "promote" }], trials: [{ n: 0 }] });
  expect(calm.transactions).toBeGreaterThan(12);
  const points = Array.from({ length: calm.transactions }, (_, i) => (["before", "after"] as const).map((when) => ({ at: i + 1, when }))).flat();
  // All of them in the long run; every fifth in the short one.
  for (const { at, when } of points.filter((_, i) => process.env["HOLDFAST_LONG"] === "1" || i % 5 === 2)) {
    await db.asOwner(EMPTY);
    world = await seedWorld(db, { units, strategy, template });
    expect((await play(at, when)).story, `killed ${when} the commit of transaction ${at} of ${calm.transactions}`).toEqual(calm.story);
  }
}, 300_000);
