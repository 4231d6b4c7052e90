import { describe, expect, it } from "vitest";
import { createRollouts, createRolloutReconciler } from "./index";
import { silentLogger } from "../platform";
import { testDatabase } from "../testing/database";
import { person, project, seedWorld } from "../testing/rollout-world";

const db = testDatabase();
const grace = person("grace", "approver");
const ada = person("ada", "operator");
const deps = () => ({ store: db.store, clock: { nowMs: () => Date.now() }, log: silentLogger, silentAfterMs: 45_000 });
const strategy = { waves: [{ name: "canary", selector: 'site.name == "edge-kiel"', steps: [{ do: "approval", name: "go" }, { do: "update", percent: 100 }] }, { name: "rest", steps: [{ do: "update", percent: 100 }] }], maxUnavailable: 2 };

/** What an agent may say of a unit, in every way that counts differently: phase, health, generation, what starts beside it. */
const said = [
  ["running", "healthy", 2, null], ["running", "healthy", 1, null], ["running", "unknown", 2, null], ["running", "unhealthy", 2, null], ["running", "starting", 2, null], ["running", "unhealthy", 1, null],
  ["backoff", "unknown", 2, null], ["failed", "unknown", 1, null], ["starting", "starting", 2, null], ["pending", "unknown", 1, null], ["succeeded", "unknown", 2, null],
  ["running", "healthy", 1, { generation: 2, phase: "backoff", health: "unknown" }], ["running", "healthy", 1, { generation: 2, phase: "starting", health: "starting" }], ["running", "healthy", 2, { generation: 2, phase: "running", health: "unhealthy" }], ["running", "healthy", 1, { generation: 3, phase: "failed", health: "unknown" }],
] as const;

describe("lists of rollouts and approvals", () => {
  // Guarantee: the counts of a list, made in SQL, are those of the detail, made by the planner's own reading of each unit.
  it("count units as the detail does, whatever agents said, silent or not, asked or not", async () => {
    const cases = said.flatMap((s) => [1, 2].flatMap((desired) => (["live", "silent", "never"] as const).map((contact) => ({ s, desired, contact }))));
    const units = [...cases.map((_, i) => ({ unit: `digits-${String(i).padStart(3, "0")}`, site: i % 3 ? "edge-kiel" : "cloud-fra" })), { unit: "digits-unheard", site: "cloud-fra" }];
    await seedWorld(db, { units, strategy });
    for (const [i, { s: [phase, health, generation, incoming], desired, contact }] of cases.entries()) {
      const unit = units[i]?.unit;
      await db.asOwner("update assignments set generation = $2 where unit = $1", [unit, desired]);
      await db.asOwner("update observations set phase = $2, health = $3, generation = $4, incoming = $5 where assignment_id = $1", [`as-${unit}`, phase, health, generation, incoming === null ? null : JSON.stringify({ restarts: 1, message: "", ...incoming })]);
      const seen = { live: new Date(Date.now() + 86_400_000), silent: new Date(Date.now() - 3_600_000), never: null }[contact];
      await db.asOwner("update nodes set last_seen_at = $2 where id = $1", [`node-${unit}`, seen]);
    }
    await db.asOwner("delete from observations where assignment_id = 'as-digits-unheard'");
    const { queries, commands } = createRollouts(deps());
    const { number } = await commands.create(ada, project, { workload: "digits", generation: 2, strategy: "canary", reason: "count them" });
    const [row] = (await queries.list(project, { limit: 10 })).items;
    const detail = await queries.get(project, { number }, grace);
    expect(row).toEqual({ ...row, targets: detail.targets, wave: detail.wave, reason: detail.reason, phase: detail.phase, state: detail.state });
    expect(detail.targets.total).toBe(units.length);
    for (const key of ["updated", "healthy", "failing", "silent"] as const) expect(detail.targets[key], key).toBeGreaterThan(0);

    const id = (await db.asOwner<{ id: string }>("select id from rollouts"))[0]?.id ?? "";
    await createRolloutReconciler(deps()).reconcile(id);
    const [card] = (await queries.approvals(project, { limit: 10 }, grace)).items;
    const whole = await queries.approval(project, { id: card?.id ?? "" }, grace);
    // Everything but the names of the targets, the leaves, and what is asked of telemetry is as in the approval itself.
    const { trafficShare: _, peopleServed: __, residency: ___, ...blastRadius } = whole.blastRadius;
    expect(card).toEqual({ ...whole, leaves: [], blastRadius, plan: { ...whole.plan, waves: whole.plan.waves.map((w) => ({ ...w, targets: [] })) } });
    expect(whole.plan.waves.reduce((n, w) => n + w.targets.length, 0)).toBe(card?.blastRadius.units);
    expect(card?.blastRadius.silent).toBeGreaterThan(0);
    for (const who of [ada, grace, person("uma", "auditor")]) {
      const [listed] = (await queries.approvals(project, { limit: 10 }, who)).items;
      expect(listed?.commands).toEqual((await queries.approval(project, { id: card?.id ?? "" }, who)).commands);
    }
  });

  it("go by pages to the end, each once", async () => {
    const { queries } = createRollouts(deps());
    const [first] = await db.asOwner<{ id: string }>("select id from rollouts");
    for (let i = 0; i < 7; i++) {
      await db.asOwner("insert into rollouts (id, project_id, number, workload_id, from_generation, to_generation, phase, plan, plan_digest, reason, author_id, author, ended_at) select $1, project_id, $2, workload_id, 1, 2, 'succeeded', plan, 'd', '', 'a', 'a', now() from rollouts where id = $3", [`r${i}`, 100 + i, first?.id]);
      await db.asOwner("insert into approvals (id, project_id, rollout_id, gate, plan_digest, plan, state, requested_at, expires_at, decided_by_id, decided_at) select $1, project_id, $2, gate, 'd', plan, 'approved', now(), now(), 'g', now() - make_interval(secs => $3) from approvals limit 1", [`a${i}`, `r${i}`, i % 3]);
    }
    const walk = async <T extends { id: string }>(page: (cursor: string | null) => Promise<{ items: T[]; nextCursor: string | null; total: number }>) => {
      const ids: string[] = [];
      let total = 0;
      for (let cursor: string | null = null, more = true; more; more = cursor !== null) {
        const p = await page(cursor);
        ids.push(...p.items.map((i) => i.id));
        total = p.total;
        cursor = p.nextCursor;
      }
      return { ids, total };
    };
    const rollouts = await walk((cursor) => queries.list(project, { limit: 3, cursor }));
    expect(rollouts.ids).toHaveLength(8);
    expect(new Set(rollouts.ids).size).toBe(rollouts.total);
    const approvals = await walk((cursor) => queries.approvals(project, { limit: 2, cursor }, grace));
    expect(approvals.ids).toHaveLength(8);
    expect(new Set(approvals.ids).size).toBe(approvals.total);
    expect((await queries.approvals(project, { limit: 10 }, grace)).items[0]?.state).toBe("pending");
  });
});
