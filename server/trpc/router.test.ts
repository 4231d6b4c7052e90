import { TRPCError } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { rolesFrom } from "../core/access/actor";
import type { Actor } from "../core/access/actor";
import { mayDo, roles } from "../core/access/permissions";
import type { Role } from "../core/access/permissions";
import { auditActionCodes } from "../core/audit";
import { refusalIn } from "./errors";
import type { Features } from "./features";
import { appRouter } from "./index";
import { createCallerFactory } from "./init";
import type { Context, RefusedCommand } from "./init";
import { allProcedures, sampleInputs } from "./testing/procedures";

/** The whole list of what answers without a session. Adding to it is a decision about security, made here. */
const publicProcedures = ["access.options", "access.signInToken", "access.acceptInvitation"];
/** What answers to anybody who is signed in, whatever the roles: only about oneself. */
const sessionProcedures = ["me.get", "me.changePassword", "me.signOut"];

class Reached extends Error {}
const projects: Record<string, { id: string; name: string }> = { default: { id: "project-1", name: "default" }, other: { id: "project-2", name: "other" } };

/** Features of which every function says that it was reached, but for the look-up of projects. */
function watchedFeatures(): Features {
  const handler: ProxyHandler<object> = {
    get: (_target, key) => (key === "then" ? undefined : new Proxy(() => undefined, handler)),
    apply: () => {
      throw new Reached();
    },
  };
  const everything = new Proxy({}, handler) as Features;
  return new Proxy(everything, {
    get: (target, key) => (key === "access" ? { commands: target.access.commands, queries: new Proxy(target.access.queries, { get: (t, k) => (k === "project" ? async (name: string) => projects[name] ?? null : Reflect.get(t, k)) }) } : Reflect.get(target, key)),
  });
}

const actorWith = (held: readonly Role[], projectId = "project-1"): Actor => ({ kind: "person", id: "person-1", name: "Ada", strength: "password", sessionId: "session-1", roles: rolesFrom(held.map((role) => ({ projectId, role }))) });

async function call(path: string, actor: Actor | null, o: { input?: unknown; mustChangePassword?: boolean; project?: string } = {}): Promise<{ outcome: string; recorded: RefusedCommand[] }> {
  const recorded: RefusedCommand[] = [];
  const context: Context = {
    actor,
    mustChangePassword: o.mustChangePassword ?? false,
    origin: { address: null, userAgent: null, requestId: "req-1" },
    features: watchedFeatures(),
    recordRefusal: async (_actor, entry) => void recorded.push(entry),
    fault: () => undefined,
  };
  const caller = createCallerFactory(appRouter)(context);
  const input = o.input ?? { project: o.project ?? "default", ...sampleInputs[path] };
  const procedure = path.split(".").reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], caller) as (input: unknown) => Promise<unknown>;
  try {
    await procedure(input);
    return { outcome: "answered", recorded };
  } catch (error) {
    if (!(error instanceof TRPCError)) throw error;
    if (error.cause instanceof Reached) return { outcome: "reached", recorded };
    return { outcome: refusalIn(error)?.code ?? error.code, recorded };
  }
}

const all = allProcedures();
const byPermission = all.flatMap((p) => (p.meta?.access.kind === "permission" ? [{ path: p.path, type: p.type, permission: p.meta.access.permission }] : []));

describe("every procedure", () => {
  // Guarantee: no procedure is open by oversight: each names its permission or stands on one of two short lists.
  it("names its permission or stands on a list", () => {
    const kindOf = (kind: string) => all.filter((p) => p.meta?.access.kind === kind).map((p) => p.path);
    expect(all.filter((p) => p.meta === undefined).map((p) => p.path)).toEqual([]);
    expect(kindOf("public").sort()).toEqual([...publicProcedures].sort());
    expect(kindOf("session").sort()).toEqual([...sessionProcedures].sort());
    expect(byPermission.length).toBe(all.length - publicProcedures.length - sessionProcedures.length);
    expect(byPermission.length).toBeGreaterThan(60);
  });

  // Guarantee: every command has a code in the audit log, so that a refusal at the door can be recorded.
  it("has an action code if it changes something", () => {
    for (const p of all.filter((x) => x.type === "mutation")) {
      const action = p.meta?.action;
      expect(auditActionCodes, p.path).toContain(typeof action === "function" ? action(sampleInputs[p.path]) : action);
    }
  });

  // Guarantee: the samples that other tests send cover every procedure that needs an input.
  it("has a sample that its schema accepts", async () => {
    for (const p of byPermission) expect(await call(p.path, actorWith(["administrator"])), p.path).toEqual({ outcome: "reached", recorded: [] });
  });
});

describe("every procedure with a permission", () => {
  // Guarantee: each role reaches exactly what its permissions say, in its own project, and a refused command is recorded.
  it.each(roles.map((r) => [r]))("is reached by %s exactly where the table of permissions says so", async (role) => {
    for (const p of byPermission) {
      const { outcome, recorded } = await call(p.path, actorWith([role]));
      const may = mayDo([role], p.permission);
      expect(`${p.path}: ${outcome}`).toBe(`${p.path}: ${may ? "reached" : "forbidden"}`);
      expect(recorded.map((r) => r.refusal.code), p.path).toEqual(may || p.type !== "mutation" ? [] : ["forbidden"]);
    }
  });

  // Guarantee: a role in one project opens nothing in another, and does not even tell that it exists.
  it("is not there for somebody of another project, nor in a project that does not exist", async () => {
    for (const p of byPermission) {
      expect((await call(p.path, actorWith([...roles], "project-2"))).outcome, p.path).toBe("not_found");
      expect((await call(p.path, actorWith(["administrator"]), { project: "no-such" })).outcome, p.path).toBe("not_found");
    }
  });

  // Guarantee: without a session, with no role, or before a password set by others was changed, nothing answers.
  it("answers nobody without a session, a role and a password of one's own", async () => {
    for (const p of byPermission) {
      expect((await call(p.path, null)).outcome, p.path).toBe("unauthenticated");
      expect((await call(p.path, actorWith([]))).outcome, p.path).toBe("not_found");
      expect((await call(p.path, actorWith(["administrator"]), { mustChangePassword: true })).outcome, p.path).toBe("forbidden");
    }
  });

  // Guarantee: what an input holds beside its schema never reaches a feature (no mass assignment).
  it("does not pass on what its schema does not know", async () => {
    let seen: unknown;
    const features = watchedFeatures();
    const context: Context = { actor: actorWith(["administrator"]), mustChangePassword: false, origin: { address: null, userAgent: null, requestId: "r" }, recordRefusal: async () => undefined, fault: () => undefined, features: { ...features, access: { ...features.access, queries: { ...features.access.queries, project: async () => projects.default ?? null }, commands: { ...features.access.commands, invite: async (_a, _p, input) => { seen = input; throw new Reached(); } } } } as Features };
    await expect(createCallerFactory(appRouter)(context).people.invite({ project: "default", login: "eve", role: "viewer", projectId: "project-2", roles: ["administrator"], createdBy: "root" } as never)).rejects.toThrow();
    expect(seen).toEqual({ project: "default", login: "eve", role: "viewer" });
  });
});

describe("procedures about oneself", () => {
  // Guarantee: they need a session, and nothing else; a password that must be changed can be changed.
  it.each(sessionProcedures)("%s answers whoever is signed in", async (path) => {
    expect((await call(path, null, { input: sampleInputs[path] ?? {} })).outcome).toBe("unauthenticated");
    expect((await call(path, actorWith([]), { input: sampleInputs[path] ?? {}, mustChangePassword: true })).outcome).toBe("reached");
  });
});

describe("bad input", () => {
  // Guarantee: a refused command is in the audit log even when its input made no sense; errors name the fields.
  it("is refused with the fields, and recorded for commands", async () => {
    const { outcome, recorded } = await call("fleet.cordon", actorWith(["operator"]), { input: { project: "default", name: "kiel-1", version: "one", reason: "" } });
    expect(outcome).toBe("invalid_input");
    expect(recorded).toMatchObject([{ action: "node.cordon", objectKind: "node", object: "kiel-1", refusal: { code: "invalid_input" } }]);
    expect(recorded[0]?.refusal.fields?.map((f) => f.path).sort()).toEqual(["reason", "version"]);
  });

  // Guarantee: whoever may not do it learns nothing about what a valid input would be.
  it("is not looked at before the permission", async () => {
    expect((await call("fleet.cordon", actorWith(["viewer"]), { input: { project: "default" } })).outcome).toBe("forbidden");
    expect((await call("fleet.cordon", actorWith(["viewer"], "project-2"), { input: { project: "default" } })).outcome).toBe("not_found");
  });
});
