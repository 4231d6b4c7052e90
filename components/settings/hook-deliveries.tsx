"use client";

import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import Link from "@/components/ui/link";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age, StateMark, Until } from "@/components/state";
import { Button } from "@/components/ui/button";
import { ErrorState } from "@/components/ui/empty-state";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import { toast } from "@/components/ui/toaster";
import { deliveryState, deliveryWord, type Hook } from "./hook-words";

/** What was sent to an endpoint, newest first, with what the receiver said. */
export function HookDeliveries({ hook }: { hook: Hook }) {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const queries = useQueryClient();
  const pages = useInfiniteQuery(trpc.hooks.deliveries.infiniteQueryOptions({ project, name: hook.name, limit: 50 }, { getNextPageParam: (page) => page.nextCursor ?? undefined }));
  const again = useMutation(
    trpc.hooks.sendAgain.mutationOptions({
      onSuccess: (done) => void toast.success(done.message),
      onError: (error) => void toast.error(explain(error).message),
      onSettled: () => void queries.invalidateQueries(trpc.hooks.pathFilter()),
    }),
  );
  if (pages.data === undefined) {
    if (pages.isError) return <ErrorState title="The deliveries could not be loaded" message={explain(pages.error).message} onRetry={() => void pages.refetch()} />;
    return (
      <Loading what="deliveries">
        <SkeletonRows rows={4} columns={5} />
      </Loading>
    );
  }
  const rows = pages.data.pages.flatMap((page) => page.items);
  if (rows.length === 0) return <p className="px-3 py-3 text-sm text-muted-foreground">Nothing has happened yet that it is told of. Send a test to see whether it is reached.</p>;
  return (
    <>
      <Table stacked label={`Deliveries of ${hook.name}`}>
        <thead>
          <tr>
            <Th>Event</Th>
            <Th>State</Th>
            <Th numeric>Answer</Th>
            <Th>What went wrong</Th>
            <Th numeric>Made</Th>
            <Th>
              <span className="sr-only">Commands</span>
            </Th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Tr key={row.id}>
              <Td>
                <Link href={routes.auditEntry(project, row.auditSeq)} className="link">
                  {row.sentence}
                </Link>
              </Td>
              <Td className="whitespace-nowrap">
                <StateMark state={deliveryState[row.state]} word={deliveryWord(row)} age={row.nextAttemptAtMs !== null && row.attempts > 0 ? <Until at={row.nextAttemptAtMs} /> : null} />
              </Td>
              <Td label="Answer" numeric>
                {row.status ?? "none"}
                {row.tookMs === null ? "" : `, ${row.tookMs} ms`}
              </Td>
              <Td {...(row.error === null ? {} : { label: "What went wrong" })} className="text-muted-foreground">
                {row.error ?? ""}
              </Td>
              <Td label="Made" numeric>
                <Age at={row.createdAtMs} className="min-w-0" />
              </Td>
              <Td className="text-right">
                {row.state === "waiting" ? null : (
                  <Button size="sm" variant="ghost" disabledReason={why("hooks.manage")} onClick={() => again.mutate({ project, name: hook.name, delivery: row.id })}>
                    Send again
                  </Button>
                )}
              </Td>
            </Tr>
          ))}
        </tbody>
      </Table>
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
