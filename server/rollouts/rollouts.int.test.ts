import { beforeEach, describe, expect, it } from "vitest";
import { createRollouts, createRolloutReconciler } from "./index";
import { silentLogger } from "../platform";
import { testDatabase } from "../testing/database";
import { person, project, seedWorld, type World } from "../testing/rollout-world";

const db = testDatabase();
const ada = person("ada", "operator");
const grace = person("grace", "approver");
const auditor = person("uma", "auditor");
const strategy = {
  waves: [
    { name: "canary", selector: 'site.name == "cloud-fra" || site.name == "edge-kiel"', steps: [{ do: "update", percent: 100 }, { do: "analysis", template: "quality", deadline: "10m" }] },
    { name: "everywhere", steps: [{ do: "approval", name: "before all" }, { do: "update", percent: 100 }] },
  ],
  maxUnavailable: 2,
};
const template = { metrics: [{ name: "accuracy", metric: "accuracy", min: 0.92, minSample: 50 }], window: "1h" };
const units = [
  { unit: "digits-0", site: "cloud-fra" },
  { unit: "digits-1", site: "edge-kiel" },
  { unit: "digits-2", site: "edge-lyon" },
  { unit: "digits-3", site: "cloud-ams" },
];

let world: World;
const deps = () => ({ store: db.store, clock: { nowMs: () => Date.now() }, log: silentLogger, silentAfterMs: 45_000 });
const feature = () => createRollouts(deps());
const look = async (): Promise<void> => void (await createRolloutReconciler(deps()).reconcile(await rolloutId()));
const rolloutId = async (): Promise<string> => (await db.asOwner<{ id: string }>("select id from rollouts order by number desc limit 1"))[0]?.id ?? "";
const detail = async () => feature().queries.get(project, { number: (await db.asOwner<{ n: number }>("select max(number) as n from rollouts"))[0]?.n ?? 0 }, grace);
const start = () => feature().commands.create(ada, project, { workload: "digits", generation: 2, strategy: "canary", reason: "better model" });
const pending = async () => {
  const a = (await feature().queries.approvals(project, { limit: 10, state: "pending" }, grace)).items[0];
  if (!a) throw new Error("no approval is pending");
  return a;
};
const refusal = async (p: Promise<unknown>) => p.then(() => { throw new Error("it was not refused"); }, (e: { holdfastRefusal?: { code: string; message: string } }) => e.holdfastRefusal);

/** Brings a rollout to its gate with good evidence. */
async function toGate(): Promise<void> {
  await start();
  await look();
  await world.obey();
  await look();
  await world.predict("n-digits-0", 2, 300, 297);
  await look();
}

beforeEach(async () => {
  await db.asOwner("truncate approvals, rollout_events, rollouts, observations, assignments, predictions, nodes, sites, object_revisions, objects, audit_entries, history cascade");
  world = await seedWorld(db, { units, strategy, template });
});

describe("a rollout on the store", () => {
  // Guarantee: no node is asked for more than it has, by a rollout neither; a unit waits until there is room, and the rollout says for what.
  it("moves a unit to a larger revision only where its node has room for it", async () => {
    await db.asOwner("update nodes set cpu_millis = 1000, memory_bytes = 1000, disk_bytes = 1000");
    await db.asOwner("update object_revisions set cpu_millis = 100 * generation * generation, memory_bytes = 1, disk_bytes = 1");
    await db.asOwner("insert into objects (id, project_id, kind, name, generation, digest, spec) values ('other', $1, 'Workload', 'other', 1, 'sha256:o', '{}')", [project.id]);
    await db.asOwner("insert into object_revisions (object_id, generation, digest, manifest, author, author_id, changes, cpu_millis) values ('other', 1, 'sha256:o', '{}', 'ada', 'ada', '[]', 700)");
    await db.asOwner("insert into assignments (id, project_id, workload_id, unit, ordinal, node_id, generation, digest, desired, cause) values ('as-other', $1, 'other', 'other-1', 1, 'node-digits-0', 1, 'sha256:o', 'run', 'place')", [project.id]);
    await start();
    await look();
    expect(await world.generations()).toMatchObject({ "digits-0": 1, "digits-1": 2, "digits-2": 1, "digits-3": 1 });
    await world.obey();
    await look();
    expect((await detail()).reason).toContain("n-digits-0 has less room than r2 asks for (1 unit waits).");
    await db.asOwner("update assignments set ended_at = now() where id = 'as-other'");
    await look();
    expect(await world.generations()).toMatchObject({ "digits-0": 2, "digits-1": 2, "digits-2": 1, "digits-3": 1 });
  });
  it("moves units of one node to a larger revision as long as there is room for the next", async () => {
    await db.asOwner("update nodes set cpu_millis = 1000, memory_bytes = 1000, disk_bytes = 1000");
    await db.asOwner("update object_revisions set cpu_millis = 400 * generation, memory_bytes = 1, disk_bytes = 1");
    await db.asOwner("update assignments set node_id = 'node-digits-0' where id = 'as-digits-1'");
    await start();
    await look();
    expect(Object.values(await world.generations()).filter((g) => g === 2)).toHaveLength(0);
    await db.asOwner("update nodes set cpu_millis = 1300");
    await look();
    expect(await world.generations()).toEqual({ "digits-0": 2, "digits-1": 1, "digits-2": 1, "digits-3": 1 });
  });

  it("goes wave by wave: canary over cloud and edge, evidence, approval by another person, everywhere", async () => {
    await start();
    await look();
    expect(await world.generations()).toEqual({ "digits-0": 2, "digits-1": 2, "digits-2": 1, "digits-3": 1 });
    await world.obey();
    await look();
    expect((await detail()).reason).toContain("0 of the 50 labels needed");
    expect((await detail()).verdict?.verdict).toBe("notEnoughEvidence");
    await world.predict("n-digits-0", 2, 150, 148);
    await world.predict("n-digits-1", 2, 150, 148);
    await look();
    expect((await detail()).phase).toBe("awaitingApproval");

    const asked = await pending();
    expect(asked).toMatchObject({ gate: "everywhere: before all", blastRadius: { units: 4, sites: ["cloud-ams", "cloud-fra", "edge-kiel", "edge-lyon"] } });
    // Guarantee: the approver is never the author.
    const ownRollout = await feature().queries.approval(project, { id: asked.id }, person("ada", "approver"));
    expect(ownRollout.commands[0]?.disabledBecause).toMatch(/another person/);
    expect(await refusal(feature().commands.decide(person("ada", "approver"), project, { id: asked.id, planDigest: asked.planDigest, decision: "approve", remark: "fine by me" }))).toMatchObject({ code: "author_may_not_approve" });
    await feature().commands.decide(grace, project, { id: asked.id, planDigest: asked.planDigest, decision: "approve", remark: "evidence is good" });
    await look();
    expect(await world.generations()).toEqual({ "digits-0": 2, "digits-1": 2, "digits-2": 2, "digits-3": 2 });
    await world.obey();
    await look();
    expect(await detail()).toMatchObject({ phase: "succeeded", reason: "All 4 units run r2 and are healthy.", final: true });
    const actions = await db.asOwner<{ actor: string; action: string; outcome: string }>("select actor, action, outcome from audit_entries order by seq");
    expect(actions).toEqual(expect.arrayContaining([{ actor: "ada", action: "rollout.create", outcome: "done" }, { actor: "ada", action: "rollout.approve", outcome: "refused" }, { actor: "grace", action: "rollout.approve", outcome: "done" }]));
  });

  // Guarantee: a worse revision is caught on its first wave by what was measured and every unit returns; the revision is held.
  it("rolls back with the sentence that names metric, value, limit, wave and sites, and holds the revision", async () => {
    await start();
    await look();
    await world.obey();
    await look();
    await world.predict("n-digits-0", 2, 300, 250);
    await world.predict("n-digits-1", 2, 300, 260);
    await look();
    expect(await world.generations()).toEqual({ "digits-0": 1, "digits-1": 1, "digits-2": 1, "digits-3": 1 });
    expect((await detail()).reason).toContain("Accuracy of r2 was 0.850 (600 labels) at cloud-fra and edge-kiel in wave canary, below the limit 0.920.");
    await world.obey();
    await look();
    expect(await detail()).toMatchObject({ phase: "rolledBack", reason: expect.stringContaining("below the limit 0.920. All 4 units run r1 again.") });
    expect(await refusal(start())).toMatchObject({ code: "held" });
  });

  // Guarantee: an approval holds for the digest of the plan that was shown; a change of a leaf makes it void and names the leaf.
  it("voids the approval when the targets change, and asks again", async () => {
    await toGate();
    const asked = await pending();
    await db.asOwner("insert into nodes (id, project_id, site_id, name, connected, last_seen_at, observed_facts) select 'node-new', project_id, site_id, 'n-new', true, now() + interval '1 day', '{}' from nodes where name = 'n-digits-2'");
    await db.asOwner("update assignments set node_id = 'node-new' where unit = 'digits-2'");
    await look();
    const after = await feature().queries.approval(project, { id: asked.id }, grace);
    expect(after).toMatchObject({ state: "void", voidReason: "The plan changed: targets of wave everywhere. Consent was for the plan as it was shown." });
    expect(await refusal(feature().commands.decide(grace, project, { id: asked.id, planDigest: asked.planDigest, decision: "approve", remark: "late click" }))).toMatchObject({ code: "plan_changed" });
    const again = await pending();
    expect(again.planDigest).not.toBe(asked.planDigest);
  });
  it("refuses an approval that names another plan", async () => {
    await toGate();
    const asked = await pending();
    expect(await refusal(feature().commands.decide(grace, project, { id: asked.id, planDigest: "sha256:other", decision: "approve", remark: "which one" }))).toMatchObject({ code: "plan_changed" });
  });

  // Guarantee: commands are idempotent on retry, and an old picture is refused.
  it("takes the same decision twice as one, and refuses a stale version", async () => {
    await toGate();
    const asked = await pending();
    const yes = { id: asked.id, planDigest: asked.planDigest, decision: "approve", remark: "good" } as const;
    await feature().commands.decide(grace, project, yes);
    await expect(feature().commands.decide(grace, project, yes)).resolves.toMatchObject({ message: expect.stringContaining("already") });
    expect(await refusal(feature().commands.decide(person("linus", "approver"), project, yes))).toMatchObject({ code: "already_used" });
    const d = await detail();
    expect(await refusal(feature().commands.pause(ada, project, { number: d.number, version: d.version - 1, reason: "wait" }))).toMatchObject({ code: "stale_version" });
  });

  it("pauses, resumes and aborts, each with its reason on the record", async () => {
    await start();
    let d = await detail();
    await feature().commands.pause(ada, project, { number: d.number, version: d.version, reason: "lunch" });
    await look();
    expect(await world.generations()).toMatchObject({ "digits-0": 1 });
    d = await detail();
    await feature().commands.resume(ada, project, { number: d.number, version: d.version, reason: "back" });
    await look();
    expect(await world.generations()).toMatchObject({ "digits-0": 2 });
    d = await detail();
    await feature().commands.abort(ada, project, { number: d.number, version: d.version, reason: "wrong file" });
    await look();
    await world.obey();
    await look();
    expect(await detail()).toMatchObject({ phase: "rolledBack", reason: expect.stringContaining("aborted by ada: wrong file") });
    expect((await detail()).commands.every((c) => c.disabledBecause !== null)).toBe(true);
  });

  it("lets an auditor read and not act", async () => {
    await start();
    const d = await feature().queries.get(project, { number: 1 }, auditor);
    expect(d.commands.every((c) => c.disabledBecause !== null)).toBe(true);
  });

  // Guarantee: two schedulers that look at one rollout at the same moment never exceed the limit nor act twice.
  it("is safe under two reconcilers at once", async () => {
    await start();
    const other = createRolloutReconciler({ ...deps(), store: db.openAnother() });
    const id = await rolloutId();
    for (let i = 0; i < 5; i++) {
      await Promise.all([createRolloutReconciler(deps()).reconcile(id), other.reconcile(id)]);
      const moved = Object.values(await world.generations()).filter((g) => g === 2).length;
      expect(moved).toBeLessThanOrEqual(2);
    }
    const asks = await db.asOwner<{ text: string }>("select text from rollout_events where kind = 'asked'");
    expect(asks).toHaveLength(1);
  });

  // Guarantee: a silent target holds a waiting wave up and is never counted as updated.
  it("waits for a silent canary, and finishes when it is back", async () => {
    await world.silence("n-digits-1");
    await start();
    await look();
    await world.obey();
    await look();
    expect(await detail()).toMatchObject({ phase: "running", targets: { silent: 1, updated: 1 } });
    expect((await detail()).reason).toContain("1 silent: digits-1 on n-digits-1");
    await world.wake("n-digits-1");
    await world.obey();
    await look();
    expect((await detail()).reason).not.toContain("silent");
  });
});
