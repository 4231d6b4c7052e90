"use client";

import { useQuery } from "@tanstack/react-query";
import { Snowflake } from "lucide-react";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { list } from "@/components/rollouts/words";
import { Age } from "@/components/state";
import Link from "@/components/ui/link";

/** Over every screen while a freeze holds: what is frozen, by whom, why; and broken glass while it lasts. */
export function FreezeBanner({ project }: { project: string }) {
  const trpc = useTRPC();
  const emergency = useQuery({ ...trpc.rollouts.emergency.queryOptions({ project }), staleTime: 30_000 });
  const frozen = (emergency.data?.freezes ?? []).filter((f) => f.endedAtMs === null);
  const glass = (emergency.data?.breakGlass ?? []).filter((g) => g.active);
  if (frozen.length === 0 && glass.length === 0) return null;
  const whole = frozen.find((f) => f.scope === "project");
  const first = whole ?? frozen[0];
  return (
    <div role="status" className="flex flex-wrap items-center gap-x-2 gap-y-0.5 border-b border-degraded/40 bg-degraded-soft px-4 py-1 text-sm max-sm:px-3">
      {first ? (
        <p className="min-w-0 [overflow-wrap:anywhere]">
          <Snowflake className="mr-1.5 inline size-3.5 align-[-2px] text-degraded" aria-hidden />
          <span className="font-medium">{whole ? "All rollouts are frozen" : `Rollouts at ${list(frozen.map((f) => f.site ?? ""))} are frozen`}</span> by {first.by}, <Age at={first.atMs} suffix="ago" className="min-w-0" />: {first.reason}
        </p>
      ) : null}
      {glass.length > 0 ? (
        <p className="font-medium text-failing">
          The glass is broken for {list(glass.map((g) => `rollout #${g.rolloutNumber}`))}.
        </p>
      ) : null}
      <Link href={routes.emergency(project)} className="link ml-auto whitespace-nowrap">
        Freezes and emergency
      </Link>
    </div>
  );
}
