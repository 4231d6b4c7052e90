import { resealIdentityProvider } from "../access";
import { resealHooks } from "../hooks";
import { auditedCommand } from "../audit";
import type { Actor } from "../core/access/actor";
import type { Sealer } from "../platform";
import { sealedValues } from "../store";
import type { Store } from "../store";
import { environmentPurpose, secretPurpose } from "../workloads";

export interface Resealed {
  keyId: string;
  secrets: number;
  environments: number;
  identityProvider: boolean;
  authorities: number;
}

/**
 * Seals everything that an older master key sealed anew with the newest one, in one transaction (the authority's keys in
 * one of their own, by the feature that has them). The store must be open as the owner of the tables: the application
 * can't change what a revision said. Throws `CannotOpen` when a key is missing; nothing is changed then.
 */
export async function resealEverything(o: { store: Store; seal: Sealer; actor: Actor; resealAuthorities: () => Promise<number> }): Promise<Resealed> {
  const { store, seal } = o;
  const anew = (sealed: string, purpose: string) => seal.seal(seal.open(sealed, purpose), purpose);
  const done = await auditedCommand(store, o.actor, { action: "masterKey.rotate", objectKind: "masterKey", objectId: seal.keyId, object: seal.keyId, projectId: null }, async (tx, note) => {
    const counts = { secrets: 0, environments: 0, identityProvider: await resealIdentityProvider({ seal }, tx), hooks: await resealHooks({ seal }, tx) };
    for (const s of await sealedValues.secrets(tx.client)) {
      if (!seal.isStale(s.sealed)) continue;
      await sealedValues.setSecret(tx.client, s.projectId, s.name, anew(s.sealed, secretPurpose(s.projectId, s.name)));
      counts.secrets++;
    }
    for (const e of await sealedValues.environments(tx.client)) {
      if (!Object.values(e.env).some((v) => typeof v === "string" && seal.isStale(v))) continue;
      const env = Object.fromEntries(Object.entries(e.env).map(([name, v]) => [name, typeof v === "string" ? anew(v, environmentPurpose(e.projectId, e.workload, name)) : v]));
      await sealedValues.setEnvironment(tx.client, e, env);
      counts.environments++;
    }
    note({ after: counts });
    return counts;
  });
  return { keyId: seal.keyId, ...done, authorities: await o.resealAuthorities() };
}
