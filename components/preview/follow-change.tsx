"use client";

import { keepPreviousData, skipToken, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useTRPC, useTRPCClient } from "@/app/_client/trpc";
import { useProject } from "@/components/shell/project-context";
import { Age, StateMark, type State } from "@/components/state";
import { Button } from "@/components/ui/button";
import { CopyButton } from "@/components/ui/copy-button";
import { Section } from "@/components/ui/page";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import type { UnitRow } from "@/server/core/views";
import { follow, followedWorkloads, type Progress } from "./follow";
import { shortDigest } from "./rows";
import { followedKey, type Saved } from "./saved";

const look: Record<Progress, State> = { done: "healthy", "under way": "pending", waiting: "pending", elsewhere: "degraded" };
/** Workloads, and pages of 200 units of each, that are followed. */
const WORKLOADS = 20;
const PAGES = 10;
const SHOWN = 50;

/** What was saved of an object comes about: unit by unit, and whether it came out as the preview had said. */
export function FollowChange({ object }: { object: string }) {
  const { project } = useProject();
  const key = followedKey(project, object);
  const saved = useQuery<Saved | null>({ queryKey: key, queryFn: skipToken, gcTime: 30 * 60_000 }).data;
  return saved ? <Following key={saved.view.asOfMs} saved={saved} dismissKey={key} /> : null;
}

function Following({ saved, dismissKey }: { saved: Saved; dismissKey: readonly unknown[] }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queries = useQueryClient();
  const { view } = saved;
  const workloads = followedWorkloads(view).slice(0, WORKLOADS);
  const units = useQueries({
    queries: workloads.map((workload) => ({
      // Under the key of its procedure, so that what makes units stale makes this stale too.
      queryKey: [["fleet", "units"], { type: "followed", input: { project, workload } }],
      queryFn: async ({ signal }: { signal: AbortSignal }) => {
        const found: UnitRow[] = [];
        let cursor: string | null = null;
        for (let i = 0; i < PAGES; i++) {
          const page: { items: UnitRow[]; nextCursor: string | null } = await client.fleet.units.query({ project, workload, limit: 200, cursor }, { signal });
          found.push(...page.items);
          cursor = page.nextCursor;
          if (cursor === null) break;
        }
        return found;
      },
      refetchInterval: 5_000,
    })),
    combine: (all) => ({ known: all.every((q) => q.data !== undefined), rows: all.flatMap((q) => q.data ?? []) }),
  });
  const { list, done, others } = follow(view, units.rows);
  const over = units.known && done === list.length;
  // Once it is done the same question is asked again: the same digest says that everything runs where it was said to run.
  const now = useQuery({ ...trpc.placement.preview.queryOptions({ project, ...saved.change }), enabled: over, placeholderData: keepPreviousData, staleTime: 0 });
  const same = now.data?.digest === view.digest;
  return (
    <Section
      title={list.length === 0 ? "What was saved moves nothing" : over ? "It came about" : `It comes about: ${done} of ${list.length}`}
      aside={
        <>
          saved <Age at={view.asOfMs} suffix="ago" className="min-w-0" />
          <Button variant="ghost" size="icon-sm" aria-label="Close" onClick={() => queries.setQueryData(dismissKey, null)}>
            <X aria-hidden />
          </Button>
        </>
      }
      flush
    >
      <div className="flex flex-col gap-1 p-3 text-sm" aria-live="polite">
        <p className="font-medium [overflow-wrap:anywhere]">{view.sentence}</p>
        <p className="flex flex-wrap items-center gap-1 text-xs text-muted-foreground">
          Digest <code title={view.digest}>{shortDigest(view.digest)}</code>
          <CopyButton text={view.digest} what="digest" />
        </p>
        {over && now.data ? (
          same ? (
            <p className="text-healthy">Everything runs where the preview said: it has the same digest now.</p>
          ) : (
            <p className="text-degraded">
              Everything that the preview named is done. What runs now has another digest ({shortDigest(now.data.digest)}): {view.atRest ? "something else has changed too, or changes still." : "an update in place goes on."}
            </p>
          )
        ) : null}
        {others.length > 0 ? (
          <p className="text-degraded">
            Not in the preview: {others.slice(0, 5).map((u) => `${u.unit} on ${u.node}`).join(", ")}
            {others.length > 5 ? ` and ${others.length - 5} more` : ""}.
          </p>
        ) : null}
      </div>
      {list.length > 0 ? (
        <div className="border-t">
          <Table label="Moves as they happen">
            <thead>
              <tr>
                <Th>Unit</Th>
                <Th>How far</Th>
                <Th>Where</Th>
              </tr>
            </thead>
            <tbody>
              {list.slice(0, SHOWN).map((f) => (
                <Tr key={f.row.id}>
                  <Td className="[overflow-wrap:anywhere]">
                    <span className="font-medium">{f.row.unit}</span>
                    {f.row.becomes ? <span className="text-muted-foreground"> becomes {f.row.becomes}</span> : null}
                  </Td>
                  <Td>
                    <StateMark state={look[f.progress]} word={f.progress} />
                  </Td>
                  <Td className="text-muted-foreground [overflow-wrap:anywhere]">{units.known ? f.words : "asking"}</Td>
                </Tr>
              ))}
            </tbody>
          </Table>
          {list.length > SHOWN ? <p className="border-t px-3 py-1.5 text-xs text-muted-foreground">The first {SHOWN} of {list.length} are listed.</p> : null}
        </div>
      ) : null}
    </Section>
  );
}
