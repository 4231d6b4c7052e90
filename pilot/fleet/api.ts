import { createTRPCClient, httpBatchLink, TRPCClientError } from "@trpc/client";
import superjson from "superjson";
import type { AppRouter } from "../../server/trpc";
import { pause } from "./processes";
import type { PilotArtifact } from "./artifacts";

/** The project that the pilot lives in. */
export const PROJECT = "default";

export type Api = ReturnType<typeof createTRPCClient<AppRouter>>;
export type Server = { readonly url: string; readonly token: string };

const CALL_TIMEOUT_MS = 20_000;

/** The server's public API, with a service token: the pilot has no other way in. */
export function openApi({ url, token }: Server): Api {
  return createTRPCClient<AppRouter>({
    links: [
      httpBatchLink({
        url: new URL("/api/trpc", url).href,
        transformer: superjson,
        headers: { authorization: `Bearer ${token}` },
        maxURLLength: 4_000,
        fetch: (input, init) => fetch(input as string, { ...(init as RequestInit), signal: AbortSignal.timeout(CALL_TIMEOUT_MS) }),
      }),
    ],
  });
}

/** The closed code of a refusal, or null when the call failed for another reason (no answer, a fault). */
export function refusalCode(error: unknown): string | null {
  if (!(error instanceof TRPCClientError)) return null;
  const data = error.data as { refusal?: { code: string } | null } | null | undefined;
  return data?.refusal?.code ?? null;
}

/** A failed call as a sentence, with the remedy and the fields where the server named them. */
export function sentence(error: unknown): string {
  const data = error instanceof TRPCClientError ? (error.data as { refusal?: { message: string; remedy: string; fields?: { path: string; message: string }[] } | null } | null) : null;
  if (data?.refusal == null) return error instanceof Error ? error.message : String(error);
  const fields = (data.refusal.fields ?? []).map((field) => `${field.path}: ${field.message}`).join("; ");
  return [data.refusal.message, fields, data.refusal.remedy].filter((part) => part !== "").join(" ");
}

/** The answer, or null when what was asked for is not there. */
export async function orNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (refusalCode(error) === "not_found") return null;
    throw error;
  }
}

/**
 * Calls until it is answered: a server that restarts is waited for, a refusal is final and thrown.
 * `onWait` is told why it waits.
 */
export async function persist<T>(what: string, call: () => Promise<T>, onWait: (why: string) => void, stop: AbortSignal): Promise<T> {
  for (let waitMs = 500; ; waitMs = Math.min(10_000, waitMs * 2)) {
    try {
      return await call();
    } catch (error) {
      const code = refusalCode(error);
      if (stop.aborted || (code !== null && code !== "unavailable" && code !== "throttled")) throw new Error(`${what}: ${sentence(error)}`, { cause: error });
      onWait(`${what}: ${sentence(error)}; trying again`);
      await pause(waitMs);
    }
  }
}

/** Uploads an artifact unless the server has it. Throws with the server's answer when it is refused. */
export async function upload(api: Api, server: Server, artifact: PilotArtifact): Promise<void> {
  const known = await orNull(api.artifacts.get.query({ project: PROJECT, digest: artifact.digest }));
  if (known?.complete === true) return;
  const url = new URL(`/api/artifacts/${encodeURIComponent(artifact.digest)}`, server.url);
  url.search = new URLSearchParams({ project: PROJECT, name: artifact.name, mediaType: artifact.mediaType }).toString();
  const answer = await fetch(url, {
    method: "PUT",
    headers: { authorization: `Bearer ${server.token}`, "content-type": "application/octet-stream" },
    body: new Uint8Array(artifact.bytes),
    signal: AbortSignal.timeout(60_000),
  });
  if (!answer.ok) throw new Error(`upload of ${artifact.name} was answered with ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
}
