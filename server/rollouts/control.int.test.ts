import { beforeEach, describe, expect, it } from "vitest";
import { gunzipSync } from "node:zlib";
import { judgeTemplate, type TemplateEvidence } from "../core/analysis";
import type { AnalysisTemplateSpec } from "../core/manifest/analysis";
import { createRolloutReconciler, createRollouts } from "./index";
import { silentLogger } from "../platform";
import { testDatabase } from "../testing/database";
import { person, project, seedWorld, type World } from "../testing/rollout-world";
import { sha256 } from "./build-plan";

const db = testDatabase();
const ada = person("ada", "operator");
const grace = person("grace", "approver");
const linus = person("linus", "approver");
const root = person("root", "administrator");
const MINUTE = 60_000;
let skewMs = 0;
const deps = () => ({ store: db.store, clock: { nowMs: () => Date.now() + skewMs }, log: silentLogger, silentAfterMs: 45_000 });
const feature = () => createRollouts(deps());
const rolloutId = async (): Promise<string> => (await db.asOwner<{ id: string }>("select id from rollouts order by number desc limit 1"))[0]?.id ?? "";
const look = async (): Promise<void> => void (await createRolloutReconciler(deps()).reconcile(await rolloutId()));
const detail = async () => feature().queries.get(project, { number: 1 }, grace);
const start = () => feature().commands.create(ada, project, { workload: "digits", generation: 2, strategy: "canary", reason: "better model" });
const refusal = async (p: Promise<unknown>) => p.then(() => { throw new Error("it was not refused"); }, (e: { holdfastRefusal?: { code: string; message: string } }) => e.holdfastRefusal);
const update = { do: "update", percent: 100 } as const;
let world: World;
const seed = async (o: { units?: { unit: string; site: string }[]; strategy: unknown; template?: unknown }): Promise<void> => {
  world = await seedWorld(db, { units: o.units ?? ["fra", "kiel", "lyon"].map((site, i) => ({ unit: `digits-${i}`, site: i === 0 ? `cloud-${site}` : `edge-${site}` })), ...o });
};

beforeEach(async () => {
  skewMs = 0;
  await db.asOwner("truncate approvals, approval_consents, freezes, break_glass, verdict_bundles, rollout_verdicts, rollout_receipts, service_routes, rollout_events, rollouts, observations, assignments, predictions, request_minutes, silent_spells, nodes, sites, object_revisions, objects, audit_entries, history cascade");
});

describe("freezes and broken glass", () => {
  const strategy = { waves: [{ name: "all", steps: [{ do: "approval", name: "go" }, update] }], maxUnavailable: 3 };

  // Guarantee: while a project or site is frozen no unit of it is asked for a new revision; ending the freeze is on record.
  it("keep units from being asked, of one site or of all, once however often they are sent", async () => {
    await seed({ strategy: { ...strategy, waves: [{ name: "all", steps: [update] }] } });
    await start();
    await feature().commands.freeze(ada, project, { site: "edge-kiel", reason: "storm" });
    await expect(feature().commands.freeze(ada, project, { site: "edge-kiel", reason: "storm" })).resolves.toMatchObject({ message: expect.stringContaining("already") });
    await look();
    expect(await world.generations()).toEqual({ "digits-0": 2, "digits-1": 1, "digits-2": 2 });
    await world.obey();
    await look();
    const d = await detail();
    expect(d.reason).toContain("Site edge-kiel is frozen: storm (1 unit waits).");
    expect(d.freezes).toMatchObject([{ scope: "site", site: "edge-kiel", by: "ada" }]);
    const id = d.freezes?.[0]?.id ?? "";
    await feature().commands.thaw(grace, project, { id, reason: "the storm is over" });
    await look();
    expect(await world.generations()).toEqual({ "digits-0": 2, "digits-1": 2, "digits-2": 2 });
    const told = await db.asOwner<{ action: string; actor: string }>("select action, actor from audit_entries where action in ('rollout.freeze', 'rollout.thaw') order by seq");
    expect(told).toEqual([{ action: "rollout.freeze", actor: "ada" }, { action: "rollout.thaw", actor: "grace" }]);
  });

  // Guarantee: broken glass passes gates and freezes for its time only, and somebody else owes a review.
  it("pass gates and freezes with a reason, and are reviewed by another person", async () => {
    await seed({ strategy });
    await start();
    await feature().commands.freeze(ada, project, { reason: "audit week" });
    await look();
    expect((await detail()).phase).toBe("awaitingApproval");
    await feature().commands.breakGlass(ada, project, { number: 1, reason: "the model leaks names", minutes: 30 });
    await look();
    expect(Object.values(await world.generations())).toEqual([2, 2, 2]);
    const [glass] = (await feature().queries.emergency(project, {}, grace)).breakGlass;
    expect(glass).toMatchObject({ active: true, review: { state: "open" } });
    expect(await refusal(feature().commands.reviewGlass(person("ada", "approver"), project, { id: glass?.id ?? "", remark: "all fine" }))).toMatchObject({ code: "author_may_not_approve" });
    await feature().commands.reviewGlass(grace, project, { id: glass?.id ?? "", remark: "it was needed" });
    expect((await feature().queries.emergency(project, {}, grace)).breakGlass[0]).toMatchObject({ review: { state: "done", by: "grace" } });
  });

  it("abort every open rollout at once", async () => {
    await seed({ strategy: { ...strategy, waves: [{ name: "all", steps: [update] }] } });
    await start();
    await look();
    await feature().commands.abortAll(ada, project, { reason: "something is very wrong" });
    await look();
    expect(Object.values(await world.generations())).toEqual([1, 1, 1]);
    expect((await feature().queries.holds(project, {}, grace))[0]).toMatchObject({ workload: "digits", generation: 2, reason: expect.stringContaining("something is very wrong") });
  });
});

describe("a gate for groups of people", () => {
  const groups = [{ name: "site owners", people: ["grace"], count: 1 }, { name: "safety", roles: ["approver"], count: 1 }];
  // Guarantee: every group has to agree, one person stands for one group only, and each consent stays on record.
  it("opens when each group agreed, and says who is still needed", async () => {
    await seed({ strategy: { waves: [{ name: "all", steps: [{ do: "approval", name: "go", groups }, update] }], maxUnavailable: 3 } });
    await start();
    await look();
    const pending = async () => {
      const a = (await feature().queries.approvals(project, { limit: 5, state: "pending" }, grace)).items[0];
      if (!a) throw new Error("nobody is asked");
      return a;
    };
    const asked = await pending();
    const yes = { id: asked.id, planDigest: asked.planDigest, decision: "approve", remark: "looks right" } as const;
    expect(asked.stillNeeded).toBe("1 of site owners (grace) and 1 of safety (anyone with the role approver)");
    expect(await refusal(feature().commands.decide(root, project, yes))).toMatchObject({ code: "forbidden" });
    await feature().commands.decide(grace, project, yes);
    await look();
    expect((await detail()).phase).toBe("awaitingApproval");
    await expect(feature().commands.decide(grace, project, yes)).resolves.toMatchObject({ message: expect.stringContaining("already") });
    expect((await pending()).groups).toMatchObject([{ name: "site owners", given: [{ by: "grace" }] }, { name: "safety", given: [] }]);
    expect((await feature().queries.approval(project, { id: asked.id }, grace)).leaves?.map((l) => l.name)).toContain("targets of wave all");
    await feature().commands.decide(linus, project, yes);
    await look();
    expect(Object.values(await world.generations())).toEqual([2, 2, 2]);
  });
});

describe("traffic", () => {
  const weights = async () => Object.fromEntries((await db.asOwner<{ site: string; spec: { weights: { generation: number; weight: number }[] } }>("select s.name as site, r.spec from service_routes r join sites s on s.id = r.site_id")).map((x) => [x.site, x.spec.weights.map((w) => w.weight)]));
  // Guarantee: requests are divided at the sites of the wave only, and none goes to the new revision on the way back.
  it("is divided by the wave's step, taken back with a rollback, and alike again in the end", async () => {
    await seed({ strategy: { waves: [{ name: "edge", selector: 'site.name.startsWith("edge")', steps: [update, { do: "traffic", weight: 20 }, { do: "approval", name: "go" }] }, { name: "rest", steps: [update] }], maxUnavailable: 3 } });
    await start();
    await look();
    await world.obey();
    await look();
    expect(await weights()).toEqual({ "edge-kiel": [80, 20], "edge-lyon": [80, 20] });
    const a = (await feature().queries.approvals(project, { limit: 5, state: "pending" }, grace)).items[0];
    await feature().commands.decide(grace, project, { id: a?.id ?? "", planDigest: a?.planDigest ?? "", decision: "reject", remark: "not yet" });
    await createRolloutReconciler(deps()).reconcile(await rolloutId());
    expect((await detail()).phase).toBe("rollingBack");
    expect(await weights()).toEqual({ "edge-kiel": [100, 0], "edge-lyon": [100, 0] });
    await world.obey();
    await look();
    expect((await detail()).phase).toBe("rolledBack");
    expect(await weights()).toEqual({ "edge-kiel": [], "edge-lyon": [] });
  });
  it("is withdrawn at once when a person aborts", async () => {
    await seed({ strategy: { waves: [{ name: "all", steps: [update, { do: "traffic", weight: 50 }, { do: "pause", for: "1h" }] }], maxUnavailable: 3 } });
    await start();
    await look();
    await world.obey();
    await look();
    const d = await detail();
    await feature().commands.abort(ada, project, { number: 1, version: d.version, reason: "wrong model" });
    expect(new Set(Object.values(await weights()).map(String))).toEqual(new Set(["100,0"]));
  });
});

describe("dead-man switches", () => {
  const trials = () => db.asOwner<{ unit: string; trial: { returnAtMs: number; previousGeneration: number } | null }>("select unit, trial from assignments order by unit");
  // Guarantee: every unit is asked on trial; the deadline moves on while its wave has no verdict and is taken away when it has.
  it("are set with the switch, extended while people think, and taken away when the wave is done", async () => {
    await seed({ strategy: { waves: [{ name: "all", steps: [update, { do: "approval", name: "keep" }] }], maxUnavailable: 3, deadMan: { deadline: "10m" } } });
    await start();
    await look();
    const first = await trials();
    expect(first.every((t) => t.trial?.previousGeneration === 1 && Math.abs(t.trial.returnAtMs - Date.now() - 10 * MINUTE) < MINUTE)).toBe(true);
    await world.obey();
    await look();
    expect((await detail()).phase).toBe("awaitingApproval");
    skewMs = 6 * MINUTE;
    await look();
    expect((await trials()).every((t, i) => (t.trial?.returnAtMs ?? 0) - (first[i]?.trial?.returnAtMs ?? 0) > 5 * MINUTE)).toBe(true);
    skewMs = 0;
    const a = (await feature().queries.approvals(project, { limit: 5, state: "pending" }, grace)).items[0];
    await feature().commands.decide(grace, project, { id: a?.id ?? "", planDigest: a?.planDigest ?? "", decision: "approve", remark: "keep it" });
    await look();
    expect((await trials()).every((t) => t.trial === null)).toBe(true);
    expect((await detail()).phase).toBe("succeeded");
  });

  // Guarantee: a unit that went back by itself failed its wave.
  it("that ran out roll the rollout back", async () => {
    await seed({ strategy: { waves: [{ name: "all", steps: [update, { do: "pause", for: "1h" }] }], maxUnavailable: 3, deadMan: { deadline: "10m" } } });
    await start();
    await look();
    await world.obey();
    await look();
    await db.asOwner(`update observations o set generation = 1, digest = 'sha256:r1', trial = jsonb_build_object('rollout', a.trial ->> 'rollout', 'state', 'returned', 'returnAtMs', (a.trial ->> 'returnAtMs')::bigint, 'atMs', 1, 'refusal', null)
      from assignments a where a.id = o.assignment_id and a.unit = 'digits-1'`);
    await look();
    const d = await detail();
    expect(d).toMatchObject({ phase: "rollingBack", reason: expect.stringContaining("1 went back by itself, having heard no verdict in time: digits-1 on n-digits-1 in edge-kiel") });
    expect(d.proof?.rows.find((x) => x.unit === "digits-1")).toMatchObject({ state: "notProven", because: "Its agent reports r1, without a signed receipt." });
  });
});

describe("the anytime-valid judge in the product", () => {
  const units = ["fra", "kiel", "lyon", "oslo"].flatMap((site, s) => [0, 1].map((i) => ({ unit: `digits-${s}${i}`, site: s === 0 ? `cloud-${site}` : `edge-${site}` })));
  const strategy = { waves: [{ name: "canary", selector: 'node.name.endsWith("0")', steps: [update, { do: "analysis", template: "quality", deadline: "6h" }] }, { name: "rest", steps: [{ do: "approval", name: "go" }, update] }], maxUnavailable: 8, scope: "site", analysis: "quality" };
  const template = { judge: "sequential", window: "1h" };

  /** A canary on one of two units at each site that has run for 40 minutes, with six hours of history. */
  async function canary(bad: (site: string) => { errors?: number; ms?: number }): Promise<void> {
    await seed({ units, strategy, template });
    const now = Date.now();
    await start();
    await look();
    await world.obey();
    const from = now - 41 * MINUTE;
    await db.asOwner("update rollouts set created_at = to_timestamp($1 / 1000.0)", [from]);
    await db.asOwner("update assignments set updated_at = to_timestamp($1 / 1000.0)", [from]);
    await db.asOwner("update observations set since_at = to_timestamp($1 / 1000.0)", [from]);
    for (const u of units) {
      await world.serve(u.unit, 1, { fromMs: from - 360 * MINUTE, minutes: 360, requests: 200, errors: 1 });
      const onCanary = u.unit.endsWith("0");
      await world.serve(u.unit, onCanary ? 2 : 1, { fromMs: from + MINUTE, minutes: 39, requests: 200, errors: 1, ...(onCanary ? bad(u.site) : {}) });
    }
    await look();
    // The step began with the look; its evidence is of the 40 minutes before.
    await db.asOwner(`update rollouts set progress = jsonb_set(progress, '{waves,0,startedAtMs}', to_jsonb($1::bigint))`, [from]);
    await look();
  }

  it("promotes a canary that is not worse, keeps its inputs, and they give the same verdict again", async () => {
    await canary(() => ({}));
    const d = await detail();
    expect(d.verdict).toMatchObject({ judge: "sequential", verdict: "promote", sequential: { decided: true } });
    expect(d.phase).toBe("awaitingApproval");
    const [kept] = await db.asOwner<{ digest: string; body: Buffer; verdict: string; sentence: string }>("select b.digest, b.body, v.verdict, v.sentence from rollout_verdicts v join verdict_bundles b on b.digest = v.bundle_digest");
    const body = gunzipSync(kept?.body ?? Buffer.alloc(0)).toString("utf8");
    expect(`sha256:${sha256(body)}`).toBe(kept?.digest);
    const { template: spec, evidence } = JSON.parse(body) as { template: AnalysisTemplateSpec; evidence: TemplateEvidence };
    expect(judgeTemplate(spec, evidence, sha256)).toMatchObject({ verdict: kept?.verdict, sentence: kept?.sentence });
    expect((await feature().queries.analysis(project, { number: 1 })).series.length).toBeGreaterThan(0);
    const asked = (await feature().queries.approvals(project, { limit: 5, state: "pending" }, grace)).items[0];
    expect(asked?.plan.evidenceDigest).toBe(kept?.digest);
  });

  // Guarantee: where the verdict names a site and the strategy says so, only its units go back, and the rest goes on.
  it("sends only the guilty site back, and goes on", async () => {
    await canary((site) => (site === "edge-kiel" ? { errors: 30 } : {}));
    const g = await world.generations();
    expect(g["digits-10"]).toBe(1);
    expect([g["digits-00"], g["digits-20"], g["digits-30"]]).toEqual([2, 2, 2]);
    const d = await detail();
    expect(d.sitesBack).toMatchObject([{ site: "edge-kiel", units: 2 }]);
    expect(["running", "awaitingApproval"]).toContain(d.phase);
    expect(d.waves.flatMap((w) => w.targets).filter((t) => t.class === "pinned").map((t) => t.unit)).toEqual(["digits-10", "digits-11"]);
  });

  it("returns everything when it is worse everywhere", async () => {
    await canary(() => ({ ms: 250 }));
    expect((await detail()).phase).toBe("rollingBack");
    expect(new Set(Object.values(await world.generations()))).toEqual(new Set([1]));
  });

  // Guarantee: canary units that vanish after the update, while their neighbours report, are found by their silence.
  it("finds canary units that vanish", async () => {
    await seed({ units, strategy: { ...strategy, silenceDeadline: "5m" }, template });
    await start();
    await look();
    await world.obey();
    await look();
    await world.silence("n-digits-10");
    await db.asOwner("update nodes set last_seen_at = now() + interval '1 second' where name = 'n-digits-10'");
    skewMs = 7 * MINUTE;
    await db.asOwner("update nodes set last_seen_at = now() + interval '1 day' where name <> 'n-digits-10'");
    await look();
    expect(await detail()).toMatchObject({ phase: "rollingBack", reason: expect.stringContaining("In wave canary 1 of 4 units fell silent after they were asked for r2 and stayed so for more than 5m: digits-10 on n-digits-10 in edge-kiel") });
  });
});
