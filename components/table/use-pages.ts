"use client";

import { useMemo } from "react";
import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";

type Page<R> = { items: R[]; nextCursor: string | null; total: number; asOfMs: number };

/**
 * Turns an infinite query over keyset pages into what `DataTable` takes: spread it. Write the query itself with
 * `useInfiniteQuery(trpc.….infiniteQueryOptions(input, { getNextPageParam: (page) => page.nextCursor }))`.
 */
export function usePages<R>(query: UseInfiniteQueryResult<InfiniteData<Page<R>, unknown>, unknown>) {
  const pages = query.data?.pages;
  const rows = useMemo(() => (pages ?? []).flatMap((page) => page.items), [pages]);
  return {
    rows,
    total: pages?.[0]?.total ?? null,
    asOfMs: pages?.[0]?.asOfMs ?? null,
    status: query.isError ? ("error" as const) : query.isPending ? ("loading" as const) : ("ready" as const),
    error: query.isError ? explain(query.error) : null,
    onRetry: () => void query.refetch(),
    hasMore: query.hasNextPage,
    loadingMore: query.isFetchingNextPage,
    onMore: () => {
      if (query.hasNextPage && !query.isFetchingNextPage && !query.isError) void query.fetchNextPage();
    },
  };
}
