"use client";

import Link from "@/components/ui/link";
import { Snowflake } from "lucide-react";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age } from "@/components/state";
import type { FreezeView } from "@/server/core/views";

/** One freeze that holds: where, who, why, since when; what it means, and where it ends. */
export function FreezeNotice({ freeze: f }: { freeze: FreezeView }) {
  const { project } = useProject();
  return (
    <div role="status" className="flex items-start gap-2 rounded-md border border-degraded/40 bg-degraded-soft px-3 py-2 text-sm">
      <Snowflake className="mt-0.5 size-3.5 shrink-0 text-degraded" aria-hidden />
      <p className="min-w-0 flex-1 [overflow-wrap:anywhere]">
        <span className="font-medium">{f.scope === "site" ? `Rollouts at ${f.site} are frozen` : "All rollouts are frozen"}</span> by {f.by}, <Age at={f.atMs} suffix="ago" className="min-w-0" />: {f.reason}.{" "}
        <span className="text-muted-foreground">No further unit is asked for a new revision; what is on its way back goes on.</span>
      </p>
      <Link href={routes.emergency(project)} className="link shrink-0 whitespace-nowrap">
        Freezes
      </Link>
    </div>
  );
}
