"use client";

import { useState } from "react";
import { useRouter } from "next/navigation";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { useDebounced } from "@/components/shell/use-debounced";
import { SearchPicker } from "./search-picker";

/** On a node's page: asks of any unit, one that waits included, why it is not on this node. */
export function NotHere({ node }: { node: string }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const router = useRouter();
  const [text, setText] = useState("");
  const q = useDebounced(text.trim(), 150);
  const search = useQuery({ ...trpc.search.find.queryOptions({ project, q }), enabled: q.length > 0, placeholderData: keepPreviousData, staleTime: 5_000 });
  const queue = useQuery({ ...trpc.placement.queue.queryOptions({ project }), staleTime: 10_000 });
  const waiting = (queue.data?.items ?? []).flatMap((i) => (i.unit !== null && i.unit.includes(q) ? [{ name: i.unit, note: "waits for room", workload: i.workload }] : []));
  const placed = q === "" ? [] : (search.data ?? []).flatMap((hit) => (hit.kind === "unit" ? [{ name: hit.name, note: hit.detail, workload: workloadIn(hit.href) }] : []));
  const offers = [...waiting, ...placed.filter((p) => !waiting.some((w) => w.name === p.name))];
  return (
    <div className="flex flex-col gap-1.5">
      <p className="text-sm text-muted-foreground">Ask of a unit why it is not on {node}: units that wait are offered first.</p>
      <SearchPicker
        label={`Unit to ask about on ${node}`}
        placeholder="A unit, such as web-1"
        text={text}
        onText={setText}
        busy={search.isFetching || queue.isPending}
        offers={offers}
        onPick={(unit) => {
          const picked = offers.find((o) => o.name === unit);
          if (picked) router.push(routes.workload(project, picked.workload, { tab: "decisions", unit, node }));
        }}
      />
    </div>
  );
}

/** The workload that the address of a unit found by the search leads to. */
const workloadIn = (href: string): string => decodeURIComponent(/\/workloads\/([^/?]+)/.exec(href)?.[1] ?? "");
