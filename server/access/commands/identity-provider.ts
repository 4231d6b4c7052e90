import { z } from "zod";
import { auditedCommand } from "../../audit";
import type { Actor, ProjectRef } from "../../core/access/actor";
import { refuseNow } from "../../core/base/refusal";
import type { FieldError } from "../../core/base/refusal";
import { settings } from "../../store";
import type { Tx } from "../../store";
import type { AccessDeps } from "../deps";

const KEY = "identityProvider";
/** What the provider's secret is sealed for. */
const PURPOSE = "setting/identityProvider/clientSecret";
const stored = z.object({ name: z.string(), issuer: z.string(), clientId: z.string(), sealedSecret: z.string() });

export type IdentityProvider = { name: string; issuer: string; clientId: string; clientSecret: string; source: "environment" | "settings" };

/** The OpenID Connect provider in force: of the environment, or else of the settings; null when there is none. */
export async function identityProvider(deps: AccessDeps): Promise<IdentityProvider | null> {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret, OIDC_NAME: name } = deps.env;
  if (issuer && clientId && clientSecret) return { name: name ?? new URL(issuer).host, issuer, clientId, clientSecret, source: "environment" };
  const value = stored.safeParse(await settings.get(deps.store.read.client, KEY));
  if (!value.success) return null;
  return { name: value.data.name, issuer: value.data.issuer, clientId: value.data.clientId, clientSecret: deps.seal.open(value.data.sealedSecret, PURPOSE), source: "settings" };
}

/** Only these may be reached without TLS: a provider on the same machine, as in tests and trials. */
const isLocal = (url: URL) => ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);

/**
 * Asks the issuer for its discovery document (OpenID Connect Discovery 1.0, section 4) and refuses one that does not
 * speak of itself. Redirects are not followed, and nothing of the answer is shown: this must not become a way to read
 * what only the server can reach.
 */
async function issuerFault(issuer: string): Promise<FieldError | null> {
  const url = new URL(issuer);
  const fault = (message: string, remedy: string): FieldError => ({ path: "issuer", message, remedy });
  if (url.protocol !== "https:" && !isLocal(url)) return fault("it is not https.", "Use an https address.");
  let found: unknown;
  try {
    const response = await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, { redirect: "error", signal: AbortSignal.timeout(5_000), headers: { accept: "application/json" } });
    found = response.ok ? await response.json() : null;
  } catch {
    found = null;
  }
  const document = z.object({ issuer: z.string(), authorization_endpoint: z.string(), token_endpoint: z.string() }).safeParse(found);
  if (document.success && document.data.issuer.replace(/\/$/, "") === issuer.replace(/\/$/, "")) return null;
  return fault("no discovery document of this issuer was found.", "Check that ISSUER/.well-known/openid-configuration answers from this server and names the same issuer.");
}

/** Sets or removes the provider for the whole installation. The client secret is sealed; it can be set, never read. */
export async function setIdentityProvider(deps: AccessDeps, actor: Actor, project: ProjectRef, input: { name: string; issuer: string; clientId: string; clientSecret?: string | undefined; remove: boolean }) {
  const { store, seal } = deps;
  const administrator = actor.roles(null).includes("administrator");
  // Asked before the transaction: nothing in it may wait for another machine.
  const fault = administrator && !input.remove ? await issuerFault(input.issuer) : null;
  return auditedCommand(store, actor, { action: "settings.setIdentityProvider", objectKind: "settings", objectId: KEY, object: input.name, projectId: project.id }, async (tx, note) => {
    if (!administrator) return refuseNow("forbidden", "The identity provider serves the whole installation.", "Ask an administrator of the installation.");
    if (deps.env.OIDC_ISSUER) return refuseNow("in_use", "The identity provider is set by the environment (OIDC_ISSUER).", "Change it there and start the web process again.");
    if (fault) return refuseNow("invalid_input", `The issuer can't be used: ${fault.message}`, fault.remedy, [fault]);
    const before = stored.safeParse(await settings.get(tx.client, KEY));
    const shown = (p: { name: string; issuer: string; clientId: string }) => ({ name: p.name, issuer: p.issuer, clientId: p.clientId });
    if (input.remove) {
      await settings.remove(tx.client, KEY);
      note({ before: before.success ? shown(before.data) : null, after: null });
      return { version: null, message: "The identity provider is removed; people sign in with their passwords here." };
    }
    const kept = before.success && before.data.issuer === input.issuer && before.data.clientId === input.clientId ? before.data.sealedSecret : null;
    const sealedSecret = input.clientSecret ? seal.seal(input.clientSecret, PURPOSE) : kept;
    if (sealedSecret === null) return refuseNow("invalid_input", "The client secret is missing.", "Give the secret that the provider issued for this client.", [{ path: "clientSecret", message: "missing", remedy: "Give the secret that the provider issued for this client." }]);
    await settings.put(tx.client, KEY, { ...shown(input), sealedSecret });
    note({ before: before.success ? shown(before.data) : null, after: { ...shown(input), secretChanged: input.clientSecret !== undefined } });
    tx.changes.add("person", "identityProvider", null);
    return { version: null, message: `People can now sign in with ${input.name}.` };
  });
}

/** Seals the provider's secret anew with the newest master key; true when there was something to do. */
export async function resealIdentityProvider(deps: Pick<AccessDeps, "seal">, tx: Tx): Promise<boolean> {
  const value = stored.safeParse(await settings.get(tx.client, KEY));
  if (!value.success || !deps.seal.isStale(value.data.sealedSecret)) return false;
  await settings.put(tx.client, KEY, { ...value.data, sealedSecret: deps.seal.seal(deps.seal.open(value.data.sealedSecret, PURPOSE), PURPOSE) });
  return true;
}
