import { describe, expect, it } from "vitest";
import { testDatabase } from "../../testing/database";
import { isNotPermitted, projects } from "../index";

const db = testDatabase();

const failure = (sql: string) => db.store.read.client.query(sql).then(() => undefined, (e: unknown) => e);

describe("what the application's role may do", () => {
  it("finds a migrated database whose audit log it can't change", async () => {
    const check = await db.store.check();
    expect(check.migration).toMatch(/^\d{14}_/);
    expect(check.auditProtected).toBe(true);
    expect(await projects.byName(db.store.read.client, "default")).toMatchObject({ id: "project-default" });
    expect(await projects.all(db.store.prisma)).toEqual([{ id: "project-default", name: "default", title: "Default" }]);
  });

  // Guarantee: the application can neither change nor remove an audit entry, nor choose its number or time.
  it.each([
    "update audit_entries set actor = 'x'",
    "delete from audit_entries",
    "truncate audit_entries",
    "alter table audit_entries disable trigger all",
    "drop table audit_entries",
    "insert into audit_entries (seq, actor_kind, actor_id, actor, action, object_kind, object_id, object, outcome) values (1, 'system', 's', 's', 'a', 'k', 'i', 'o', 'done')",
    "insert into audit_entries (at, actor_kind, actor_id, actor, action, object_kind, object_id, object, outcome) values (now(), 'system', 's', 's', 'a', 'k', 'i', 'o', 'done')",
    "select setval('audit_entries_seq_seq', 1)",
    "delete from audit_names",
    "insert into audit_names values ('actor', 'x', 'x')",
  ])("refuses: %s", async (sql) => {
    expect(isNotPermitted(await failure(sql))).toBe(true);
  });

  // Guarantee: what was approved, which key a node is, what a revision said and what was history can't be rewritten.
  it.each([
    "update approvals set plan = '{}'",
    "update approvals set plan_digest = ''",
    "delete from approvals",
    "update node_identities set spki_sha256 = ''",
    "delete from node_identities",
    "update object_revisions set manifest = '{}'",
    "update rollout_events set text = ''",
    "update rollout_receipts set what = 'kept'",
    "delete from rollout_receipts",
    "truncate rollout_receipts",
    "insert into rollout_receipts (received_at, project_id, rollout_id, node_id, number, assignment_id, unit, node, generation, digest, artifacts, what, cause, at, signature, spki_sha256) values (now(), 'p', 'r', 'n', 1, 'a', 'u', 'n', 1, 'd', '[]', 'kept', 'ordered', now(), 's', 'k')",
    "insert into history (kind, key, doc, valid_from) values ('node', 'x', '{}', now())",
    "update history set doc = '{}'",
    "update _prisma_migrations set checksum = ''",
    "create table mine (id int)",
  ])("refuses: %s", async (sql) => {
    expect(isNotPermitted(await failure(sql))).toBe(true);
  });

  it("takes an audit entry of a closed set only", async () => {
    const e = await failure("insert into audit_entries (actor_kind, actor_id, actor, action, object_kind, object_id, object, outcome) values ('robot', 's', 's', 'a', 'k', 'i', 'o', 'done')");
    expect(e).toMatchObject({ code: "23514" });
  });

  it("notices a login that owns the tables", async () => {
    const { openStore } = await import("../index");
    const { silentLogger } = await import("../../platform");
    const asOwner = openStore({ url: db.ownerUrl, log: silentLogger });
    try {
      expect((await asOwner.check()).auditProtected).toBe(false);
    } finally {
      await asOwner.close();
    }
  });
});
