import { describe, expect, it } from "vitest";
import { testDatabase } from "../testing/database";
import { isNotPermitted, nodes, projects } from "./index";

const db = testDatabase();

describe("the store", () => {
  it("is migrated and protected", async () => {
    expect(await db.store.check()).toMatchObject({ migration: "20261123000100_rules", auditProtected: true });
    expect(await projects.byName(db.store.read.client, "default")).toMatchObject({ id: "project-default" });
    expect(await projects.all(db.store.prisma)).toEqual([{ id: "project-default", name: "default", title: "Default" }]);
    expect(await nodes.byId(db.store.read.client, "nothing")).toBeUndefined();
  });

  // Guarantee: the application's role can neither change nor remove an audit entry.
  it.each(["update audit_entries set actor = 'x'", "delete from audit_entries", "truncate audit_entries", "alter table audit_entries disable trigger all", "insert into audit_entries (seq, actor_kind, actor_id, actor, action, object_kind, object_id, object, outcome) values (1, 'system', 's', 's', 'a', 'k', 'i', 'o', 'done')"])(
    "refuses the application: %s",
    async (sql) => {
      const failed = await db.store.read.client.query(sql).then(() => undefined, (e: unknown) => e);
      expect(isNotPermitted(failed)).toBe(true);
    },
  );
});
