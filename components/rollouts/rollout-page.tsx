"use client";

import { ApprovalCard } from "@/components/approvals/approval-card";
import { ChangeList } from "@/components/diff";
import { FreezeNotice } from "@/components/freeze/freeze-notice";
import { useProject } from "@/components/shell/project-context";
import { Age, At, Elapsed } from "@/components/state";
import { Alert } from "@/components/ui/alert";
import { CopyButton } from "@/components/ui/copy-button";
import { Facts, Section } from "@/components/ui/page";
import { Timeline } from "@/components/ui/timeline";
import type { RolloutDetail } from "@/server/core/views";
import { BlastRadius } from "./blast-radius";
import { wavesOfRollout, whereItIs } from "./graph-waves";
import { LintList } from "./lint-list";
import { RevisionCharts } from "./revision-charts";
import { RolloutFrame } from "./rollout-frame";
import { NoVerdict, Verdict } from "./verdict";
import { WaveGraph } from "./wave-graph";
import { WaveRail } from "./wave-rail";

/** A rollout, whole: the sentence first, the gate if one waits, the verdict, the waves with a block per unit, what happened. */
export function RolloutPage({ number }: { number: number }) {
  return <RolloutFrame number={number} part="overview">{(r) => <Overview rollout={r} />}</RolloutFrame>;
}

function Overview({ rollout: r }: { rollout: RolloutDetail }) {
  const { project } = useProject();
  const pending = r.approvals.filter((a) => a.state === "pending");
  const decided = r.approvals.filter((a) => a.state !== "pending");
  const place = whereItIs(r);
  return (
    <>
      <div className="flex flex-col gap-1">
        <p className="max-w-[90ch] text-md font-medium" aria-live="polite">
          {r.reason}
        </p>
        {place ? (
          <p className="max-w-[90ch] text-sm text-muted-foreground">
            Now {place.now}. Next: {place.next}.
          </p>
        ) : null}
      </div>
      {r.final ? null : <FreezeNotice freezes={r.freezes} generation={r.toGeneration} />}
      {r.sitesBack.length > 0 ? <SitesBack sites={r.sitesBack} /> : null}
      {pending.map((a) => (
        <ApprovalCard key={a.id} approval={a} compact />
      ))}
      <div className="grid grid-cols-[minmax(0,1fr)_minmax(280px,340px)] gap-4 max-lg:grid-cols-1">
        <div className="flex min-w-0 flex-col gap-4">
          <Section title={r.final ? "Last verdict" : "Verdict"} hint={r.final ? "As it stood at the end" : "Measured while it runs, also while it is paused"} flush>
            {r.verdict ? <Verdict verdict={r.verdict} ended={r.final} /> : <NoVerdict ended={r.final} />}
          </Section>
          {r.waves.length > 1 ? <WaveGraph waves={wavesOfRollout(r)} /> : null}
          <WaveRail project={project} rollout={r} />
          <RevisionCharts workload={r.workload} />
        </div>
        <Aside rollout={r} decided={decided} />
      </div>
    </>
  );
}

/** Sites that went back on their own while the rest goes on. */
function SitesBack({ sites }: { sites: RolloutDetail["sitesBack"] }) {
  return (
    <Alert tone="warning" title={sites.length === 1 ? `${sites[0]?.site} was sent back alone; the rest goes on` : `${sites.length} sites were sent back alone; the rest goes on`}>
      <ul>
        {sites.map((s) => (
          <li key={s.site}>
            <span className="font-medium text-foreground">{s.site}</span>, {s.units} {s.units === 1 ? "unit" : "units"}, <Age at={s.atMs} suffix="ago" className="min-w-0" />: {s.reason}
          </li>
        ))}
      </ul>
    </Alert>
  );
}

function Aside({ rollout: r, decided }: { rollout: RolloutDetail; decided: RolloutDetail["approvals"] }) {
  return (
    <div className="flex min-w-0 flex-col gap-4">
      <Section title="About">
        <Facts
          items={[
            { name: "Author", value: r.author },
            { name: "Strategy", value: r.strategy },
            { name: "Started", value: <At at={r.createdAtMs} /> },
            { name: r.endedAtMs ? "Took" : "For", value: <Elapsed from={r.createdAtMs} to={r.endedAtMs} /> },
            { name: "Plan", value: <span className="flex items-center gap-1"><code className="truncate text-xs">{r.planDigest.slice(0, 19)}…</code><CopyButton text={r.planDigest} what="the plan's digest" /></span> },
          ]}
        />
      </Section>
      {r.blastRadius ? (
        <Section title="Blast radius">
          <BlastRadius radius={r.blastRadius} />
        </Section>
      ) : null}
      <Section title="What changes" flush>
        <ChangeList changes={r.changes} className="px-3" />
      </Section>
      {r.lint.length > 0 ? (
        <Section title="What its strategy leaves open">
          <LintList findings={r.lint} />
        </Section>
      ) : null}
      <Section title="Approvals" aside={<span className="tnum">{decided.length} decided</span>}>
        {decided.length === 0 ? (
          <p className="text-sm text-muted-foreground">Nothing has been decided yet.</p>
        ) : (
          <ul className="flex flex-col gap-2 text-sm">
            {decided.map((a) => (
              <li key={a.id}>
                <p>
                  <span className="font-medium">{a.gate}</span>: {a.state}
                  {a.decidedBy ? ` by ${a.decidedBy}` : ""} <Age at={a.decidedAtMs} suffix="ago" className="min-w-0 text-muted-foreground" />
                </p>
                {a.remark ?? a.voidReason ? <p className="text-muted-foreground">{a.remark ?? a.voidReason}</p> : null}
              </li>
            ))}
          </ul>
        )}
      </Section>
      <Section title="What happened">
        <Timeline items={r.events} empty="Nothing has happened yet." />
      </Section>
    </div>
  );
}
