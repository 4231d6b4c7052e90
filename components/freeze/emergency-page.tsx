"use client";

import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age, At, Elapsed, StateMark, Until } from "@/components/state";
import { LastLoaded } from "@/components/state/query-states";
import { Button } from "@/components/ui/button";
import { ErrorState } from "@/components/ui/empty-state";
import Link from "@/components/ui/link";
import { PageBody, PageHead, Section } from "@/components/ui/page";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import type { BreakGlassView, FreezeView } from "@/server/core/views";
import { EmergencyDialog, type Ask } from "./emergency-dialog";
import { HeldRevisions } from "./held-revisions";

/** What stops everything, at once: freeze, resume after a look, abort everywhere, break the glass; and the reviews that are owed. */
export function EmergencyPage() {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const [ask, setAsk] = useState<Ask | null>(null);
  const query = useQuery(trpc.rollouts.emergency.queryOptions({ project }));
  const e = query.data;
  const command = (name: string) => e?.commands.find((c) => c.command === name);
  const trail = [{ label: "Rollouts", href: routes.rollouts(project) }];
  const frozen = e?.freezes.filter((f) => f.endedAtMs === null) ?? [];
  const ended = e?.freezes.filter((f) => f.endedAtMs !== null) ?? [];
  return (
    <>
      <PageHead
        title="Freezes and emergency"
        trail={trail}
        purpose="Stop what is going out, and take it up again after a look. Each command keeps who, when and why."
        actions={
          e ? (
            <>
              <Button disabledReason={command("freeze")?.disabledBecause} onClick={() => setAsk({ kind: "freeze" })}>
                Freeze rollouts
              </Button>
              <Button disabledReason={why("rollouts.operate") ?? (e.openRollouts === 0 ? "No rollout is open." : null)} onClick={() => setAsk({ kind: "breakGlass" })}>
                Break the glass
              </Button>
              <Button variant="destructive" disabledReason={command("abortAll")?.disabledBecause} onClick={() => setAsk({ kind: "abortAll", open: e.openRollouts })}>
                Abort everywhere
              </Button>
            </>
          ) : null
        }
      />
      <PageBody>
        {!e && query.isError ? (
          <ErrorState title="Freezes could not be loaded" message={explain(query.error).message} id={explain(query.error).id} kept="A freeze that holds goes on holding, whether or not this page can say so." onRetry={() => void query.refetch()} />
        ) : !e ? (
          <Loading what="freezes" className="rounded-md border bg-card">
            <SkeletonRows rows={6} columns={4} />
          </Loading>
        ) : (
          <>
            <LastLoaded query={query} />
            <Section title="In force" aside={<span className="tnum">{e.openRollouts} open {e.openRollouts === 1 ? "rollout" : "rollouts"}</span>} flush>
              {frozen.length === 0 ? (
                <p className="p-3 text-sm text-muted-foreground">Nothing is frozen: {e.openRollouts === 0 ? "and no rollout is open." : "open rollouts go on by their plans."} A freeze keeps every unit from being asked for a new revision; what is on its way back goes on.</p>
              ) : (
                <ul className="divide-y divide-border">
                  {frozen.map((f) => (
                    <InForce key={f.id} freeze={f} onResume={() => setAsk({ kind: "thaw", freeze: f })} />
                  ))}
                </ul>
              )}
            </Section>
            <BrokenGlass glass={e.breakGlass} onReview={(one) => setAsk({ kind: "reviewGlass", glass: one })} />
            <HeldRevisions />
            {ended.length > 0 ? <Ended freezes={ended} /> : null}
          </>
        )}
      </PageBody>
      {ask ? <EmergencyDialog ask={ask} onClose={() => setAsk(null)} /> : null}
    </>
  );
}

function InForce({ freeze: f, onResume }: { freeze: FreezeView; onResume: () => void }) {
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-1 px-3 py-2 text-sm">
      <div className="min-w-0 flex-1 basis-64">
        <p className="font-medium">{f.scope === "site" ? `Site ${f.site}` : "The whole project"}</p>
        <p className="[overflow-wrap:anywhere]">{f.reason}</p>
        <p className="text-muted-foreground">
          by {f.by} at <At at={f.atMs} />, for <Elapsed from={f.atMs} />
        </p>
      </div>
      <Button disabledReason={f.commands.find((c) => c.command === "thaw")?.disabledBecause} onClick={onResume}>
        Resume with a review
      </Button>
    </li>
  );
}

/** Every time somebody let a rollout past gates, windows and freezes; a review by another person is owed. */
function BrokenGlass({ glass, onReview }: { glass: readonly BreakGlassView[]; onReview: (one: BreakGlassView) => void }) {
  const { project } = useProject();
  const owed = glass.filter((g) => g.review.state === "open").length;
  const rows = [...glass].sort((a, b) => Number(a.review.state === "done") - Number(b.review.state === "done") || b.atMs - a.atMs);
  return (
    <Section title="Broken glass" hint="Lets one rollout past gates, windows and freezes for a short time" aside={owed > 0 ? <span className="font-medium text-degraded">{owed} {owed === 1 ? "review" : "reviews"} owed</span> : null} flush>
      {rows.length === 0 ? (
        <p className="p-3 text-sm text-muted-foreground">Nobody has broken the glass.</p>
      ) : (
        <Table label="Broken glass" stacked>
          <thead>
            <tr>
              <Th>Rollout</Th>
              <Th>Reason</Th>
              <Th>Who</Th>
              <Th>Lasts</Th>
              <Th>Review</Th>
            </tr>
          </thead>
          <tbody>
            {rows.map((g) => (
              <Tr key={g.id}>
                <Td>
                  <Link href={routes.rollout(project, g.rolloutNumber)} className="link">
                    #{g.rolloutNumber} {g.workload}
                  </Link>
                </Td>
                <Td label="Reason" className="py-1.5">{g.reason}</Td>
                <Td label="Who">
                  {g.by}, <Age at={g.atMs} suffix="ago" className="min-w-0" />
                </Td>
                <Td label="Lasts">{g.active ? <StateMark state="degraded" word={<Until at={g.expiresAtMs} />} /> : <span className="text-muted-foreground">over</span>}</Td>
                <Td label="Review" className="py-1.5">
                  {g.review.state === "done" ? (
                    <div>
                      {g.review.by}, <Age at={g.review.atMs} suffix="ago" className="min-w-0" />
                      <p className="text-muted-foreground">{g.review.remark}</p>
                    </div>
                  ) : (
                    <Button size="sm" disabledReason={g.commands.find((c) => c.command === "reviewGlass")?.disabledBecause} onClick={() => onReview(g)}>
                      Review what was done
                    </Button>
                  )}
                </Td>
              </Tr>
            ))}
          </tbody>
        </Table>
      )}
    </Section>
  );
}

function Ended({ freezes }: { freezes: readonly FreezeView[] }) {
  return (
    <Section title="Freezes that ended" flush>
      <Table label="Freezes that ended" stacked>
        <thead>
          <tr>
            <Th>What</Th>
            <Th>Why</Th>
            <Th>Frozen</Th>
            <Th>For</Th>
            <Th>Resumed</Th>
          </tr>
        </thead>
        <tbody>
          {freezes.map((f) => (
            <Tr key={f.id}>
              <Td className="font-medium">{f.scope === "site" ? `Site ${f.site}` : "The whole project"}</Td>
              <Td label="Why">{f.reason}</Td>
              <Td label="Frozen">
                {f.by}, <At at={f.atMs} />
              </Td>
              <Td label="For">
                <Elapsed from={f.atMs} to={f.endedAtMs} />
              </Td>
              <Td label="Resumed" className="py-1.5">
                <div>
                  {f.endedBy}
                  <p className="text-muted-foreground">{f.endReason}</p>
                </div>
              </Td>
            </Tr>
          ))}
        </tbody>
      </Table>
    </Section>
  );
}
