import { createTRPCClient, httpLink, TRPCClientError } from "@trpc/client";
import type { TRPCClient } from "@trpc/client";
import superjson from "superjson";
import { refusal as refusalSchema } from "../server/core/base/refusal";
import type { FieldError, Refusal } from "../server/core/base/refusal";
import type { AppRouter } from "../server/trpc";
import type { Target } from "./config";
import { Ended, exitCodes } from "./io";
import type { ExitCode } from "./io";

export type Api = TRPCClient<AppRouter>;

/** The typed client of a server. Each call is one request; every answer within a minute or not at all. */
export function apiOf(target: Target): Api {
  return createTRPCClient<AppRouter>({
    links: [
      httpLink({
        url: `${target.server}/api/trpc`,
        transformer: superjson,
        headers: target.token ? { authorization: `Bearer ${target.token}` } : {},
        fetch: (url, options) => fetch(url, { ...(options as RequestInit), redirect: "error", signal: AbortSignal.timeout(60_000) }),
      }),
    ],
  });
}

const codeFor: Partial<Record<Refusal["code"], ExitCode>> = { invalid_input: exitCodes.usage, not_found: exitCodes.notFound, unavailable: exitCodes.unreachable };

/** Which file and line an error points at, when the input was text of ours. */
function place(field: FieldError, file: string | null): string {
  if (field.line === undefined) return file ? `${file}: ${field.path}` : field.path;
  return `${file ?? "input"}:${field.line}${field.column === undefined ? "" : `:${field.column}`}: ${field.path}`;
}

/** A refusal as text: what, then each field, then the remedy. */
export function writeRefusal(r: Refusal, file: string | null = null): string {
  const fields = (r.fields ?? []).map((f) => `  ${place(f, file)}: ${f.message}${f.remedy && f.remedy !== r.remedy ? `\n    ${f.remedy}` : ""}`);
  return [`${r.message} (${r.code})`, ...fields, `  ${r.remedy}`].join("\n");
}

export const refusedWith = (r: Refusal, file: string | null = null): Ended => new Ended(codeFor[r.code] ?? exitCodes.refused, writeRefusal(r, file));

/** The refusal that an error of a call carries; null when it is none. */
export function refusalOf(error: unknown): Refusal | null {
  if (!(error instanceof TRPCClientError)) return null;
  const parsed = refusalSchema.safeParse((error.data as { refusal?: unknown } | null | undefined)?.refusal);
  return parsed.success ? parsed.data : null;
}

/** Turns whatever a command threw into the way it ends. */
export function endingOf(error: unknown, target: { server: string } | null, file: string | null): Ended {
  if (error instanceof Ended) return error;
  const refusal = refusalOf(error);
  if (refusal) return refusedWith(refusal, file);
  const server = target?.server ?? "the server";
  if (error instanceof TRPCClientError) {
    const data = error.data as { httpStatus?: number; requestId?: string | null } | null | undefined;
    if (data?.httpStatus === undefined) return unreachable(server, error);
    if (data.httpStatus === 404) return new Ended(exitCodes.failure, `${server} does not know this command. Is it another version? (holdfast health)`);
    return new Ended(exitCodes.failure, error.message);
  }
  if (error instanceof TypeError && error.message === "fetch failed") return unreachable(server, error);
  return new Ended(exitCodes.failure, error instanceof Error ? error.message : String(error));
}

function unreachable(server: string, error: Error): Ended {
  const inner = error.cause instanceof Error ? error.cause : error;
  const root = inner.cause instanceof Error ? inner.cause : inner;
  const why = (root as { code?: string }).code ?? root.message;
  return new Ended(exitCodes.unreachable, `${server} can't be reached (${why}).\n  Check the address and that the server runs; \`holdfast health\` tells more.`);
}
