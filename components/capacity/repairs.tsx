"use client";

import { useQuery } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { Age, StateMark, type State } from "@/components/state";
import { ErrorState } from "@/components/ui/empty-state";
import Link from "@/components/ui/link";
import { Section } from "@/components/ui/page";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import type { RepairRow } from "@/server/core/views";

const moveState: Record<RepairRow["moves"][number]["state"], { state: State; word: string }> = { waiting: { state: "pending", word: "waits its turn" }, moving: { state: "pending", word: "moving" }, done: { state: "healthy", word: "done" }, dropped: { state: "failing", word: "dropped" } };
/** Moves of a repair that are listed: of a longer one those that are not done come first. */
const LISTED = 20;
const listed = (moves: RepairRow["moves"]): RepairRow["moves"] => (moves.length <= LISTED ? moves : [...moves.filter((m) => m.state !== "done"), ...moves.filter((m) => m.state === "done")].slice(0, LISTED));
const outcomeWord = { placed: "placed", moved: "moved", waits: "still waits", dropped: "dropped" } as const;

/** Repairs that were run, the newest first, with each move as it stands. */
export function Repairs({ project }: { project: string }) {
  const trpc = useTRPC();
  const query = useQuery(trpc.placement.repairs.queryOptions({ project }));
  if (query.isError && !query.data) return <ErrorState title="Repairs could not be loaded" message={explain(query.error).message} id={explain(query.error).id} kept="A repair that is under way goes on." onRetry={() => void query.refetch()} />;
  return (
    <Section title="Repairs" aside={query.data ? <span className="tnum">{query.data.length}</span> : null} flush>
      {!query.data ? (
        <Loading what="repairs">
          <SkeletonRows rows={2} columns={3} />
        </Loading>
      ) : query.data.length === 0 ? (
        <p className="p-3 text-sm text-muted-foreground">No repair was ever run. A repair moves units that run, a few at a time and without an outage, so that units which wait find room.</p>
      ) : (
        <ul className="divide-y divide-border">
          {query.data.map((r) => (
            <li key={r.id} className="flex flex-col gap-1 px-3 py-2 text-sm">
              <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
                <StateMark state={r.state} word={r.outcome === null ? "under way" : outcomeWord[r.outcome]} />
                <span className="font-medium">For {r.workload ? <Link href={routes.workload(project, r.workload)} className="hover:underline">{r.object}</Link> : r.object}</span>
                <span className="text-muted-foreground">
                  by {r.by} <Age at={r.atMs} suffix="ago" className="min-w-0" />: {r.reason}
                </span>
              </p>
              <p>{r.sentence}</p>
              <ol aria-label={`Moves of the repair for ${r.object}`} className="flex flex-col gap-1">
                {listed(r.moves).map((m) => (
                  <li key={m.unit} className="flex flex-wrap items-center gap-x-3">
                    <StateMark {...moveState[m.state]} />
                    <span>
                      {m.unit} from {m.from} to {m.to}
                    </span>
                    {m.because ? <span className="text-muted-foreground">{m.because}</span> : null}
                  </li>
                ))}
              </ol>
              {r.moves.length > LISTED ? <p className="text-xs text-muted-foreground">{LISTED} of {r.moves.length} moves are listed.</p> : null}
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
