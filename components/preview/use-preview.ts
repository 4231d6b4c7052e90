"use client";

import { useState } from "react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { refusalOf } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { useProject } from "@/components/shell/project-context";
import { useDebounced } from "@/components/shell/use-debounced";
import type { Refusal } from "@/server/core/base/refusal";
import type { PreviewView } from "@/server/core/views";
import type { RouterInputs } from "@/server/trpc";

/** What is asked "what if" of. */
export type Change = Omit<RouterInputs["placement"]["preview"], "project">;

export interface Preview {
  /** The last answer; it stays while a newer one is awaited, refused or failed. */
  view: PreviewView | null;
  /** The answer is to an older question than the one on the screen. */
  stale: boolean;
  busy: boolean;
  refused: Refusal | null;
  failed: unknown;
  retry: () => void;
}

/** How long a text has to rest before it is asked about. */
const REST_MS = 350;

/**
 * What a change would do, asked anew as it changes: an older question that is still under way is cancelled. `null` asks
 * nothing and keeps what is known. While a change stands still it is asked again now and then, because the fleet moves.
 */
export function usePreview(change: Change | null): Preview {
  const { project } = useProject();
  const trpc = useTRPC();
  const wanted = change === null ? null : JSON.stringify(change);
  const settled = useDebounced(wanted, REST_MS);
  const [asked, setAsked] = useState(settled);
  if (settled !== null && settled !== asked) setAsked(settled);
  const query = useQuery({
    ...trpc.placement.preview.queryOptions({ project, ...(JSON.parse(asked ?? "{}") as Change) }, { trpc: { abortOnUnmount: true } }),
    enabled: asked !== null && wanted !== null,
    placeholderData: keepPreviousData,
    staleTime: 5_000,
    refetchInterval: 20_000,
  });
  // An answer is kept beyond a refusal of the next question: the reader corrects the text with it in view.
  const [kept, setKept] = useState<PreviewView | null>(null);
  if (query.data && query.data !== kept) setKept(query.data);
  const view = query.data ?? kept;
  const refused = refusalOf(query.error);
  return {
    view,
    stale: view !== null && (wanted !== asked || query.isPlaceholderData || query.isError),
    busy: query.isFetching || (wanted !== null && wanted !== asked),
    refused: wanted === asked ? refused : null,
    failed: refused || wanted !== asked ? null : query.error,
    retry: () => void query.refetch(),
  };
}
