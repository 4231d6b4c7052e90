/**
 * The embedded authorities: one that issues, and older ones that are believed until their certificates are gone.
 *
 * Rotation strands nobody. The new authority issues nodes' certificates at once, and every agent learns the bundle of
 * believed authorities when it enrols or renews. Gateways keep serving a certificate of the *oldest* believed authority,
 * which every agent that may still come back knows. An authority is retired when none of its certificates could be
 * renewed any more; from then on the next oldest is known to all.
 */
import { systemActor } from "../core/access/actor";
import type { Actor } from "../core/access/actor";
import { refuseNow } from "../core/base/refusal";
import { auditedCommand } from "../audit";
import { newId } from "../platform";
import { identityAuthorities } from "../store";
import type { AuthorityRow, IdentityDeps } from "./deps";
import { fingerprintOf, makeAuthority, openAuthority } from "./x509";
import type { SigningAuthority } from "./x509";

/** Rows read for checking peers may be this old; issuing always reads the store. */
const CACHE_MS = 10_000;
const purposeOf = (id: string) => `authority/${id}`;
const self = systemActor("identity");

export interface Authorities {
  /** Makes the first authority when there is none; safe to call from several processes at once. */
  ensure(): Promise<void>;
  /** Believed authorities, oldest first; read anew when older than a few seconds, or when `fresh`. */
  believed(fresh?: boolean): Promise<readonly AuthorityRow[]>;
  /** The authority that signs certificates of nodes, and the certificates of all believed ones in one PEM text. */
  forNodes(): Promise<{ issuer: SigningAuthority; bundle: string }>;
  /** The authority that signs certificates of gateways: the oldest that is believed. */
  serverIssuer(): Promise<SigningAuthority>;
  /** What a joining agent pins: fingerprint of the authority behind the gateways' certificates. */
  fingerprint(): Promise<string>;
  /** Replaces the issuing authority by a new one. With `retireOthers` (a key got out) the old ones are dropped at once and every node has to enrol anew. */
  rotate(actor: Actor, o: { reason: string; retireOthers?: boolean }): Promise<{ id: string; fingerprint: string; retired: string[] }>;
  /** Retires authorities whose certificates are all gone; gives their ids. */
  retireEmpty(): Promise<string[]>;
  /** Seals every authority's key with the present master key; gives how many were sealed with an older one. */
  reseal(): Promise<number>;
}

export function createAuthorities(deps: IdentityDeps): Authorities {
  const { store, clock, seal } = deps;
  const opened = new Map<string, SigningAuthority>();
  let cache: { rows: AuthorityRow[]; atMs: number } | undefined;

  async function believed(fresh = false): Promise<readonly AuthorityRow[]> {
    const nowMs = clock.nowMs();
    if (fresh || !cache || Math.abs(nowMs - cache.atMs) > CACHE_MS) {
      const rows = await identityAuthorities.believedAuthorities(store.read.client);
      cache = { rows: rows.filter((a) => a.notAfterMs > nowMs), atMs: nowMs };
    }
    return cache.rows;
  }

  async function open(row: AuthorityRow | undefined): Promise<SigningAuthority> {
    if (!row) throw new Error("there is no authority: ensure() was not called");
    let signing = opened.get(row.id);
    if (!signing) opened.set(row.id, (signing = await openAuthority({ id: row.id, certificate: row.certificate, privateKey: seal.open(row.sealedKey, purposeOf(row.id)) })));
    return signing;
  }

  async function make(): Promise<AuthorityRow> {
    const id = newId("ca");
    const nowMs = clock.nowMs();
    const made = await makeAuthority({ id, nowMs });
    return { id, certificate: made.certificate, sealedKey: seal.seal(made.privateKey, purposeOf(id)), state: "active", createdAtMs: nowMs, notAfterMs: made.notAfterMs };
  }

  return {
    believed,
    async ensure() {
      if ((await believed(true)).some((a) => a.state === "active")) return;
      await auditedCommand(store, self, { action: "authority.create", objectKind: "authority", objectId: "first", object: "embedded authority", projectId: null }, async (tx, note) => {
        await identityAuthorities.lockAuthorities(tx.client);
        const there = await identityAuthorities.believedAuthorities(tx.client);
        if (there.some((a) => a.state === "active" && a.notAfterMs > clock.nowMs())) return note({ nothing: true });
        const row = await make();
        await identityAuthorities.insertActiveAuthority(tx.client, row);
        note({ objectId: row.id, after: { fingerprint: fingerprintOf(row.certificate) } });
      });
      await believed(true);
    },
    async forNodes() {
      const rows = await believed(true);
      return { issuer: await open(rows.findLast((a) => a.state === "active")), bundle: `${rows.map((a) => a.certificate.trimEnd()).join("\n")}\n` };
    },
    async serverIssuer() {
      return open((await believed(true))[0]);
    },
    async fingerprint() {
      const oldest = (await believed(true))[0];
      if (!oldest) throw new Error("there is no authority: ensure() was not called");
      return fingerprintOf(oldest.certificate);
    },
    async rotate(actor, o) {
      const row = await make();
      const fingerprint = fingerprintOf(row.certificate);
      const retired = await auditedCommand(store, actor, { action: "authority.rotate", objectKind: "authority", objectId: row.id, object: "embedded authority", projectId: null, reason: o.reason }, async (tx, note) => {
        await identityAuthorities.lockAuthorities(tx.client);
        const before = await identityAuthorities.believedAuthorities(tx.client);
        if (before.length > 3 && !o.retireOthers) refuseNow("in_use", "Three older authorities are still believed.", "Wait until the certificates of the oldest are gone, or retire the others, which makes every node enrol anew.");
        await identityAuthorities.insertActiveAuthority(tx.client, row);
        const gone = o.retireOthers ? await identityAuthorities.retireAuthorities(tx.client, before.map((a) => a.id)) : [];
        note({ before: { believed: before.map((a) => fingerprintOf(a.certificate)) }, after: { active: fingerprint, retired: gone } });
        tx.notify("holdfast_revoked", "authorities");
        return gone;
      });
      await believed(true);
      return { id: row.id, fingerprint, retired };
    },
    async retireEmpty() {
      const renewableSinceMs = clock.nowMs() - lateRenewalMs(deps);
      if ((await identityAuthorities.authoritiesWithoutLeaves(store.read.client, renewableSinceMs)).length === 0) return [];
      const retired = await auditedCommand(store, self, { action: "authority.retire", objectKind: "authority", objectId: "empty", object: "embedded authority", projectId: null }, async (tx, note) => {
        await identityAuthorities.lockAuthorities(tx.client);
        const gone = await identityAuthorities.retireAuthorities(tx.client, await identityAuthorities.authoritiesWithoutLeaves(tx.client, renewableSinceMs));
        note({ nothing: gone.length === 0, objectId: gone.join(","), after: { retired: gone } });
        tx.notify("holdfast_revoked", "authorities");
        return gone;
      });
      await believed(true);
      return retired;
    },
    async reseal() {
      const count = await store.inTransaction(async (tx) => {
        const stale = (await identityAuthorities.sealedAuthorityKeys(tx.client)).filter((a) => seal.isStale(a.sealedKey));
        for (const a of stale) await identityAuthorities.setSealedAuthorityKey(tx.client, a.id, seal.seal(seal.open(a.sealedKey, purposeOf(a.id)), purposeOf(a.id)));
        return stale.length;
      });
      return count;
    },
  };
}

/** For how long after its end a certificate may be exchanged for a new one. */
export const lateRenewalMs = (deps: IdentityDeps) => (deps.env.LATE_RENEWAL_DAYS ?? 30) * 86_400_000;
