import { describe, expect, it } from "vitest";
import { makeNode, makeSite } from "../../testing/fleet-rows";
import { testDatabase } from "../../testing/database";

const db = testDatabase();

interface Row {
  doc: Record<string, unknown>;
  valid_from: Date;
  valid_to: Date | null;
  project_id: string | null;
}
const historyOf = (kind: string, key: string) => db.asOwner<Row>("select doc, valid_from, valid_to, project_id from history where kind = $1 and key = $2 order by valid_from, id", [kind, key]);
const change = (id: string, set: string) => db.store.inTransaction((tx) => tx.client.query(`update nodes set ${set} where id = $1`, [id]));
/** History is kept to the millisecond: two changes within one are one state. */
const nextMillisecond = () => db.store.read.client.query("select pg_sleep(0.002)");

describe("history", () => {
  it("has a row for each state a node was in, without gap or overlap", async () => {
    const id = await makeNode(db.store, await makeSite(db.store, "s1"), "n1");
    for (const state of ["cordoned", "draining", "active"]) {
      await nextMillisecond();
      await change(id, `desired_state = '${state}'`);
    }
    const rows = await historyOf("node", id);
    expect(rows.map((r) => r.doc["desired_state"])).toEqual(["active", "cordoned", "draining", "active"]);
    rows.forEach((r, i) => expect(r.valid_to).toEqual(rows[i + 1]?.valid_from ?? null));
    for (const r of rows) if (r.valid_to) expect(r.valid_to.getTime()).toBeGreaterThan(r.valid_from.getTime());
    expect(rows.every((r) => r.project_id === "project-default")).toBe(true);
  });

  // Guarantee: heartbeats do not fill the history.
  it("takes no note of what changes with every heartbeat", async () => {
    const id = await makeNode(db.store, await makeSite(db.store, "s2"), "n2");
    await change(id, "last_seen_at = now(), observed_at = now(), observed_usage = '{\"cpuShare\": 0.5}', journal_depth = 7, rtt_ms = 3, reports_stored_to = 9");
    const rows = await historyOf("node", id);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.doc).not.toHaveProperty("last_seen_at");
    await nextMillisecond();
    await change(id, "connected = true, last_seen_at = now()");
    expect(await historyOf("node", id)).toHaveLength(2);
  });

  // Guarantee: placements, which count up what is wanted of a node, do not fill its history; every other column does.
  it("watches every column of a node but those that it leaves out", async () => {
    const id = await makeNode(db.store, await makeSite(db.store, "s6"), "n6");
    await nextMillisecond();
    await change(id, "desired_generation = desired_generation + 1");
    expect(await historyOf("node", id)).toHaveLength(1);
    const columns = await db.asOwner<{ name: string; watched: boolean }>(
      "select a.attname as name, a.attnum = any(t.tgattr::int2[]) as watched from pg_attribute a join pg_trigger t on t.tgrelid = a.attrelid and t.tgname = 'history' where a.attrelid = 'nodes'::regclass and a.attnum > 0 and not a.attisdropped",
    );
    expect(columns.filter((c) => !c.watched).map((c) => c.name).sort()).toEqual(["desired_generation", "journal_depth", "last_seen_at", "observed_at", "observed_usage", "reports_stored_to", "rtt_ms"]);
  });

  it("has a row for each of many that were written at once", async () => {
    const nodeId = await makeNode(db.store, await makeSite(db.store, "s7"), "n7");
    await db.store.inTransaction((tx) => tx.client.query("insert into assignments (id, project_id, workload_id, unit, ordinal, node_id, generation, digest, desired, cause) select 'many-' || i, 'project-default', 'w', 'many-' || i, i, $1, 1, 'd', 'run', 'place' from generate_series(1, 3) i", [nodeId]));
    const rows = (await Promise.all([1, 2, 3].map((i) => historyOf("assignment", `many-${i}`)))).flat();
    expect(rows.map((r) => r.doc["ordinal"])).toEqual([1, 2, 3]);
    expect(rows[0]).toMatchObject({ project_id: "project-default", valid_to: null, doc: { node_id: nodeId } });
    expect(rows[0]?.doc).not.toHaveProperty("updated_at");
    await nextMillisecond();
    await db.store.inTransaction((tx) => tx.client.query("update assignments set desired = 'stop' where id = 'many-1'"));
    expect((await historyOf("assignment", "many-1")).map((r) => r.doc["desired"])).toEqual(["run", "stop"]);
  });

  it("keeps the last state of those within one millisecond, and none of a transaction that failed", async () => {
    const id = await makeNode(db.store, await makeSite(db.store, "s3"), "n3");
    await db.store.inTransaction(async (tx) => {
      await tx.client.query("update nodes set desired_state = 'draining' where id = $1", [id]);
      throw new Error("no");
    }).catch(() => undefined);
    expect((await historyOf("node", id)).map((r) => r.doc["desired_state"])).toEqual(["active"]);
  });

  it("closes the last row when the thing is deleted", async () => {
    await db.asOwner("insert into links (id, project_id, site_a, site_b, latency_ms, loss_percent, bandwidth_mbps, price_per_gib) values ('l1', 'project-default', 'a', 'b', 10, 0, 100, 0)");
    await nextMillisecond();
    await db.store.inTransaction((tx) => tx.client.query("delete from links where id = 'l1'"));
    const rows = await historyOf("link", "l1");
    expect(rows).toHaveLength(1);
    expect(rows[0]?.valid_to).not.toBeNull();
  });

  // Guarantee: two writers of one row leave no overlapping rows, in whatever order their transactions began.
  it("never runs backwards, although a transaction that began earlier writes later", async () => {
    const id = await makeNode(db.store, await makeSite(db.store, "s4"), "n4");
    await Promise.all(Array.from({ length: 8 }, (_, i) => db.store.inTransaction(async (tx) => {
      await tx.client.query("select pg_current_xact_id()");
      await tx.client.query("select pg_sleep($1)", [((i * 7) % 5) / 200]);
      await tx.client.query("update nodes set address = $2 where id = $1", [id, `10.0.0.${i}`]);
    })));
    const rows = await historyOf("node", id);
    rows.forEach((r, i) => expect(r.valid_to).toEqual(rows[i + 1]?.valid_from ?? null));
    expect(rows.filter((r) => r.valid_to === null)).toHaveLength(1);
  });

  it("knows the project of an observation, and what was true at a moment", async () => {
    const nodeId = await makeNode(db.store, await makeSite(db.store, "s5"), "n5");
    await db.asOwner("insert into assignments (id, project_id, workload_id, unit, ordinal, node_id, generation, digest, desired, cause) values ('as-1', 'project-default', 'w', 'w-1', 1, $1, 1, 'd', 'run', 'place')", [nodeId]);
    await db.store.inTransaction((tx) => tx.client.query("insert into observations (assignment_id, node_id, generation, digest, phase, health, restarts, message, ports, limits, since_at, observed_at) values ('as-1', $1, 1, 'd', 'starting', 'unknown', 0, '', '{}', 'none', now(), now())", [nodeId]));
    await nextMillisecond();
    const [moment] = await db.asOwner<{ at: Date }>("select clock_timestamp() as at");
    await nextMillisecond();
    await db.store.inTransaction((tx) => tx.client.query("update observations set phase = 'running', health = 'healthy' where assignment_id = 'as-1'"));
    const at = await db.asOwner<Row>("select * from history where kind = 'observation' and key = 'as-1' and valid_from <= $1 and (valid_to is null or valid_to > $1)", [moment?.at]);
    expect(at).toHaveLength(1);
    expect(at[0]).toMatchObject({ project_id: "project-default", doc: { phase: "starting" } });
  });
});
