"use client";

import Link from "@/components/ui/link";
import { ChangeList } from "@/components/diff";
import { routes } from "@/components/routes";
import { MetricTable } from "@/components/rollouts/metric-table";
import { SequentialEvidence } from "@/components/rollouts/sequential-evidence";
import { flipSentence, restsOn, verdictState, verdictWord } from "@/components/rollouts/words";
import { sitesText, unitsText } from "@/components/rollouts/blast-radius";
import { countText, shareText } from "@/components/chart";
import { useProject } from "@/components/shell/project-context";
import { Age, At, StateMark, Until, type State } from "@/components/state";
import { Alert } from "@/components/ui/alert";
import type { ApprovalView } from "@/server/core/views";
import { Decide } from "./decide";
import { Leaves } from "./leaves";
import { furtherChanges, thenText, whatText } from "./plan-words";
import { WhoAgrees } from "./who-agrees";

const look: Record<ApprovalView["state"], { state: State; word: string }> = {
  pending: { state: "pending", word: "waiting" },
  approved: { state: "healthy", word: "approved" },
  rejected: { state: "failing", word: "rejected" },
  void: { state: "degraded", word: "void" },
  expired: { state: "degraded", word: "expired" },
};

/**
 * One question, answerable on a phone without another page: what, where, how many, the worst case, what the evidence
 * says, who else has to agree and until when. Nothing is preselected, and consent names exactly the plan that is shown.
 */
export function ApprovalCard({ approval: a, compact, headingId }: { approval: ApprovalView; compact?: boolean; headingId?: string }) {
  const { project, me } = useProject();
  const mine = a.commands.find((c) => c.command === "approve")?.disabledBecause === null;
  const more = furtherChanges(a.plan);
  const shown = compact ? 3 : 12;
  return (
    <article className="min-w-0 overflow-hidden rounded-md border bg-card" aria-label={`${a.workload} r${a.plan.toGeneration}, gate ${a.gate}`}>
      <header className="flex flex-wrap items-center gap-x-3 gap-y-0.5 border-b px-3 py-2">
        <h2 id={headingId} tabIndex={headingId ? -1 : undefined} className="min-w-0 text-base font-semibold outline-none">
          {a.workload}: r{a.plan.fromGeneration} → r{a.plan.toGeneration}
        </h2>
        <StateMark state={look[a.state].state} word={a.state === "pending" ? (mine ? "waits for you" : "waits for others") : look[a.state].word} />
        {a.state === "pending" ? null : (
          <span className="ml-auto text-xs text-muted-foreground">
            <Age at={a.decidedAtMs} suffix="ago" className="min-w-0" />
          </span>
        )}
        <p className="w-full text-sm text-muted-foreground">
          Gate “{a.gate}” of{" "}
          <Link href={routes.rollout(project, a.rolloutNumber)} className="link">
            rollout #{a.rolloutNumber}
          </Link>
          , by {a.author}
          {me?.name === a.author ? " (you)" : ""}, asked <Age at={a.requestedAtMs} suffix="ago" className="min-w-0" />
        </p>
      </header>
      {a.state === "void" ? <Void approval={a} /> : null}
      <dl className="grid grid-cols-[80px_minmax(0,1fr)] gap-x-3 gap-y-1.5 px-3 py-2.5 text-sm">
        <Row name="What">
          {whatText(a.plan)}
          {more.length > 0 ? <ChangeList changes={more.slice(0, shown)} className="mt-1" /> : null}
          {more.length > shown ? <p className="text-xs text-muted-foreground">and {more.length - shown} more changes</p> : null}
        </Row>
        <Row name="Where">
          {sitesText(a.blastRadius)}
          {a.blastRadius.residency.length > 0 ? <span className="text-muted-foreground"> ({a.blastRadius.residency.join(", ")})</span> : null}
        </Row>
        <Row name="How many">
          <span className="tnum">
            {unitsText(a.blastRadius)}
            {a.blastRadius.trafficShare === null ? "" : `, ${shareText(a.blastRadius.trafficShare)} of the traffic`}
            {a.blastRadius.peopleServed === null ? "" : `, ${countText(a.blastRadius.peopleServed)} people served`}
          </span>
          {a.blastRadius.silent > 0 ? <span className="text-silent">, {a.blastRadius.silent} silent now: what they run is not known</span> : null}
        </Row>
        {a.state === "pending" ? <Row name="If agreed">{thenText(a.plan)}</Row> : null}
        <Row name="Worst case">{a.worstCase}</Row>
        <Row name="Evidence">
          <EvidenceLine approval={a} />
        </Row>
        <Row name="Who agrees">
          <WhoAgrees approval={a} />
        </Row>
        {a.state === "pending" ? (
          <Row name="Until">
            <At at={a.expiresAtMs} />, <Until at={a.expiresAtMs} />. Unanswered by then, it is asked anew; nothing goes on meanwhile.
          </Row>
        ) : null}
        <Row name="Bound to">
          <Leaves approval={a} />
        </Row>
      </dl>
      {a.evidence && !compact ? (
        <div className="border-t max-sm:hidden">
          {a.evidence.sequential ? <SequentialEvidence verdict={a.evidence.sequential} /> : null}
          {a.evidence.metrics.length > 0 ? <MetricTable metrics={a.evidence.metrics} bySite /> : null}
        </div>
      ) : null}
      {a.state === "pending" ? <Decide approval={a} /> : null}
    </article>
  );
}

/** The verdict, whether it is decided or what could still flip it, and on how much it rests. */
function EvidenceLine({ approval: { evidence: e } }: { approval: ApprovalView }) {
  if (!e) return <>Nothing was measured yet: this would be agreed to without evidence.</>;
  const flip = flipSentence(e);
  return (
    <>
      <StateMark state={verdictState[e.verdict]} word={`${verdictWord[e.verdict]}.`} className="mr-1.5 font-semibold" />
      {e.sentence} {flip ? `${flip} ` : ""}
      <span className="text-muted-foreground">
        {e.silentTargets > 0 ? `${e.silentTargets} silent and not counted. ` : ""}
        {restsOn(e)} Judged <Age at={e.atMs} suffix="ago" className="min-w-0" />.
      </span>
    </>
  );
}

/** An approval that does not count any more names what changed. */
function Void({ approval: a }: { approval: ApprovalView }) {
  const changed = a.leaves.filter((l) => l.changed).map((l) => l.name);
  // In lists the leaves are not spelt out; the first sentence of the reason names the one that changed.
  const [first = "", ...rest] = (a.voidReason ?? "What it was bound to changed.").split(/(?<=\.) /);
  const title = changed.length > 0 ? `Void: ${changed.join(" and ")} changed after it was asked` : `Void: ${first.charAt(0).toLowerCase()}${first.slice(1).replace(/\.$/, "")}`;
  return (
    <div className="px-3 pt-2.5">
      <Alert tone="warning" title={title}>
        {changed.length > 0 ? a.voidReason : rest.join(" ")} {a.decidedBy ? "The consent that was given does not count any more." : "It cannot be answered any more; if the rollout still stands there, the question is asked anew."}
      </Alert>
    </div>
  );
}

function Row({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <>
      <dt className="text-muted-foreground">{name}</dt>
      <dd className="min-w-0 [overflow-wrap:anywhere]">{children}</dd>
    </>
  );
}
