import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createSealer, newMasterKey, parseMasterKeys } from "../platform";
import { testDatabase } from "../testing/database";
import { programOf } from "../testing/program";
import { environmentPurpose, secretPurpose } from "../workloads";

const db = testDatabase();
const dir = mkdtempSync(path.join(os.tmpdir(), "holdfast-admin-"));
const keyFile = path.join(dir, "master.key");
const oldKey = newMasterKey();
writeFileSync(keyFile, oldKey);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const program = programOf("admin");
/** Runs the command as on the server. */
const admin = async (args: string[], env: Record<string, string> = {}) => (await program)(args, { DATABASE_URL: db.appUrl, HOLDFAST_MASTER_KEY_FILE: keyFile, ...env });
const actions = async () => (await db.asOwner<{ a: string }>("select action || ' ' || outcome as a from audit_entries order by seq")).map((r) => r.a);

describe("the command line on the server", () => {
  it("makes the first administrator once, recovers a password, makes tokens, and is audited", async () => {
    const first = await admin(["first-admin", "--json"]);
    expect(first.err).toBe("");
    expect(JSON.parse(first.out)).toMatchObject({ login: "admin", created: true, password: expect.stringMatching(/^\S{16,}$/) as unknown });
    expect(JSON.parse((await admin(["first-admin", "--json"])).out)).toMatchObject({ created: false, password: null });
    expect((await admin(["recover-password", "--login", "admin"])).out).toMatch(/one-time password \S{16,}/);
    const missing = await admin(["recover-password", "--login", "nobody", "--json"]);
    expect(missing.code).toBe(1);
    expect(JSON.parse(missing.err)).toMatchObject({ refusal: { code: "not_found" } });
    expect(JSON.parse((await admin(["service-token", "--name", "pilot", "--role", "administrator", "--json"])).out)).toMatchObject({ name: "pilot", role: "administrator", token: expect.stringMatching(/^hft_/) as unknown });
    expect(JSON.parse((await admin(["service-token", "--name", "x", "--project", "nowhere", "--json"])).err)).toMatchObject({ refusal: { code: "not_found" } });
    expect(await actions()).toEqual(["person.createFirstAdministrator done", "person.recoverPassword done", "person.recoverPassword refused", "token.create done"]);
  });

  it("shows and changes for how long things are kept", async () => {
    expect(JSON.parse((await admin(["retention", "--set", "historyDays=30", "--json"])).out)).toMatchObject({ historyDays: 30, samplesDays: 14 });
    expect((await admin(["retention"])).out).toContain("historyDays 30");
    expect((await admin(["retention", "--set", "historyDays=-1"])).code).toBe(1);
    expect((await admin(["retention", "--set", "auditDays=1"])).err).toMatch(/auditDays/);
  });

  it("says what is missing, with code 2 for bad usage and configuration", async () => {
    expect((await admin(["service-token"])).code).toBe(2);
    expect((await admin(["no-such-command"])).code).toBe(2);
    const unset = await admin(["first-admin"], { DATABASE_URL: "" });
    expect(unset.code).toBe(2);
    expect(unset.err).toMatch(/DATABASE_URL: is not set/);
    const noKey = await admin(["rotate-authority", "--reason", "test"], { HOLDFAST_MASTER_KEY_FILE: path.join(dir, "gone") });
    expect(noKey.code).toBe(1);
    expect(noKey.err).toMatch(/is not there/);
  });

  // Guarantee: after a change of the master key everything opens with the new one alone.
  it("changes the master key: nothing needs the old one afterwards", async () => {
    const before = createSealer(parseMasterKeys(oldKey));
    const env = { PLAIN: before.seal("value ü", environmentPurpose("project-default", "w", "PLAIN")), NAMED: { secret: "s" } };
    await db.asOwner("insert into secrets (project_id, name, sealed, updated_by) values ('project-default', 's', $1, 'x')", [before.seal("secret value", secretPurpose("project-default", "s"))]);
    await db.asOwner("insert into objects (id, project_id, kind, name, generation, digest, spec) values ('w', 'project-default', 'Workload', 'w', 2, 'd', $1)", [JSON.stringify({ template: { env } })]);
    for (const g of [1, 2]) await db.asOwner("insert into object_revisions (object_id, generation, digest, manifest, author, author_id, changes) values ('w', $1, 'd', $2, 'a', 'a', '[]')", [g, JSON.stringify({ kind: "Workload", spec: { template: { env } } })]);
    expect((await admin(["rotate-authority", "--reason", "a key to seal anew"])).code).toBe(0);

    const newKey = newMasterKey();
    writeFileSync(keyFile, `${newKey}\n${oldKey}\n`);
    expect((await admin(["reseal"])).err).toMatch(/DATABASE_OWNER_URL/);
    const done = await admin(["reseal", "--json"], { DATABASE_OWNER_URL: db.ownerUrl });
    expect(done.err).toBe("");
    expect(JSON.parse(done.out)).toMatchObject({ secrets: 1, environments: 3, authorities: 1, identityProvider: false });

    const after = createSealer(parseMasterKeys(newKey));
    const sealed = [
      ...(await db.asOwner<{ v: string }>("select sealed as v from secrets")),
      ...(await db.asOwner<{ v: string }>("select manifest #>> '{spec,template,env,PLAIN}' as v from object_revisions union all select spec #>> '{template,env,PLAIN}' from objects")),
      ...(await db.asOwner<{ v: string }>("select sealed_key as v from authorities")),
    ];
    expect(sealed).toHaveLength(5);
    for (const { v } of sealed) expect(after.isStale(v)).toBe(false);
    expect(after.open(sealed[0]?.v ?? "", secretPurpose("project-default", "s"))).toBe("secret value");
    expect(after.open(sealed[1]?.v ?? "", environmentPurpose("project-default", "w", "PLAIN"))).toBe("value ü");
    writeFileSync(keyFile, newKey);
    expect((await admin(["rotate-authority", "--reason", "with the new key alone"])).code).toBe(0);
    expect((await actions()).filter((a) => a.startsWith("masterKey"))).toEqual(["masterKey.rotate done"]);
  });
});
