"use client";

import { Age, At, StateMark } from "@/components/state";
import { cn } from "@/components/ui/cn";
import type { VerdictView } from "@/server/core/views";
import { MetricTable } from "./metric-table";
import { SequentialEvidence } from "./sequential-evidence";
import { flipSentence, restsOn, verdictState, verdictWord } from "./words";

/** The verdict first and large, whether it can still become another, its sentence; then what it rests on. */
export function Verdict({ verdict, ended = false }: { verdict: VerdictView; ended?: boolean }) {
  return (
    <div className="flex flex-col">
      <VerdictHead verdict={verdict} ended={ended} />
      {verdict.sequential ? <SequentialEvidence verdict={verdict.sequential} /> : null}
      {verdict.metrics.length > 0 ? <MetricTable metrics={verdict.metrics} bySite /> : null}
    </div>
  );
}

/** Of a rollout that ended nothing can flip any more. */
function VerdictHead({ verdict: v, ended }: { verdict: VerdictView; ended: boolean }) {
  const s = ended ? null : v.sequential;
  const flip = ended ? null : flipSentence(v);
  return (
    <div className="flex flex-col gap-1.5 p-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <StateMark state={verdictState[v.verdict]} word={verdictWord[v.verdict]} className="gap-2 text-xl font-semibold [&_svg]:size-3.5" />
        {s ? <Decided decided={s.decided} /> : null}
        <span className="ml-auto text-xs text-muted-foreground">
          judged <Age at={v.atMs} suffix="ago" className="min-w-0" />
          {v.template ? <> by {v.template}</> : null}
        </span>
      </div>
      <p className="max-w-[90ch] text-md">{v.sentence}</p>
      <p className="max-w-[90ch] text-sm text-muted-foreground">
        {flip ? `${flip} ` : ""}
        {s && !s.decided && s.earliestAtMs !== null ? (
          <>
            At the present rate it can be decided at <At at={s.earliestAtMs} />.{" "}
          </>
        ) : null}
        {v.silentTargets > 0 ? <span className="text-silent">{v.silentTargets === 1 ? "1 silent unit is" : `${v.silentTargets} silent units are`} not counted. </span> : null}
        {restsOn(v)}
      </p>
    </div>
  );
}

function Decided({ decided }: { decided: boolean }) {
  return <span className={cn("rounded-sm border px-1.5 text-xs font-medium leading-5", decided ? "border-border-strong" : "hatched border-silent/40 text-silent")}>{decided ? "decided" : "can still flip"}</span>;
}

/** No verdict, as a sentence. */
export function NoVerdict({ ended }: { ended: boolean }) {
  return <p className="p-3 text-sm text-muted-foreground">{ended ? "Nothing was judged: it ended before a canary had served, or its strategy asks for no analysis." : "Nothing has been judged yet: the first verdict comes when a canary serves and its template asks for evidence."}</p>;
}
