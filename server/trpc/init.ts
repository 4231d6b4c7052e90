import { initTRPC, TRPCError } from "@trpc/server";
import superjson from "superjson";
import { z } from "zod";
import type { Actor, ProjectRef } from "../core/access/actor";
import { mayDo, whoMay } from "../core/access/permissions";
import type { Permission } from "../core/access/permissions";
import { dnsLabel } from "../core/base/ids";
import { isRefused, refuse } from "../core/base/refusal";
import type { Refusal } from "../core/base/refusal";
import { refusalIn, refusedError } from "./errors";
import type { Features, RequestOrigin } from "./features";

/** What every procedure gets. There is no store in it: procedures call features, nothing else. */
export type Context = {
  /** Null when the request carries no valid session or token. */
  actor: Actor | null;
  /** A person whose password was set by somebody else: only `me.*` answers until it is changed. */
  mustChangePassword: boolean;
  origin: RequestOrigin;
  features: Features;
  /** Writes the audit entry of a command that the door refused before any feature saw it. */
  recordRefusal: (actor: Actor, entry: RefusedCommand) => Promise<void>;
  /** Logs a fault of the product's own under the request id. */
  fault: (error: unknown, path: string) => void;
};
export type RefusedCommand = { action: string; objectKind: string; object: string; project: ProjectRef | null; refusal: Refusal };

/** What a procedure says of itself: a test walks the router and reads it. */
export type ProcedureMeta = {
  access: { kind: "public" } | { kind: "session" } | { kind: "permission"; permission: Permission };
  /** Of a command: its action code in the audit log (by its input, where one procedure does several) and the kind of object it acts on. */
  action?: string | ((input: unknown) => string);
  objectKind?: string;
};

const t = initTRPC
  .context<Context>()
  .meta<ProcedureMeta>()
  .create({
    transformer: superjson,
    isDev: false,
    errorFormatter: ({ shape, error, ctx }) => {
      const refusal = refusalIn(error);
      const ours = error.code === "INTERNAL_SERVER_ERROR";
      const id = ctx?.origin.requestId ?? null;
      return {
        ...shape,
        message: ours ? `Holdfast could not answer. The log has the cause under ${id ?? "the time of this request"}.` : (refusal?.message ?? shape.message),
        data: { code: shape.data.code, httpStatus: shape.data.httpStatus, path: shape.data.path, refusal, requestId: id },
      };
    },
  });

export const router = t.router;
export const createCallerFactory = t.createCallerFactory;

/** First in every procedure: turns refusals thrown by features into their HTTP code, and logs faults under an id. */
const guard = t.middleware(async ({ next, ctx, path }) => {
  const result = await next();
  if (result.ok) return result;
  const refusal = refusalIn(result.error);
  if (refusal) throw refusedError(refusal, result.error.cause);
  if (result.error.code === "INTERNAL_SERVER_ERROR") ctx.fault(result.error.cause ?? result.error, path);
  return result;
});

function unauthenticated(): TRPCError {
  return refusedError(refuse("unauthenticated", "You are not signed in, or the session has ended.", "Sign in again, or give a valid service token."));
}

/** What the input calls its object, as far as it can be told before the input was checked. */
function objectNamed(raw: unknown): string {
  if (typeof raw !== "object" || raw === null) return "";
  const o = raw as Record<string, unknown>;
  for (const key of ["name", "id", "number", "workload", "assignmentId", "login", "digest"]) {
    const value = o[key];
    if (typeof value === "string" || typeof value === "number") return String(value).slice(0, 200);
  }
  return "";
}

/** A procedure that anybody may call. Every one of them stands on the list in the router's test. */
export const open = t.procedure.use(guard).meta({ access: { kind: "public" } });

/** A procedure about oneself: needs a session or token, no role. Answers also while a password must be changed. */
export const signedIn = t.procedure
  .use(guard)
  .meta({ access: { kind: "session" } })
  .use(({ ctx, next }) => {
    if (!ctx.actor) throw unauthenticated();
    return next({ ctx: { actor: ctx.actor } });
  });

/**
 * A procedure that needs a permission in a project. The project is part of the input and is resolved before the rest
 * of the input is looked at, so that nobody learns from error messages what they may not see.
 */
export function allowed(permission: Permission) {
  return t.procedure
    .use(guard)
    .meta({ access: { kind: "permission", permission } })
    .input(z.object({ project: dnsLabel }))
    .use(async ({ ctx, input, next, type, meta, path, getRawInput }) => {
      const { actor } = ctx;
      if (!actor) throw unauthenticated();
      const project = await ctx.features.access.queries.project(input.project);
      const refused = async (r: Refusal): Promise<void> => {
        if (type !== "mutation") return;
        const raw = await getRawInput();
        const action = typeof meta?.action === "function" ? meta.action(raw) : (meta?.action ?? path);
        await ctx.recordRefusal(actor, { action, objectKind: meta?.objectKind ?? "procedure", object: objectNamed(raw), project, refusal: r });
      };
      const no = deny(ctx, actor, project, input.project, permission);
      if (no) {
        await refused(no);
        throw refusedError(no);
      }
      if (!project) throw unauthenticated();
      const result = await next({ ctx: { actor, project } });
      // Input that does not fit its schema never reaches a feature, so the attempt is recorded here.
      if (!result.ok && result.error.code === "BAD_REQUEST" && !isFeatureRefusal(result.error)) {
        const r = refusalIn(result.error);
        if (r) await refused(r);
      }
      return result;
    });
}

/** A state-changing procedure: as `allowed`, with the action code under which it stands in the audit log. */
export function command(permission: Permission, action: string | ((input: unknown) => string), objectKind: string) {
  return allowed(permission).meta({ access: { kind: "permission", permission }, action, objectKind });
}

function isFeatureRefusal(error: TRPCError): boolean {
  return isRefused(error.cause);
}

function deny(ctx: Context, actor: Actor, project: ProjectRef | null, asked: string, permission: Permission): Refusal | null {
  if (ctx.mustChangePassword) return refuse("forbidden", "Your password was set by somebody else and must be changed first.", "Change it under your name in the top bar, or with me.changePassword.");
  const roles = project ? actor.roles(project.id) : [];
  // Whoever holds no role in a project is told the same as when it does not exist.
  if (!project || roles.length === 0) return refuse("not_found", `There is no project '${asked}' in which you hold a role.`, "Check the project's name, or ask an administrator for a role in it.");
  if (!mayDo(roles, permission)) return refuse("forbidden", `You hold ${roles.join(", ")} in '${project.name}'. ${whoMay(permission)}`, "Ask somebody who holds the role, or an administrator to give it to you.");
  return null;
}
