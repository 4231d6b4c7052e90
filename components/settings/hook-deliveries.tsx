"use client";

import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import Link from "@/components/ui/link";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age, StateMark, Until } from "@/components/state";
import { Button } from "@/components/ui/button";
import { ErrorState } from "@/components/ui/empty-state";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import { PlainTable, type PlainColumn } from "@/components/ui/plain-table";
import { deliveryState, deliveryWord, type Delivery, type Hook } from "./hook-words";
import { useOutcome } from "./use-outcome";

/** What was sent to an endpoint, newest first, with what the receiver said. */
export function HookDeliveries({ hook }: { hook: Hook }) {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const pages = useInfiniteQuery(trpc.hooks.deliveries.infiniteQueryOptions({ project, name: hook.name, limit: 50 }, { getNextPageParam: (page) => page.nextCursor ?? undefined }));
  const again = useMutation(trpc.hooks.sendAgain.mutationOptions(useOutcome(trpc.hooks.pathFilter())));
  if (pages.data === undefined) {
    if (pages.isError) return <ErrorState title="The deliveries could not be loaded" message={explain(pages.error).message} onRetry={() => void pages.refetch()} />;
    return (
      <Loading what="deliveries">
        <SkeletonRows rows={4} columns={5} />
      </Loading>
    );
  }
  const columns: PlainColumn<Delivery>[] = [
    {
      head: "Event",
      bare: true,
      cell: (row) => (
        <Link href={routes.auditEntry(project, row.auditSeq)} className="link">
          {row.sentence}
        </Link>
      ),
    },
    {
      head: "State",
      bare: true,
      className: "whitespace-nowrap",
      cell: (row) => <StateMark state={deliveryState[row.state]} word={deliveryWord(row)} age={row.nextAttemptAtMs !== null && row.attempts > 0 ? <Until at={row.nextAttemptAtMs} /> : null} />,
    },
    { head: "Answer", numeric: true, cell: (row) => `${row.status ?? "none"}${row.tookMs === null ? "" : `, ${row.tookMs} ms`}` },
    { head: "What went wrong", className: "text-muted-foreground", cell: (row) => row.error ?? "" },
    { head: "Made", numeric: true, cell: (row) => <Age at={row.createdAtMs} className="min-w-0" /> },
  ];
  const rows = pages.data.pages.flatMap((page) => page.items);
  if (rows.length === 0) return <p className="px-3 py-3 text-sm text-muted-foreground">Nothing has happened yet that it is told of. Send a test to see whether it is reached.</p>;
  return (
    <>
      <PlainTable
        label={`Deliveries of ${hook.name}`}
        rows={rows}
        keyOf={(row) => row.id}
        columns={columns}
        commands={(row) =>
          row.state === "waiting" ? null : (
            <Button size="sm" variant="ghost" disabledReason={why("hooks.manage")} onClick={() => again.mutate({ project, name: hook.name, delivery: row.id })}>
              Send again
            </Button>
          )}
      />
      {pages.hasNextPage ? (
        <p className="border-t px-3 py-2">
          <Button size="sm" busy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
            Older deliveries
          </Button>
        </p>
      ) : null}
    </>
  );
}
