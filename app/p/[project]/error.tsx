"use client";

import { ErrorState } from "@/components/ui/empty-state";

/** A fault of a screen: the rest of the console goes on. */
export default function PageError({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <ErrorState
      title="This page failed"
      message={`${error.message || "A fault of the page itself, not of what it shows."}`}
      kept="Nothing was changed by it."
      id={error.digest ?? null}
      onRetry={reset}
    />
  );
}
