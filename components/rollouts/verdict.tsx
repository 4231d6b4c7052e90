"use client";

import { Fragment } from "react";
import { Age, StateMark, type State } from "@/components/state";
import { latencyText } from "@/components/chart";
import { cn } from "@/components/ui/cn";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import type { VerdictView } from "@/server/core/views";

const verdictWord: Record<VerdictView["verdict"], string> = { promote: "Promote", hold: "Hold", rollBack: "Roll back", notEnoughEvidence: "Not enough evidence yet" };
const verdictState: Record<VerdictView["verdict"], State> = { promote: "healthy", hold: "degraded", rollBack: "failing", notEnoughEvidence: "pending" };
const outcomeState: Record<VerdictView["metrics"][number]["outcome"], State> = { pass: "healthy", fail: "failing", notEnough: "pending", missing: "pending" };
const outcomeWord: Record<VerdictView["metrics"][number]["outcome"], string> = { pass: "kept", fail: "broken", notEnough: "too few", missing: "no data" };

/** The verdict large, its sentence, then each metric: limit, canary, stable, on how much it rests, and by site. */
export function Verdict({ verdict, bySite = true }: { verdict: VerdictView; bySite?: boolean }) {
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-baseline gap-x-3 gap-y-1 px-3 pt-3">
        <StateMark state={verdictState[verdict.verdict]} word={verdictWord[verdict.verdict]} className="text-md font-semibold" />
        <span className="ml-auto text-xs text-muted-foreground">
          judged <Age at={verdict.atMs} suffix="ago" className="min-w-0" />
          {verdict.silentTargets > 0 ? <span className="text-silent">, {verdict.silentTargets} silent and not counted</span> : null}
        </span>
        <p className="w-full text-sm text-muted-foreground">{verdict.sentence}</p>
      </div>
      <Table label="Metrics of the verdict">
        <thead>
          <tr>
            <Th>Metric</Th>
            <Th>Limit</Th>
            <Th numeric>Canary</Th>
            <Th numeric>Stable</Th>
            <Th numeric>Sample</Th>
            <Th>Outcome</Th>
          </tr>
        </thead>
        <tbody>
          {verdict.metrics.map((m) => (
            <Fragment key={m.name}>
              <Tr>
                <Td className="font-medium">{m.name}</Td>
                <Td className="text-muted-foreground">{m.limit}</Td>
                <Td numeric>{figure(m.metric, m.canary.value)}</Td>
                <Td numeric>{figure(m.metric, m.stable.value)}</Td>
                <Td numeric>{m.canary.sample}</Td>
                <Td>
                  <StateMark state={outcomeState[m.outcome]} word={outcomeWord[m.outcome]} />
                </Td>
              </Tr>
              {bySite && m.bySite.length > 1
                ? m.bySite.map((s) => (
                    <tr key={s.site} className="text-xs text-muted-foreground">
                      <Td className="pl-6">{s.site}</Td>
                      <Td />
                      <Td numeric>{figure(m.metric, s.canary)}</Td>
                      <Td numeric>{figure(m.metric, s.stable)}</Td>
                      <Td numeric>{s.canarySample}</Td>
                      <Td />
                    </tr>
                  ))
                : null}
            </Fragment>
          ))}
        </tbody>
      </Table>
    </div>
  );
}

/** A measured value with its unit; what was not measured is said to be unknown. */
export function figure(metric: string, value: number | null): React.ReactNode {
  if (value === null) return <span className="text-muted-foreground">unknown</span>;
  if (metric.startsWith("latency")) return latencyText(value);
  if (metric === "errorRate") return `${(value * 100).toFixed(2)}%`;
  if (metric === "accuracy") return value.toFixed(3);
  return value.toFixed(value < 10 ? 2 : 0);
}

/** No verdict yet, as a sentence. */
export function NoVerdict({ className }: { className?: string }) {
  return <p className={cn("p-3 text-sm text-muted-foreground", className)}>Nothing has been judged yet: the first verdict comes when a canary serves and its template asks for evidence.</p>;
}
