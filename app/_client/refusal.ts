import { TRPCClientError } from "@trpc/client";
import type { Refusal } from "@/server/core/base/refusal";

type Data = { refusal?: Refusal | null; requestId?: string | null; code?: string };

function dataOf(error: unknown): Data | null {
  if (!(error instanceof TRPCClientError)) return null;
  return (error.data as Data | null) ?? null;
}

/** The refusal that an error carries, with its closed code; null for faults and a server that did not answer. */
export function refusalOf(error: unknown): Refusal | null {
  return dataOf(error)?.refusal ?? null;
}

/** An error as a sentence for people: what happened and what to do. */
export function explain(error: unknown): { message: string; id: string | null } {
  const data = dataOf(error);
  if (data?.refusal) return { message: `${data.refusal.message} ${data.refusal.remedy}`.trim(), id: null };
  if (data?.code) return { message: error instanceof Error ? error.message : "The server failed.", id: data.requestId ?? null };
  return { message: "The server did not answer. What you see is kept; it is asked again when the connection is back.", id: null };
}

/** The message for one field of a form, from a refusal that names fields. */
export function fieldMessage(error: unknown, path: string): string | null {
  const field = refusalOf(error)?.fields?.find((one) => one.path === path);
  return field ? `${field.message} ${field.remedy}`.trim() : null;
}
