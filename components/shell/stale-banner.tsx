"use client";

import { useLive } from "@/components/live/live-provider";
import { Age, At, useNow } from "@/components/state";

/** Says above the page that what it shows is old: the server was not heard for more than half a minute. */
export function StaleBanner() {
  const { connection, dataAtMs } = useLive();
  const now = useNow();
  if (connection === "live" || connection === "connecting" || dataAtMs === null || now === null || now - dataAtMs < 30_000) return null;
  return (
    <p role="status" className="hatched flex flex-wrap items-center gap-x-1 border-b bg-silent-soft px-4 py-1 text-sm text-silent">
      The server was last heard at <At at={dataAtMs} />, <Age at={dataAtMs} suffix="ago" className="min-w-0" />. What you see is from
      then; commands will not go through until it answers.
    </p>
  );
}
