import { auditedCommand } from "../../audit";
import type { Actor, ProjectRef } from "../../core/access/actor";
import type { Role } from "../../core/access/permissions";
import { refuseNow } from "../../core/base/refusal";
import { hashToken, newId, newToken } from "../../platform";
import { sessions } from "../../store";
import { DAY_MS, tokenPrefix } from "../deps";
import type { AccessDeps } from "../deps";

/** Commands on service tokens: how the CLI in CI and other programs act, in one project, with one role, until a day. */
export function tokenCommands(deps: AccessDeps) {
  const { store, clock } = deps;
  return {
    /**
     * Makes a token and gives it out once; the store keeps its hash. Names of standing tokens are unique in a project;
     * `replace` revokes the one that has the name now.
     */
    async createToken(actor: Actor, project: ProjectRef, input: { name: string; role: Role; expiresInDays: number; replace?: boolean }) {
      const id = newId("token");
      return auditedCommand(store, actor, { action: "token.create", objectKind: "token", objectId: id, object: input.name, projectId: project.id }, async (tx, note) => {
        const nowMs = clock.nowMs();
        const same = await sessions.unrevokedServiceTokens(tx.client, project.id, input.name);
        if (same.some((t) => t.expiresAtMs > nowMs) && !input.replace) return refuseNow("already_exists", `There is a token '${input.name}' already.`, "Revoke it first, or choose another name.", [{ path: "name", message: "taken", remedy: "Choose another name, or revoke the token that has it." }]);
        for (const t of same) await sessions.revokeServiceToken(tx.client, t.id, nowMs);
        const token = newToken(tokenPrefix.service);
        const expiresAtMs = nowMs + input.expiresInDays * DAY_MS;
        await sessions.insertServiceToken(tx.client, { id, projectId: project.id, name: input.name, role: input.role, tokenHash: hashToken(token), createdBy: actor.name, nowMs, expiresAtMs });
        note({ after: { role: input.role, expiresAtMs, replaced: same.map((t) => t.id) } });
        tx.changes.add("token", id, project.id);
        return { id, name: input.name, role: input.role, createdBy: actor.name, createdAtMs: nowMs, expiresAtMs, lastUsedMs: null, state: "active" as const, token };
      });
    },

    async revokeToken(actor: Actor, project: ProjectRef, input: { id: string }) {
      return auditedCommand(store, actor, { action: "token.revoke", objectKind: "token", objectId: input.id, object: input.id, projectId: project.id }, async (tx, note) => {
        const token = await sessions.serviceTokenById(tx.client, project.id, input.id);
        if (!token) return refuseNow("not_found", "There is no such token in this project.", "Look at the list of tokens again.");
        note({ object: token.name });
        if (!(await sessions.revokeServiceToken(tx.client, token.id, clock.nowMs()))) return refuseNow("already_used", "The token is revoked already.", "Nothing is left to do.");
        tx.changes.add("token", token.id, project.id);
        return { version: null, message: `The token ${token.name} is revoked; it stops working at once.` };
      });
    },
  };
}
