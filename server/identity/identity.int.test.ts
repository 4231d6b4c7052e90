import { randomBytes, X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { isRefused } from "../core/base/refusal";
import type { Actor } from "../core/access/actor";
import { createSealer, silentLogger } from "../platform";
import { makeRequest } from "../testing/certificate-request";
import { testClock } from "../testing/clock";
import { testDatabase } from "../testing/database";
import { createIdentity } from "./index";
import type { Identity } from "./index";
import { fingerprintOf } from "./x509";

const db = testDatabase();
const project = { id: "project-default", name: "default" };
const admin: Actor = { kind: "person", id: "person-1", name: "Ada", strength: "password", roles: () => ["administrator"] };
const key = randomBytes(32);
const day = 86_400_000;
const clock = testClock();

function identityOf(now = clock): Identity {
  return createIdentity({ store: db.store, clock: now, log: silentLogger, seal: createSealer([key]), env: { GATEWAY_PUBLIC_ADDRESS: "gw.example.org:7443", HOLDFAST_PUBLIC_URL: "https://console.example.org" } });
}
const codeOf = async (work: Promise<unknown>) => work.then(() => "done", (e: unknown) => (isRefused(e) ? e.holdfastRefusal.code : Promise.reject(e as Error)));
const derOf = (pem: string) => new X509Certificate(pem).raw;
const newToken = async (i = identityOf()) => (await i.commands.createJoinToken(admin, project, { site: "edge-kiel", labels: { rack: "r1" } })).token;
const audited = (action: string) => db.asOwner<{ outcome: string; object: string; actor: string; after: unknown; refusal: { code: string } | null }>("select outcome, object, actor, after, refusal from audit_entries where action = $1 order by seq", [action]);

beforeAll(async () => {
  await db.asOwner("insert into sites (id, project_id, name, title, kind, jurisdiction, time_zone, spec) values ('site-1', 'project-default', 'edge-kiel', 'Kiel', 'edge', 'DE', 'Europe/Berlin', '{}')");
});

describe("the embedded authority", () => {
  // Guarantee: however many processes start at once, there is one authority.
  it("is made once, by whichever process comes first", async () => {
    await Promise.all(Array.from({ length: 5 }, () => identityOf().authorities.ensure()));
    expect(await db.asOwner("select state from authorities")).toEqual([{ state: "active" }]);
    expect(await audited("authority.create")).toHaveLength(1);
  });

  // Guarantee: the authority's key lies in the store sealed with the master key only.
  it("keeps its key sealed", async () => {
    const [row] = await db.asOwner<{ sealed_key: string }>("select sealed_key from authorities");
    expect(row?.sealed_key).toMatch(/^s1\./);
    const other = createIdentity({ store: db.store, clock, log: silentLogger, seal: createSealer([randomBytes(32)]), env: { GATEWAY_PUBLIC_ADDRESS: "a:1", HOLDFAST_PUBLIC_URL: "http://a" } });
    await expect(other.authorities.forNodes()).rejects.toThrow("master key");
  });
});

describe("join tokens", () => {
  it("come with the exact command, are kept as a hash, and are listed without the token", async () => {
    const identity = identityOf();
    const issued = await identity.commands.createJoinToken(admin, project, { site: "edge-kiel" });
    expect(issued).toMatchObject({ site: "edge-kiel", state: "open", expiresAtMs: clock.nowMs() + 15 * 60_000, authorityFingerprint: await identity.authorities.fingerprint() });
    expect(issued.command).toBe(`curl -fsSLo holdfast-agent.cjs https://console.example.org/download/agent && node holdfast-agent.cjs --gateway gw.example.org:7443 --token ${issued.token} --ca-fingerprint ${issued.authorityFingerprint} --data ./holdfast-agent`);
    expect(JSON.stringify(await db.asOwner("select * from join_tokens"))).not.toContain(issued.token);
    expect(JSON.stringify(await identity.queries.joinTokens(project))).not.toContain(issued.token);
  });

  // Guarantee: each kind of bad token has a typed refusal, and the refusal is in the audit log.
  it("are refused by kind: unknown, used, expired, revoked; each with an audit entry", async () => {
    const identity = identityOf();
    const ask = async (token: string) => codeOf(identity.enrol({ token, csr: (await makeRequest()).csr, address: "10.0.0.1" }));
    const used = await newToken(identity);
    expect(await ask(used)).toBe("done");
    const revoked = await identity.commands.createJoinToken(admin, project, { site: "edge-kiel" });
    await identity.commands.revokeJoinToken(admin, project, { id: revoked.id });
    const late = testClock(clock.nowMs());
    const expired = await newToken(identityOf(late));
    late.advance(15 * 60_000 + 1);
    expect(await ask("hfj_unknown")).toBe("not_found");
    expect(await ask(used)).toBe("already_used");
    expect(await ask(revoked.token)).toBe("revoked");
    expect(await codeOf(identityOf(late).enrol({ token: expired, csr: (await makeRequest()).csr, address: "10.0.0.1" }))).toBe("expired");
    expect((await audited("node.enrol")).filter((e) => e.outcome === "refused").map((e) => e.refusal?.code)).toEqual(["not_found", "already_used", "revoked", "expired"]);
    expect(await codeOf(identity.commands.revokeJoinToken(admin, project, { id: revoked.id }))).toBe("revoked");
    expect(await codeOf(identity.commands.createJoinToken(admin, project, { site: "nowhere" }))).toBe("not_found");
  });

  // Guarantee: a token enrols one machine, also when two bring it at the same moment.
  it("give one node when two machines use one at once", async () => {
    const identity = identityOf();
    const token = await newToken(identity);
    const before = await db.asOwner("select id from nodes");
    const outcomes = await Promise.all(Array.from({ length: 6 }, async (_, i) => codeOf(identity.enrol({ token, nodeName: `race-${i}`, csr: (await makeRequest()).csr, address: "10.0.0.1" }))));
    expect(outcomes.sort()).toEqual(["already_used", "already_used", "already_used", "already_used", "already_used", "done"]);
    expect(await db.asOwner("select id from nodes")).toHaveLength(before.length + 1);
  });

  // Guarantee: an answer lost on the way does not strand a machine: the same key may ask again, and stays the same node.
  it("may be brought again by the same key while it lasts, and give the same node", async () => {
    const identity = identityOf();
    const token = await newToken(identity);
    const { csr } = await makeRequest();
    const first = await identity.enrol({ token, nodeName: "retry-1", csr, address: "10.0.0.1" });
    const again = await identity.enrol({ token, nodeName: "retry-1", csr, address: "10.0.0.1" });
    expect(again.nodeId).toBe(first.nodeId);
    clock.advance(16 * 60_000);
    expect(await codeOf(identity.enrol({ token, nodeName: "retry-1", csr, address: "10.0.0.1" }))).toBe("already_used");
  });
});

describe("enrolment", () => {
  it("makes a node at the token's site, with its labels, for one hour, in the audit log", async () => {
    const identity = identityOf();
    const { csr, spkiSha256 } = await makeRequest();
    const answer = await identity.enrol({ token: await newToken(identity), nodeName: "kiel-1", csr, address: "10.0.0.7" });
    expect(answer).toMatchObject({ node: "kiel-1", site: "edge-kiel", project: "default", renewAfterMs: 30 * 60_000 });
    expect(answer.notAfterMs - clock.nowMs()).toBeGreaterThan(3_599_000);
    expect(answer.notAfterMs - clock.nowMs()).toBeLessThanOrEqual(3_601_000);
    expect(await db.asOwner("select name, site_id, labels, trust_tier from nodes where id = $1", [answer.nodeId])).toEqual([{ name: "kiel-1", site_id: "site-1", labels: { rack: "r1" }, trust_tier: "software" }]);
    expect(await db.asOwner("select spki_sha256 from node_identities where node_id = $1", [answer.nodeId])).toEqual([{ spki_sha256: spkiSha256 }]);
    expect((await audited("node.enrol")).at(-1)).toMatchObject({ outcome: "done", object: "kiel-1", actor: "kiel-1", after: { keySha256: spkiSha256, address: "10.0.0.7" } });
  });

  it("refuses a taken name, another node's key, a bad name and a bad request, and leaves the token unused", async () => {
    const identity = identityOf();
    const token = await newToken(identity);
    const used = await makeRequest();
    await identity.enrol({ token: await newToken(identity), nodeName: "taken", csr: used.csr, address: "x" });
    expect(await codeOf(identity.enrol({ token, nodeName: "taken", csr: (await makeRequest()).csr, address: "x" }))).toBe("already_exists");
    expect(await codeOf(identity.enrol({ token, nodeName: "fresh-name", csr: used.csr, address: "x" }))).toBe("already_exists");
    expect(await codeOf(identity.enrol({ token, nodeName: "Not A Label", csr: (await makeRequest()).csr, address: "x" }))).toBe("invalid_input");
    expect(await codeOf(identity.enrol({ token, nodeName: "fresh-name", csr: (await makeRequest("P-384")).csr, address: "x" }))).toBe("invalid_input");
    expect(await codeOf(identity.enrol({ token, nodeName: "fresh-name", csr: (await makeRequest()).csr, address: "x" }))).toBe("done");
  });

  // Guarantee: which key is which node can never be changed by the application.
  it("binds node and key for good", async () => {
    await expect(db.store.read.client.query("update node_identities set spki_sha256 = 'x'")).rejects.toThrow("permission denied");
    await expect(db.store.read.client.query("delete from node_identities")).rejects.toThrow("permission denied");
  });
});

describe("renewal under a moved clock", () => {
  async function enrolled(now: ReturnType<typeof testClock>, name: string) {
    const identity = identityOf(now);
    const request = await makeRequest();
    const answer = await identity.enrol({ token: await newToken(identity), nodeName: name, csr: request.csr, address: "x" });
    return { identity, request, answer };
  }
  const causes = (nodeId: string) => db.asOwner("select cause from node_certificates where node_id = $1 order by issued_at, cause", [nodeId]).then((rows) => rows.map((r) => r["cause"]));

  // Guarantee: a night off strands nobody: an ended certificate may do one thing, renew with the same key.
  it("after a night off the certificate opens no session, but renews", async () => {
    const now = testClock(clock.nowMs());
    const { identity, request, answer } = await enrolled(now, "night");
    now.advance(10 * 3_600_000);
    expect(await identity.checkPeer(derOf(answer.certificate), { expired: "refused" })).toMatchObject({ ok: false, error: { code: "expired" } });
    const peer = await identity.checkPeer(derOf(answer.certificate), { expired: "renewable" });
    if (!peer.ok) throw new Error(peer.error.message);
    const renewed = await identity.renew(peer.value, { csr: request.csr });
    expect(renewed.nodeId).toBe(answer.nodeId);
    expect(await identity.checkPeer(derOf(renewed.certificate), { expired: "refused" })).toMatchObject({ ok: true });
    expect(await causes(answer.nodeId)).toEqual(["enrol", "late-renew"]);
  });

  it("29 days after its end it still renews, 31 days after it does not", async () => {
    const now = testClock(clock.nowMs());
    const { identity, answer } = await enrolled(now, "holiday");
    now.advance(3_600_000 + 29 * day);
    expect(await identity.checkPeer(derOf(answer.certificate), { expired: "renewable" })).toMatchObject({ ok: true });
    now.advance(2 * day);
    expect(await identity.checkPeer(derOf(answer.certificate), { expired: "renewable" })).toMatchObject({ ok: false, error: { code: "expired" } });
  });

  it("refuses another key than the node's", async () => {
    const now = testClock(clock.nowMs());
    const { identity, answer } = await enrolled(now, "thief");
    const peer = await identity.checkPeer(derOf(answer.certificate), { expired: "renewable" });
    if (!peer.ok) throw new Error(peer.error.message);
    expect(await codeOf(identity.renew(peer.value, { csr: (await makeRequest()).csr }))).toBe("forbidden");
  });

  // Guarantee: a revoked node neither connects nor renews, also when it was checked a moment before.
  it("refuses a revoked node, also one that passed the check just before", async () => {
    const now = testClock(clock.nowMs());
    const { identity, request, answer } = await enrolled(now, "lost-laptop");
    const peer = await identity.checkPeer(derOf(answer.certificate), { expired: "renewable" });
    if (!peer.ok) throw new Error(peer.error.message);
    await identity.commands.revokeNode(admin, project, { name: "lost-laptop", reason: "the machine was stolen" });
    expect(await codeOf(identity.renew(peer.value, { csr: request.csr }))).toBe("revoked");
    expect(await identity.checkPeer(derOf(answer.certificate), { expired: "refused" })).toMatchObject({ ok: false, error: { code: "revoked" } });
    expect(await codeOf(identity.commands.revokeNode(admin, project, { name: "lost-laptop", reason: "again" }))).toBe("revoked");
    expect(await codeOf(identity.commands.revokeNode(admin, project, { name: "nobody", reason: "again" }))).toBe("not_found");
  });

  it("knows no foreign certificate, and none at all", async () => {
    const identity = identityOf();
    expect(await identity.checkPeer(null, { expired: "renewable" })).toMatchObject({ ok: false, error: { code: "unauthenticated" } });
    expect(await identity.checkPeer(Buffer.from("noise"), { expired: "renewable" })).toMatchObject({ ok: false, error: { code: "unauthenticated" } });
  });
});

describe("rotation of the authority", () => {
  // Guarantee: a rotation strands nobody: old certificates stay good, everyone learns the new authority at renewal, and
  // gateways keep showing the authority that all know until the old one's certificates are gone.
  it("issues with the new one, believes the old one until its certificates are gone, then retires it", async () => {
    const now = testClock(clock.nowMs());
    const identity = identityOf(now);
    const request = await makeRequest();
    const before = await identity.enrol({ token: await newToken(identity), nodeName: "rotated", csr: request.csr, address: "x" });
    const oldFingerprint = await identity.authorities.fingerprint();
    const { fingerprint } = await identity.authorities.rotate(admin, { reason: "yearly rotation" });
    expect(await identity.authorities.fingerprint()).toBe(oldFingerprint);
    expect((await identity.authorities.serverIssuer()).certificate).not.toBe((await identity.authorities.forNodes()).issuer.certificate);

    const peer = await identity.checkPeer(derOf(before.certificate), { expired: "renewable" });
    if (!peer.ok) throw new Error(peer.error.message);
    const after = await identity.renew(peer.value, { csr: request.csr });
    const believed = (after.authority.match(/-----BEGIN[^]*?END CERTIFICATE-----/g) ?? []).map(fingerprintOf);
    expect(believed).toEqual([oldFingerprint, fingerprint]);
    expect(new X509Certificate(after.certificate).checkIssued(new X509Certificate((await identity.authorities.forNodes()).issuer.certificate))).toBe(true);

    expect(await identity.authorities.retireEmpty()).toEqual([]);
    // Everything issued before is beyond renewal after the hour, the 30 days, and the hours that earlier tests moved ahead.
    now.advance(33 * day);
    expect(await identity.authorities.retireEmpty()).toHaveLength(1);
    expect(await identity.authorities.fingerprint()).toBe(fingerprint);
    expect(await identity.checkPeer(derOf(before.certificate), { expired: "renewable" })).toMatchObject({ ok: false, error: { code: "unauthenticated" } });
  });

  // Guarantee: when a key got out, dropping the old authority shuts its certificates out at once.
  it("drops the old one at once when told that its key got out", async () => {
    const identity = identityOf();
    const answer = await identity.enrol({ token: await newToken(identity), nodeName: "compromised", csr: (await makeRequest()).csr, address: "x" });
    expect(await identity.checkPeer(derOf(answer.certificate), { expired: "refused" })).toMatchObject({ ok: true });
    await identity.authorities.rotate(admin, { reason: "the key got out", retireOthers: true });
    expect(await identity.checkPeer(derOf(answer.certificate), { expired: "refused" })).toMatchObject({ ok: false, error: { code: "unauthenticated" } });
  });

  it("seals its keys anew after the master key was changed", async () => {
    const fresh = randomBytes(32);
    const both = createIdentity({ store: db.store, clock, log: silentLogger, seal: createSealer([fresh, key]), env: { GATEWAY_PUBLIC_ADDRESS: "a:1", HOLDFAST_PUBLIC_URL: "http://a" } });
    expect(await both.authorities.reseal()).toBeGreaterThan(0);
    const alone = createIdentity({ store: db.store, clock, log: silentLogger, seal: createSealer([fresh]), env: { GATEWAY_PUBLIC_ADDRESS: "a:1", HOLDFAST_PUBLIC_URL: "http://a" } });
    expect((await alone.authorities.forNodes()).issuer.id).toBeTruthy();
  });
});
