"use client";

import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { parseAsStringLiteral, useQueryState } from "nuqs";
import { useTRPC } from "@/app/_client/trpc";
import { useProject } from "@/components/shell/project-context";
import { StateMark, Until, useNow, type State } from "@/components/state";
import { usePages } from "@/components/table/use-pages";
import { Button } from "@/components/ui/button";
import { Choice } from "@/components/ui/choice";
import { EmptyState, ErrorState } from "@/components/ui/empty-state";
import { PageBody, PageHead, Section } from "@/components/ui/page";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import type { ApprovalView } from "@/server/core/views";
import { ApprovalCard } from "./approval-card";
import { byExpiryAndRisk, riskOf, type Risk } from "./risk";

const shows = ["pending", "decided"] as const;

/** What waits for a person, what expires soon and risks most on top; and everything that was ever decided. */
export function ApprovalsPage() {
  const { project } = useProject();
  const trpc = useTRPC();
  const now = useNow();
  const [show, setShow] = useQueryState("show", parseAsStringLiteral(shows).withDefault("pending").withOptions({ history: "replace" }));
  const pages = usePages(
    useInfiniteQuery({
      ...trpc.approvals.list.infiniteQueryOptions({ project, limit: 20, ...(show === "pending" ? { state: "pending" as const } : {}) }, { getNextPageParam: (page) => page.nextCursor }),
      placeholderData: keepPreviousData,
    }),
  );
  const rows = show === "pending" ? byExpiryAndRisk(pages.rows, now ?? 0) : pages.rows.filter((a) => a.state !== "pending");
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
          <div className="flex items-start gap-4">
            {show === "pending" && rows.length > 1 ? <Index approvals={rows} /> : null}
            <ul className="flex min-w-0 max-w-3xl flex-1 flex-col gap-4">
              {rows.map((a) => (
                <li key={a.id}>
                  <ApprovalCard approval={a} compact={show === "decided"} headingId={`approval-${a.id}`} />
                </li>
              ))}
            </ul>
          </div>
        )}
        {pages.hasMore ? (
          <Button className="self-start" busy={pages.loadingMore} onClick={pages.onMore}>
            {show === "pending" ? "Show more" : "Show older"}
          </Button>
        ) : null}
      </PageBody>
    </>
  );
}

const riskLook: Record<Risk["level"], { state: State; word: string }> = { high: { state: "failing", word: "high risk" }, some: { state: "degraded", word: "some risk" }, low: { state: "healthy", word: "low risk" } };

/** The inbox at a glance beside the cards: what expires when, and how much hangs on it. Not on a phone, where the cards are the list. */
function Index({ approvals }: { approvals: readonly ApprovalView[] }) {
  return (
    <Section title={`${approvals.length} waiting`} hint="by expiry and risk" flush className="sticky top-3 w-80 shrink-0 max-lg:hidden">
      <ol className="max-h-[70vh] divide-y divide-border overflow-y-auto">
        {approvals.map((a) => {
          const risk = riskOf(a);
          return (
            <li key={a.id}>
              <button
                type="button"
                className="flex w-full flex-col gap-0.5 px-3 py-1.5 text-left text-sm hover:bg-accent"
                onClick={() => {
                  const heading = document.getElementById(`approval-${a.id}`);
                  heading?.scrollIntoView({ block: "start" });
                  heading?.focus({ preventScroll: true });
                }}
              >
                <span className="flex items-center gap-2">
                  <span className="min-w-0 flex-1 truncate font-medium">
                    {a.workload} r{a.plan.toGeneration}
                  </span>
                  <Until at={a.expiresAtMs} className="text-xs" />
                </span>
                <span className="truncate text-xs text-muted-foreground">{a.gate}</span>
                <span className="flex min-w-0 items-center gap-1.5 text-xs text-muted-foreground">
                  <StateMark {...riskLook[risk.level]} className="text-xs" />
                  <span className="truncate">{risk.because}</span>
                </span>
              </button>
            </li>
          );
        })}
      </ol>
    </Section>
  );
}
