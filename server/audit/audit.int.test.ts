import { describe, expect, it } from "vitest";
import type { Actor } from "../core/access/actor";
import { isRefused, refuseNow } from "../core/base/refusal";
import { newId } from "../platform";
import { testClock } from "../testing/clock";
import { testDatabase } from "../testing/database";
import { DEFAULT_PROJECT, makeNode, makeSite } from "../testing/fleet-rows";
import { nodes } from "../store";
import { appendAudit, auditedCommand, createAudit } from "./index";
import type { AuditSubject } from "./index";

const db = testDatabase();
const audit = () => createAudit({ store: db.store, clock: testClock() });
const person = (name: string, more: Partial<Actor> = {}): Actor => ({ kind: "person", id: `person-${name}`, name, sessionId: "session-1", strength: "password", requestId: newId("request"), roles: () => ["operator"], ...more });
const subject = (object: string, more: Partial<AuditSubject> = {}): AuditSubject => ({ action: "node.cordon", objectKind: "node", objectId: `id-${object}`, object, projectId: DEFAULT_PROJECT.id, ...more });
const list = (input: Parameters<ReturnType<typeof audit>["queries"]["list"]>[1]) => audit().queries.list(DEFAULT_PROJECT, input);
const entriesOf = async (object: string) => (await list({ object, limit: 50 })).items;

describe("a command", () => {
  it("leaves an entry with actor, object, reason, before and after", async () => {
    const actor = person("ada");
    await auditedCommand(db.store, actor, subject("n1", { reason: " disk is failing " }), async (_tx, note) => note({ before: { state: "active" }, after: { state: "cordoned" } }));
    const [row] = await entriesOf("n1");
    expect(row).toMatchObject({ actor: "ada", actorId: "person-ada", action: "node.cordon", outcome: "done", strength: "password", reason: "disk is failing", sentence: "ada cordoned node n1: disk is failing.", href: "/p/default/fleet/nodes/n1" });
    expect(await audit().queries.get(DEFAULT_PROJECT, { seq: row?.seq ?? "" })).toMatchObject({ project: "default", sessionId: "session-1", requestId: actor.requestId, changes: [{ path: "state", before: "active", after: "cordoned" }], refusal: null });
  });

  // Guarantee: there is never a change without its entry, nor an entry of a change that did not happen.
  it("vanishes together with its entry when it fails", async () => {
    const id = await makeNode(db.store, await makeSite(db.store, "s1"), "fails");
    const node = { id, name: "fails", projectId: DEFAULT_PROJECT.id };
    const work = auditedCommand(db.store, person("ada"), subject("fails"), async (tx) => {
      await nodes.setDesiredState(tx, node, 1, "cordoned", null);
      throw new TypeError("a bug");
    });
    await expect(work).rejects.toThrow("a bug");
    expect(await entriesOf("fails")).toEqual([]);
    expect((await nodes.byId(db.store.read.client, id))?.desiredState).toBe("active");
  });

  // Guarantee: a refused command changes nothing, and its refusal stays although it was undone.
  it("that is refused is undone, and its refusal is recorded", async () => {
    const id = await makeNode(db.store, await makeSite(db.store, "s2"), "refused");
    const work = auditedCommand(db.store, person("eve"), subject("refused", { projectId: null }), async (tx, note) => {
      note({ projectId: DEFAULT_PROJECT.id, before: { secretLooking: 1 } });
      await tx.client.query("update nodes set desired_state = 'draining' where id = $1", [id]);
      refuseNow("in_use", "It is in use.", "Wait.");
    });
    expect(await work.catch((e: unknown) => isRefused(e) && e.holdfastRefusal.code)).toBe("in_use");
    expect((await nodes.byId(db.store.read.client, id))?.desiredState).toBe("active");
    const rows = await entriesOf("refused");
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ outcome: "refused", sentence: "eve tried to cordon node refused and was refused: It is in use." });
    expect(await audit().queries.get(DEFAULT_PROJECT, { seq: rows[0]?.seq ?? "" })).toMatchObject({ refusal: { code: "in_use" }, before: null, after: null });
  });

  it("that found nothing to do leaves no entry when it says so", async () => {
    await auditedCommand(db.store, person("ada"), subject("idle"), async (_tx, note) => note({ nothing: true }));
    expect(await entriesOf("idle")).toEqual([]);
  });

  it("that is tried again after a deadlock leaves one entry", async () => {
    let tries = 0;
    await auditedCommand(db.store, person("ada"), subject("again"), async (_tx, note) => {
      note({ after: { try: ++tries } });
      if (tries < 3) throw Object.assign(new Error("deadlock"), { code: "40P01" });
    });
    const rows = await entriesOf("again");
    expect(rows).toHaveLength(1);
    expect(await audit().queries.get(DEFAULT_PROJECT, { seq: rows[0]?.seq ?? "" })).toMatchObject({ after: { try: 3 } });
  });

  it("takes names with line breaks, bidi marks, NULs and halves of characters, and forges no line with them", async () => {
    await auditedCommand(db.store, person("mal\u0000lory\r\nroot"), subject("odd", { object: "odd\u202egnp\u2028x", reason: "a\ud800b" }), async (_tx, note) => note({ after: { text: "nul\u0000 half\ud800" } }));
    const [row] = await entriesOf("odd");
    expect(row?.actor).toBe("mal lory  root");
    expect(row?.object).toBe("odd gnp x");
  });
});

describe("the list", () => {
  it("goes by keyset pages, newest first, without loss when entries come in between", async () => {
    for (let i = 0; i < 7; i++) await auditedCommand(db.store, person("pager"), subject(`p${i}`), async () => undefined);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof list>> = await list({ actor: "person-pager", limit: 3, cursor });
      seen.push(...page.items.map((i) => i.object));
      cursor = page.nextCursor;
      if (seen.length === 3) await auditedCommand(db.store, person("pager"), subject("late"), async () => undefined);
    } while (cursor);
    expect(seen).toEqual(["p6", "p5", "p4", "p3", "p2", "p1", "p0"]);
    expect((await list({ actor: "pager", limit: 1 })).total).toBe(8);
  });

  it("filters by actor, action, group of actions, object, outcome and time", async () => {
    const since = (await db.asOwner<{ at: Date }>("select clock_timestamp() as at"))[0]?.at.getTime() ?? 0;
    await auditedCommand(db.store, person("f-one"), subject("f-a"), async () => undefined);
    await auditedCommand(db.store, person("f-two"), subject("f-b", { action: "rollout.pause", objectKind: "rollout" }), async () => undefined);
    await auditedCommand(db.store, person("f-two"), subject("f-c", { action: "rollout.abort", objectKind: "rollout" }), async () => refuseNow("forbidden", "No.", "Ask.")).catch(() => undefined);
    const names = async (input: object) => (await list({ fromMs: since - 1, object: "f-", limit: 10, ...input })).items.map((i) => i.object);
    expect(await names({})).toEqual(["f-c", "f-b", "f-a"]);
    expect(await names({ actor: "f-one" })).toEqual(["f-a"]);
    expect(await names({ action: "rollout.pause" })).toEqual(["f-b"]);
    expect(await names({ action: "rollout." })).toEqual(["f-c", "f-b"]);
    expect(await names({ outcome: "refused" })).toEqual(["f-c"]);
    expect(await names({ object: "id-f-a" })).toEqual(["f-a"]);
    expect(await names({ toMs: since - 1 })).toEqual([]);
    // What people type is text, not a pattern.
    expect(await names({ object: "f%" })).toEqual([]);
    expect(await names({ object: "f_a" })).toEqual([]);
  });

  // Guarantee: nobody reads the entries of a project that is not his.
  it("shows a project its own entries and those of the installation, and no others", async () => {
    await db.asOwner("insert into projects (id, name, title) values ('project-other', 'other', 'Other')");
    await auditedCommand(db.store, person("ada"), subject("theirs", { projectId: "project-other" }), async () => undefined);
    await auditedCommand(db.store, person("ada"), subject("everyone's", { projectId: null }), async () => undefined);
    expect(await entriesOf("theirs")).toEqual([]);
    expect(await entriesOf("everyone's")).toHaveLength(1);
    const [theirs] = (await audit().queries.list({ id: "project-other", name: "other" }, { object: "theirs", limit: 1 })).items;
    await expect(audit().queries.get(DEFAULT_PROJECT, { seq: theirs?.seq ?? "" })).rejects.toMatchObject({ holdfastRefusal: { code: "not_found" } });
    await expect(list({ cursor: "nonsense", limit: 1 })).rejects.toMatchObject({ holdfastRefusal: { code: "invalid_input" } });
  });

  it("shows with an entry what else the same request and object did", async () => {
    const actor = person("ada");
    await db.store.inTransaction(async (tx) => {
      await appendAudit(tx, { ...subject("together-1"), actor, outcome: "done" });
      await appendAudit(tx, { ...subject("together-2"), actor, outcome: "done" });
    });
    await auditedCommand(db.store, person("bob"), subject("together-1", { action: "node.uncordon" }), async () => undefined);
    const [newest, older] = await entriesOf("together-1");
    expect(newest?.actor).toBe("bob");
    const detail = await audit().queries.get(DEFAULT_PROJECT, { seq: older?.seq ?? "" });
    expect(detail.related.map((r) => `${r.actor} ${r.object}`)).toEqual(["bob together-1", "ada together-2"]);
  });
});

describe("an export", () => {
  const read = async (format: "csv" | "jsonl", input: object) => {
    const pieces: string[] = [];
    for await (const piece of await audit().commands.export(person("auditor"), DEFAULT_PROJECT, { format, ...input })) pieces.push(piece);
    return pieces.join("");
  };

  it("has every entry in order, also beyond one batch, and is itself an entry", async () => {
    await db.asOwner("insert into audit_entries (project_id, actor_kind, actor_id, actor, action, object_kind, object_id, object, outcome) select 'project-default', 'system', 'many', 'many', 'unit.place', 'unit', 'u' || i, 'u' || i, 'done' from generate_series(1, 2500) i");
    const lines = (await read("jsonl", { actor: "many" })).trim().split("\n").map((l) => JSON.parse(l) as { seq: number; object: string });
    expect(lines.map((l) => l.object)).toEqual(Array.from({ length: 2500 }, (_, i) => `u${i + 1}`));
    const [own] = (await list({ action: "audit.export", limit: 1 })).items;
    expect(own).toMatchObject({ actor: "auditor", sentence: "auditor exported the audit log of default." });
    expect(await audit().queries.get(DEFAULT_PROJECT, { seq: own?.seq ?? "" })).toMatchObject({ after: { format: "jsonl", actor: "many" } });
    expect(await read("jsonl", {})).toContain('"action":"audit.export"');
  });

  // Guarantee: an export holds what committed before it, also an entry that took its number early and committed late.
  it("waits for entries that are on their way", async () => {
    let write: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (write = resolve));
    let began: () => void = () => undefined;
    const inserted = new Promise<void>((resolve) => (began = resolve));
    const slow = auditedCommand(db.store, person("slow"), subject("slow"), async (tx) => {
      await appendAudit(tx, { ...subject("slow first"), actor: person("slow"), outcome: "done" });
      began();
      await gate;
    });
    await inserted;
    const reading = read("jsonl", { object: "slow first" });
    write();
    await slow;
    expect(await reading).toContain("slow first");
  });

  it("as CSV gives no spreadsheet a formula to run", async () => {
    await auditedCommand(db.store, person("=cmd|' /C calc'!A0"), subject("csv", { object: "@SUM(1)", reason: "+1, \"x\"\nnext" }), async () => undefined);
    const text = await read("csv", { object: "@SUM" });
    expect(text.split("\r\n")[0]).toMatch(/^seq,at,project,/);
    expect(text).toContain("'=cmd|");
    expect(text).toContain("'@SUM(1)");
    expect(text).toContain("\"'+1, \"\"x\"\"\nnext\"");
  });
});
