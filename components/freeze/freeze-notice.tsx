"use client";

import { Snowflake } from "lucide-react";
import type { FreezeView } from "@/server/core/views";

/** What the freezes that hold mean for one rollout; who froze what and why stands over every screen. */
export function FreezeNotice({ freezes, generation }: { freezes: readonly FreezeView[]; generation: number }) {
  if (freezes.length === 0) return null;
  const where = freezes.some((f) => f.scope === "project") ? "" : ` at ${freezes.map((f) => f.site).join(", ")}`;
  return (
    <p role="status" className="text-sm text-degraded">
      <Snowflake className="mr-1.5 inline size-3.5 align-[-2px]" aria-hidden />
      Frozen: no further unit{where} is asked for r{generation}. Updated units stay judged, and what is on its way back goes on.
    </p>
  );
}
