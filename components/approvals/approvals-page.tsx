"use client";

import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { parseAsStringLiteral, useQueryState } from "nuqs";
import { useTRPC } from "@/app/_client/trpc";
import { useProject } from "@/components/shell/project-context";
import { usePages } from "@/components/table/use-pages";
import { Button } from "@/components/ui/button";
import { Choice } from "@/components/ui/choice";
import { EmptyState, ErrorState } from "@/components/ui/empty-state";
import { PageBody, PageHead } from "@/components/ui/page";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import { ApprovalCard } from "./approval-card";

const shows = ["pending", "decided"] as const;

/** What waits for a person, the one that expires first on top; and everything that was ever decided. */
export function ApprovalsPage() {
  const { project } = useProject();
  const trpc = useTRPC();
  const [show, setShow] = useQueryState("show", parseAsStringLiteral(shows).withDefault("pending").withOptions({ history: "replace" }));
  const pages = usePages(
    useInfiniteQuery({
      ...trpc.approvals.list.infiniteQueryOptions({ project, limit: 20, ...(show === "pending" ? { state: "pending" as const } : {}) }, { getNextPageParam: (page) => page.nextCursor }),
      placeholderData: keepPreviousData,
    }),
  );
  const rows = show === "pending" ? pages.rows : pages.rows.filter((a) => a.state !== "pending");
  return (
    <>
      <PageHead title="Approvals" purpose="Each asks for consent to exactly one plan. If the plan changes, the question is asked anew.">
        <Choice label="Which approvals" value={show} onChange={(next) => void setShow(next)} options={[{ value: "pending", label: "Waiting" }, { value: "decided", label: "Decided" }]} />
      </PageHead>
      <PageBody>
        {pages.status === "loading" ? (
          <Loading what="approvals" className="max-w-3xl rounded-md border bg-card">
            <SkeletonRows rows={9} columns={2} />
          </Loading>
        ) : pages.status === "error" && rows.length === 0 ? (
          <ErrorState title="Approvals could not be loaded" message={pages.error?.message ?? ""} id={pages.error?.id ?? null} onRetry={pages.onRetry} />
        ) : rows.length === 0 ? (
          <EmptyState title={show === "pending" ? "Nothing waits for an approval" : "Nothing has been decided yet"}>
            <p>A rollout stops at each approval gate of its strategy and asks here: one card a question, with what, where, how many, and the worst case.</p>
          </EmptyState>
        ) : (
          <ul className="flex max-w-3xl flex-col gap-4">
            {rows.map((a) => (
              <li key={a.id}>
                <ApprovalCard approval={a} compact={show === "decided"} />
              </li>
            ))}
          </ul>
        )}
        {pages.hasMore ? (
          <Button className="self-start" busy={pages.loadingMore} onClick={pages.onMore}>
            Show older
          </Button>
        ) : null}
      </PageBody>
    </>
  );
}
