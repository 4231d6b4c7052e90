"use client";

import Link from "@/components/ui/link";
import { useQuery } from "@tanstack/react-query";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Alert } from "@/components/ui/alert";
import { waitingText } from "./words";

/** On a workload's page: that some of its units have no node, at which turn, and the way to why. */
export function WaitingNotice({ workload }: { workload: string }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const item = useQuery(trpc.placement.queue.queryOptions({ project })).data?.items.find((i) => i.workload === workload);
  if (!item) return null;
  return (
    <Alert tone="warning" title={`${waitingText(item)} for room`}>
      <Link className="link" href={routes.workload(project, workload, { tab: "decisions", ...(item.unit ? { unit: item.unit } : {}), ...(item.decision ? { decision: item.decision } : {}) })}>
        See why, and what would help
      </Link>
      . It has turn {item.position} in the{" "}
      <Link className="link" href={`${routes.queue(project)}?workload=${encodeURIComponent(workload)}`}>
        queue
      </Link>
      .
    </Alert>
  );
}
