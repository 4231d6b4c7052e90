import { describe, expect, it } from "vitest";
import { systemClock, silentLogger } from "../../platform";
import { testDatabase } from "../../testing/database";
import { DEFAULT_PROJECT, makeNode, makeSite } from "../../testing/fleet-rows";
import { until } from "../../testing/until";
import { announceProcess, processes, readRetention, retentionSettings, settings, writeRetention } from "../index";

const db = testDatabase();
const NOW = Date.now();
const ago = (days: number) => new Date(NOW - days * 86_400_000);
const left = async (table: string) => Number((await db.asOwner<{ n: string }>(`select count(*) n from ${table}`))[0]?.n);

describe("retention", () => {
  it("deletes what is older than the settings say, and keeps the rest", async () => {
    const node = await makeNode(db.store, await makeSite(db.store, "s"), "n");
    await db.asOwner("insert into node_samples select $1, $2::timestamptz - i * interval '1 day', '{1}' from generate_series(0, 29) i", [node, new Date(NOW)]);
    await db.asOwner("insert into changes (topic, key, at) values ('node', 'old', $1), ('node', 'new', $2)", [ago(2), ago(0.5)]);
    await db.asOwner("update history set valid_from = $1, valid_to = $2 where kind = 'node'", [ago(200), ago(100)]);
    await db.asOwner("insert into history (kind, key, doc, valid_from) values ('node', $1, '{}', $2)", [node, ago(100)]);
    await db.asOwner("insert into log_requests (id, project_id, node_id, assignment_id, tail_bytes, follow, state, keep_until) values ('read', 'p', 'n', 'a', 1, true, 'open', $1), ('left', 'p', 'n', 'a', 1, true, 'open', $2)", [ago(-1), ago(1)]);
    await db.asOwner("insert into log_chunks select r, i, 0, 'x' from unnest(array['read', 'left', 'orphan']) r, generate_series(1, 3) i");
    const deleted = await db.store.runRetention(NOW);
    // 14 days of samples: days 0 to 14 stay (15 rows, the last a hair inside), 15 to 29 go.
    expect(deleted).toMatchObject({ node_samples: 15, changes: 1, history: 1, log_chunks: 6, log_requests: 1 });
    expect(await left("node_samples")).toBe(15);
    expect(await left("history where kind = 'node' and valid_to is null")).toBe(1);
    expect(await left("log_chunks where request_id = 'read'")).toBe(3);
    expect(await db.store.runRetention(NOW)).toEqual({});
  });

  // Guarantee: the audit log and what a living unit rests on are never cleaned away.
  it("never touches the audit log, nor the decision behind a living unit", async () => {
    await db.store.inTransaction((tx) => tx.audit.append({ projectId: null, actorKind: "system", actorId: "s", actor: "s", sessionId: null, strength: null, action: "settings.set", objectKind: "k", objectId: "o", object: "o", outcome: "done", refusal: null, reason: null, before: null, after: null, requestId: null }));
    const node = await makeNode(db.store, await makeSite(db.store, "s2"), "n2");
    for (const [id, ended] of [["living", null], ["ended", new Date()]] as const) {
      await db.asOwner("insert into decisions (id, project_id, workload_id, unit, outcome, because, policy_digest, generation, candidates, created_at, evidence_id) values ($1, 'p', 'w', $1, 'placed', '', '', 1, '[]', $2, $1)", [id, ago(1_000)]);
      await db.asOwner("insert into decision_evidence (id, doc, created_at) values ($1, '{}', $2)", [id, ago(1_000)]);
      await db.asOwner("insert into assignments (id, project_id, workload_id, unit, ordinal, node_id, generation, digest, desired, cause, decision_id, ended_at) values ($1, $2, 'w', $1, 0, $3, 1, 'd', 'run', 'place', $1, $4)", [id, DEFAULT_PROJECT.id, node, ended]);
    }
    await db.store.runRetention(NOW + 3_650 * 86_400_000);
    expect(await left("audit_entries")).toBe(1);
    expect((await db.asOwner<{ id: string }>("select id from decisions")).map((r) => r.id)).toEqual(["living"]);
    expect((await db.asOwner<{ id: string }>("select id from decision_evidence")).map((r) => r.id)).toEqual(["living"]);
  });

  it("goes by the setting, and by the defaults when the setting can't be read", async () => {
    const wanted = { ...retentionSettings.parse({}), samplesDays: 3 };
    await db.store.inTransaction((tx) => writeRetention(tx.client, wanted));
    expect(await readRetention(db.store.read.client)).toEqual(wanted);
    await db.store.inTransaction((tx) => settings.put(tx.client, "retention", { samplesDays: "for ever" }));
    expect(await readRetention(db.store.read.client)).toEqual(retentionSettings.parse({}));
  });

  it("is run by one process at a time", async () => {
    const [holder] = await db.asOwner<{ got: boolean }>("select pg_try_advisory_lock(7263021) as got");
    expect(holder?.got).toBe(true);
    expect(await db.store.runRetention(NOW)).toBeNull();
    await db.asOwner("select pg_advisory_unlock(7263021)");
    expect(await db.store.runRetention(NOW)).not.toBeNull();
  });
});

describe("a process", () => {
  it("announces itself, changes its state, comes back when its row was lost, and says goodbye", async () => {
    const living = async () => (await processes.livingProcesses(db.store.read.client)).map((p) => ({ name: p.name, state: p.state, details: p.details }));
    const row = await announceProcess(db.store, { name: "scheduler", version: "1.2.3", clock: systemClock, log: silentLogger });
    expect(await living()).toEqual([{ name: "scheduler", state: "starting", details: {} }]);
    await row.set("ready", { loops: 3 });
    await db.asOwner("delete from processes");
    await row.set("ready");
    expect(await living()).toEqual([{ name: "scheduler", state: "ready", details: { loops: 3 } }]);
    await db.asOwner("update processes set heartbeat_at = now() - interval '16 seconds'");
    expect(await living()).toEqual([]);
    await row.end();
    await until("the row is gone", async () => (await left("processes")) === 0);
  });
});
