"use client";

import { ErrorState } from "@/components/ui/empty-state";

/** A fault of a screen: the rest of the console goes on. */
export default function PageError({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  // After an upgrade an open page asks for pieces of the version it was loaded from.
  const outdated = error.name === "ChunkLoadError" || /failed to load chunk/i.test(error.message);
  if (outdated) {
    return (
      <ErrorState
        title="This page is of an earlier version"
        message="Holdfast was upgraded since you opened it. Load it again to go on; nothing was changed."
        retry="Load the page again"
        onRetry={() => window.location.reload()}
      />
    );
  }
  return (
    <ErrorState
      title="This page failed"
      message={error.message || "A fault of the page itself, not of what it shows."}
      kept="Nothing was changed by it."
      id={error.digest ?? null}
      onRetry={reset}
    />
  );
}
