import { beforeEach, describe, expect, it } from "vitest";
import { sealerFrom } from "../../platform";
import { rollouts } from "../../store";
import { testClock } from "../../testing/clock";
import { testDatabase } from "../../testing/database";
import { fleetOf, person, project, site, workload } from "../../scheduler/tests/fleet";
import { createEnvironmentOpener } from "../index";

const db = testDatabase();
const clock = testClock();
let f: ReturnType<typeof fleetOf>;

beforeEach(async () => {
  await db.asOwner("truncate assignments, observations, decisions, reconcile_keys, nodes, sites, links, object_revisions, objects, rollouts, secrets, artifacts, history cascade");
  f = fleetOf(db, clock);
});

const refused = (code: string, more: object = {}) => ({ holdfastRefusal: expect.objectContaining({ code, ...more }) as object });
const versionOf = async (name: string) => (await db.asOwner<{ version: number }>("select version from objects where name = $1 and deleted_at is null", [name]))[0]?.version ?? 0;
const policy = (name = "p") => `apiVersion: holdfast.dev/v1\nkind: PlacementPolicy\nmetadata: {name: ${name}}\nspec: {residency: [DE]}\n`;
const strategy = "apiVersion: holdfast.dev/v1\nkind: RolloutStrategy\nmetadata: {name: canary}\nspec: {waves: [{name: all, steps: [{do: update, percent: 100}]}]}\n";
const template = "apiVersion: holdfast.dev/v1\nkind: AnalysisTemplate\nmetadata: {name: quality}\nspec: {metrics: [{name: acc, metric: accuracy, min: 0.9}]}\n";

/** A workload that runs on two nodes, with a strategy. */
async function running(extra = "rollout: canary") {
  await f.apply(`${site("kiel")}---\n${strategy}`);
  await f.node("kiel-1", "kiel");
  await f.node("kiel-2", "kiel");
  await f.apply(workload("web", { replicas: 2, extra }));
  const s = f.scheduler();
  for (let i = 0; i < 3; i++) {
    await s.loop.resync();
    await s.loop.drain();
    await f.obey();
  }
  return s;
}
const endRollout = (number: number, phase: "succeeded" | "rolledBack") => db.asOwner("update rollouts set phase = $2, ended_at = $3 where number = $1", [number, phase, new Date(clock.nowMs())]);
const hold = (generation: number, reason: string) => db.asOwner("update object_revisions set held_reason = $2 where generation = $1 and object_id = (select id from objects where name = 'web')", [generation, reason]);

describe("apply", () => {
  // Guarantee: a dry run answers with the difference, the consequence and warnings, and writes nothing at all.
  it("says in a dry run what it would do", async () => {
    await f.apply(site("kiel"));
    await f.node("kiel-1", "kiel");
    const before = await db.asOwner("select (select count(*) from objects) o, (select count(*) from audit_entries) a, (select count(*) from changes) c");
    const r = await f.apply(workload("web", { replicas: 2, extra: 'selector: site.name == "nowhere"' }), { dryRun: true });
    expect(r.objects[0]).toMatchObject({ kind: "Workload", action: "create", generation: null, consequence: expect.stringMatching(/places 2 units; 0 nodes can take them now/) as string, warnings: [expect.stringMatching(/No node matches: 1 don't match the workload's selector/)] });
    expect(await db.asOwner("select (select count(*) from objects) o, (select count(*) from audit_entries) a, (select count(*) from changes) c")).toEqual(before);
  });

  // Guarantee: the same text again is unchanged: no revision, no audit entry, no version.
  it("is idempotent", async () => {
    await f.apply(policy());
    const entries = await db.asOwner("select count(*) from audit_entries");
    const again = await f.apply(`# a comment\n${policy()}`);
    expect(again.objects[0]).toMatchObject({ action: "unchanged", generation: 1, changes: [] });
    expect(await db.asOwner("select count(*) from audit_entries")).toEqual(entries);
    expect(await versionOf("p")).toBe(1);
  });

  // Guarantee: state, revision, audit entry, change pointer and nudge come in one transaction, or none of them.
  it("writes everything or nothing", async () => {
    await f.apply(`${site("kiel")}---\n${policy()}---\n${workload("web", { extra: "policy: p" })}`, { reason: "first version" });
    expect(await db.asOwner("select kind, name from objects order by kind")).toEqual([{ kind: "PlacementPolicy", name: "p" }, { kind: "Site", name: "kiel" }, { kind: "Workload", name: "web" }]);
    const entries = await db.asOwner<{ object_kind: string; object: string; reason: string }>("select object_kind, object, reason from audit_entries where action = 'manifest.apply' and outcome = 'done' order by seq desc limit 3");
    expect(entries.reverse()).toEqual([{ object_kind: "site", object: "kiel", reason: "first version" }, { object_kind: "policy", object: "p", reason: "first version" }, { object_kind: "workload", object: "web", reason: "first version" }]);
    expect(await db.asOwner("select 1 from reconcile_keys where kind = 'workload'")).toHaveLength(1);
    // The second object is refused when it is written: the first goes with it.
    await f.apply(strategy);
    await db.asOwner("create function refuse() returns trigger language plpgsql as $$ begin if new.name = 'bad' then raise exception 'disk full'; end if; return new; end $$");
    await db.asOwner("create trigger refuse before insert on objects for each row execute function refuse()");
    await expect(f.apply(`${policy("good")}---\n${workload("bad")}`)).rejects.toThrow("disk full");
    await db.asOwner("drop trigger refuse on objects");
    expect(await versionOf("good")).toBe(0);
  });

  // Guarantee: whoever applies on an old picture is refused; of two at once one wins.
  it("compares and sets", async () => {
    await f.apply(workload("web"));
    await expect(f.apply(workload("web", { replicas: 2 }), { expectVersion: 7 })).rejects.toMatchObject(refused("stale_version"));
    await expect(f.apply(workload("new"), { expectVersion: 1 })).rejects.toMatchObject(refused("stale_version"));
    await f.apply(workload("new"), { expectVersion: 0 });
    const both = await Promise.allSettled([f.apply(workload("web", { replicas: 2 }), { expectVersion: 1 }), f.apply(workload("web", { replicas: 3 }), { expectVersion: 1 })]);
    expect(both.map((r) => r.status).sort()).toEqual(["fulfilled", "rejected"]);
    const created = await Promise.allSettled([f.apply(workload("race")), f.apply(workload("race", { replicas: 5 }))]);
    expect(created.some((r) => r.status === "fulfilled")).toBe(true);
    expect(await db.asOwner("select 1 from objects where name = 'race' and deleted_at is null")).toHaveLength(1);
  });

  // Guarantee: a reference to what is not there is refused at its place in the text; what the same text brings is there.
  it.each([
    ["a policy", workload("web", { extra: "policy: pp" }), "spec.policy", /no placement policy "pp"/, /mean p\?/],
    ["a strategy", workload("web", { extra: "rollout: canari" }), "spec.rollout", /no rollout strategy/, /Apply a RolloutStrategy/],
    ["an artifact", workload("web", { template: `artifacts: [{name: m, digest: "sha256:${"a".repeat(64)}"}]` }), "spec.template.artifacts[0].digest", /no artifact sha256:aaaaaaaaaaaa/, /artifact push/],
    ["a secret", workload("web", { template: "env: {KEY: {secret: api}}" }), "spec.template.env.KEY.secret", /no secret "api"/, /secret set api/],
    ["a template", strategy.replace("{do: update, percent: 100}", "{do: update, percent: 100}, {do: analysis, template: quality}"), "spec.waves[0].steps[1].template", /no analysis template/, /same text/],
  ])("refuses a reference to %s that is not there", async (_what, text, path, message, remedy) => {
    await f.apply(policy());
    const error = await f.apply(text).then(() => null, (e: { holdfastRefusal: { code: string; fields: { path: string; message: string; remedy: string; line: number }[] } }) => e.holdfastRefusal);
    expect(error?.code).toBe("invalid_input");
    expect(error?.fields[0]).toMatchObject({ path, message: expect.stringMatching(message) as string, remedy: expect.stringMatching(remedy) as string, line: expect.any(Number) as number });
    const entry = (await db.asOwner<{ outcome: string }>("select outcome from audit_entries order by seq desc limit 1"))[0];
    expect(entry?.outcome).toBe("refused");
  });
  it("takes references within one text in any order", async () => {
    const r = await f.apply(`${workload("web", { extra: "policy: p\nrollout: canary" })}---\n${strategy.replace("percent: 100}]", "percent: 100}, {do: analysis, template: quality}]")}---\n${policy()}---\n${template}`);
    expect(r.objects.map((o) => o.kind)).toEqual(["AnalysisTemplate", "PlacementPolicy", "RolloutStrategy", "Workload"]);
  });

  it("keeps a workload's kind", async () => {
    await f.apply(workload("web"));
    await expect(f.apply(workload("web", { kind: "batch" }))).rejects.toMatchObject(refused("invalid_input"));
  });
});

describe("environment values", () => {
  const text = (mode: string) => workload("web", { template: `env: {MODE: "${mode}", KEY: {secret: api}}` });
  // Guarantee: values of environment variables and secrets are sealed at rest and shown nowhere; the unit gets them whole.
  it("are sealed, hidden, and opened for the unit alone", async () => {
    await f.workloads.commands.setSecret(f.ada, project, { name: "api", value: "open-sesame" });
    await f.apply(text("very-fast-mode"));
    const everything = JSON.stringify(await db.asOwner("select (select json_agg(o) from objects o) o, (select json_agg(r) from object_revisions r) r, (select json_agg(s) from secrets s) s, (select json_agg(h) from history h) h, (select json_agg(a) from audit_entries a) a"));
    expect(everything).not.toContain("very-fast-mode");
    expect(everything).not.toContain("open-sesame");
    const shown = JSON.stringify([await f.workloads.queries.get(project, { name: "web" }, f.ada), await f.workloads.queries.revision(project, { name: "web", generation: 1 }), await f.apply(text("other"), { dryRun: true })]);
    expect(shown).not.toContain("very-fast-mode");
    const row = (await db.asOwner<{ manifest: { spec: { template: { env: Record<string, string | { secret: string }> } } } }>("select manifest from object_revisions"))[0];
    const sealed = (await db.asOwner<{ sealed: string }>("select sealed from secrets"))[0]?.sealed ?? "";
    const open = createEnvironmentOpener(f.seal);
    const env = row?.manifest.spec.template.env ?? {};
    expect(open({ projectId: project.id, workload: "web", env, sealedSecrets: new Map([["api", sealed]]) })).toEqual({ MODE: "very-fast-mode", KEY: "open-sesame" });
    expect(() => open({ projectId: project.id, workload: "web", env, sealedSecrets: new Map() })).toThrow("secret api");
    // A sealed value is worth nothing as another variable, elsewhere, or with another key.
    expect(() => open({ projectId: project.id, workload: "other", env, sealedSecrets: new Map([["api", sealed]]) })).toThrow();
    expect(() => createEnvironmentOpener(sealerFrom({ HOLDFAST_MASTER_KEY: Buffer.alloc(32, 1).toString("base64") }))({ projectId: project.id, workload: "web", env, sealedSecrets: new Map([["api", sealed]]) })).toThrow();
  });

  // Guarantee: what is shown can be edited and applied again without losing the values that are hidden in it.
  it("are kept when the hidden manifest is applied again", async () => {
    await f.workloads.commands.setSecret(f.ada, project, { name: "api", value: "x" });
    await f.apply(text("fast"));
    const shown = (await f.workloads.queries.get(project, { name: "web" }, f.ada)).manifestYaml;
    expect((await f.apply(shown)).objects[0]?.action).toBe("unchanged");
    const edited = await f.apply(shown.replace("replicas: 1", "replicas: 2"));
    expect(edited.objects[0]?.changes).toEqual([{ path: "spec.replicas", before: "1", after: "2" }]);
    await expect(f.apply(shown.replace("MODE:", "NEW:"))).rejects.toMatchObject(refused("invalid_input"));
  });

  it("of secrets can't be taken away while somebody uses them", async () => {
    await f.workloads.commands.setSecret(f.ada, project, { name: "api", value: "x" });
    await f.apply(text("fast"));
    expect((await f.workloads.queries.secrets(project))[0]).toMatchObject({ name: "api", version: 1, usedBy: ["web"] });
    await expect(f.workloads.commands.removeSecret(f.ada, project, { name: "api" })).rejects.toMatchObject(refused("in_use"));
    await f.apply(workload("web"));
    await f.workloads.commands.removeSecret(f.ada, project, { name: "api" });
    await expect(f.workloads.commands.removeSecret(f.ada, project, { name: "api" })).rejects.toMatchObject(refused("not_found"));
  });
});

describe("sites", () => {
  it("keep their rows and links, from whichever end they are declared", async () => {
    await f.apply(`${site("a", { links: "{to: b, latencyMs: 1, bandwidthMbps: 10}, {to: c, latencyMs: 2, bandwidthMbps: 10}" })}---\n${site("b", { links: "{to: a, latencyMs: 5, bandwidthMbps: 10}" })}---\n${site("c")}`);
    const links = () => db.asOwner("select site_a, site_b, latency_ms from links order by site_a, site_b");
    expect(await links()).toEqual([{ site_a: "a", site_b: "b", latency_ms: 5 }, { site_a: "a", site_b: "c", latency_ms: 2 }]);
    await f.apply(site("a"));
    expect(await links()).toEqual([{ site_a: "a", site_b: "b", latency_ms: 5 }]);
    await f.workloads.commands.remove(f.ada, project, { kind: "Site", name: "b", dryRun: false });
    expect(await links()).toEqual([]);
    await f.node("a-1", "a");
    await expect(f.workloads.commands.remove(f.ada, project, { kind: "Site", name: "a", dryRun: true })).rejects.toMatchObject(refused("in_use"));
  });
});

describe("removal", () => {
  // Guarantee: nothing is removed while something uses it, and a dry run says so beforehand.
  it("is refused while in use", async () => {
    await f.apply(`${policy()}---\n${strategy}---\n${workload("web", { extra: "policy: p\nrollout: canary" })}`);
    for (const [kind, name] of [["PlacementPolicy", "p"], ["RolloutStrategy", "canary"]] as const) await expect(f.workloads.commands.remove(f.ada, project, { kind, name, dryRun: true })).rejects.toMatchObject(refused("in_use", { message: expect.stringMatching(/used by workload web/) as string }));
    await f.workloads.commands.remove(f.ada, project, { kind: "Workload", name: "web", dryRun: false, reason: "gone" });
    await f.workloads.commands.remove(f.ada, project, { kind: "PlacementPolicy", name: "p", dryRun: false });
    await expect(f.workloads.commands.remove(f.ada, project, { kind: "PlacementPolicy", name: "p", dryRun: false })).rejects.toMatchObject(refused("not_found"));
    // Its name is free again.
    expect((await f.apply(policy())).objects[0]).toMatchObject({ action: "create", generation: 1 });
  });
});

describe("revisions and rollouts", () => {
  // Guarantee: a new revision of a running workload with a strategy comes with its rollout, in the same transaction.
  it("starts a rollout, and moves nothing by itself", async () => {
    const s = await running();
    const dry = await f.apply(workload("web", { replicas: 2, extra: "rollout: canary", command: "v2" }), { dryRun: true });
    expect(dry.objects[0]?.consequence).toMatch(/A rollout by strategy canary brings r2/);
    const r = await f.apply(workload("web", { replicas: 2, extra: "rollout: canary", command: "v2" }));
    expect(r.objects[0]).toMatchObject({ generation: 2, rolloutNumber: 1 });
    await s.loop.resync();
    await s.loop.drain();
    expect((await f.units("web")).map((u) => u.generation)).toEqual([1, 1]);
    // While it is open: another template is refused, replicas take effect at once and run the old template.
    await expect(f.apply(workload("web", { replicas: 2, extra: "rollout: canary", command: "v3" }))).rejects.toMatchObject(refused("in_use"));
    await f.workloads.commands.scale(f.ada, project, { name: "web", replicas: 3, version: await versionOf("web") });
    await s.loop.resync();
    await s.loop.drain();
    expect((await f.units("web")).map((u) => u.generation)).toEqual([1, 1, 1]);
    await endRollout(1, "succeeded");
    for (let i = 0; i < 4; i++) {
      await f.obey();
      await s.loop.resync();
      await s.loop.drain();
    }
    expect((await f.units("web")).map((u) => u.generation)).toEqual([2, 2, 2]);
  });

  // Guarantee: what was rolled back stays away, under any number of replicas, until somebody lifts the hold with a reason.
  it("refuses a revision that is held", async () => {
    const s = await running();
    const bad = (replicas = 2) => workload("web", { replicas, extra: "rollout: canary", command: "worse" });
    await f.apply(bad());
    await hold(2, "rolled back by rollout 1: accuracy was 0.87");
    await endRollout(1, "rolledBack");
    await s.loop.resync();
    await s.loop.drain();
    expect((await f.units("web")).map((u) => u.generation)).toEqual([1, 1]);
    await expect(f.apply(bad())).rejects.toMatchObject(refused("held", { message: expect.stringMatching(/accuracy was 0.87/) as string }));
    await expect(f.apply(bad(5))).rejects.toMatchObject(refused("held"));
    // Scaling goes on from what runs, and does not bring the bad one back.
    await f.workloads.commands.scale(f.ada, project, { name: "web", replicas: 3, version: await versionOf("web") });
    await s.loop.resync();
    await s.loop.drain();
    expect((await f.units("web")).map((u) => u.generation)).toEqual([1, 1, 1]);
    await f.workloads.commands.liftHold(f.ada, project, { name: "web", generation: 2, reason: "the labels were wrong" });
    expect((await f.apply(bad(3))).objects[0]).toMatchObject({ action: "update", rolloutNumber: 2 });
  });

  it("brings an earlier revision back at once when it ran everywhere before", async () => {
    const s = await running("");
    await f.apply(workload("web", { replicas: 2, command: "v2" }));
    for (let i = 0; i < 4; i++) {
      await s.loop.resync();
      await s.loop.drain();
      await f.obey();
    }
    expect((await f.units("web")).map((u) => u.generation)).toEqual([2, 2]);
    await expect(f.workloads.commands.rollBackTo(f.ada, project, { name: "web", generation: 2, reason: "same" })).rejects.toMatchObject(refused("invalid_input"));
    await f.apply(strategy);
    await f.apply(workload("web", { replicas: 2, command: "v2", extra: "rollout: canary" }));
    const done = await f.workloads.commands.rollBackTo(f.ada, project, { name: "web", generation: 1, reason: "v2 leaks" });
    expect(done.message).toMatch(/r4 says what r1 said; units follow one at a time/);
    expect(await rollouts.openOfWorkload(db.store.read.client, (await db.asOwner<{ id: string }>("select id from objects where name = 'web'"))[0]?.id ?? "")).toBeNull();
    for (let i = 0; i < 4; i++) {
      await s.loop.resync();
      await s.loop.drain();
      await f.obey();
    }
    expect((await f.units("web")).map((u) => u.generation)).toEqual([4, 4]);
    const revisions = await f.workloads.queries.revisions(project, { name: "web" });
    expect(revisions.map((r) => [r.generation, r.current, r.unitsDesired])).toEqual([[4, true, 2], [3, false, 0], [2, false, 0], [1, false, 0]]);
  });

  it("refuses to scale on an old picture, and to scale a daemon", async () => {
    await f.apply(workload("web"));
    await f.apply(workload("probe", { kind: "daemon" }));
    await expect(f.workloads.commands.scale(f.ada, project, { name: "web", replicas: 2, version: 9 })).rejects.toMatchObject(refused("stale_version"));
    await expect(f.workloads.commands.scale(f.ada, project, { name: "probe", replicas: 2, version: 1 })).rejects.toMatchObject(refused("invalid_input"));
  });
});

describe("questions", () => {
  it("list objects by page with what uses them", async () => {
    await f.apply(`${site("kiel")}---\n${policy()}---\n${strategy}---\n${workload("web", { extra: "policy: p\nrollout: canary" })}`);
    const first = await f.workloads.queries.objects(project, { limit: 3 });
    const rest = await f.workloads.queries.objects(project, { limit: 3, cursor: first.nextCursor });
    expect([...first.items, ...rest.items].map((o) => `${o.kind} ${o.name}`)).toEqual(["PlacementPolicy p", "RolloutStrategy canary", "Site kiel", "Workload web"]);
    expect(first.items[0]).toMatchObject({ usedBy: ["workload web"], summary: "residency DE" });
    const detail = await f.workloads.queries.object(project, { kind: "PlacementPolicy", name: "p" }, person("eve", "viewer"));
    expect(detail.commands.every((c) => c.disabledBecause !== null)).toBe(true);
    expect(await f.workloads.queries.validate(project, { text: workload("web", { extra: "policy: q" }) })).toMatchObject({ ok: false, errors: [{ path: "spec.policy" }] });
    expect(await f.workloads.queries.validate(project, { text: workload("web", { extra: "policy: p" }) })).toEqual({ ok: true, errors: [] });
  });
});
