"use client";

import { useQueryClient, type QueryFilters } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";
import { toast } from "@/components/ui/toaster";

/**
 * What a command does when it ends: it says how it went and has what it changed read anew. A dialog gives `onDone`, by
 * which it closes, and shows a refusal itself.
 */
export function useOutcome(changed: QueryFilters, onDone?: () => void) {
  const queries = useQueryClient();
  return {
    onSuccess: (done: { message: string }) => {
      toast.success(done.message);
      onDone?.();
    },
    onError: (error: unknown) => {
      if (!onDone) toast.error(explain(error).message);
    },
    onSettled: () => void queries.invalidateQueries(changed),
  };
}
