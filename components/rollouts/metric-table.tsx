import { Fragment } from "react";
import { StateMark, type State } from "@/components/state";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import type { VerdictView } from "@/server/core/views";
import { figureText } from "./words";

type Metric = VerdictView["metrics"][number];
const outcomeState: Record<Metric["outcome"], State> = { pass: "healthy", fail: "failing", notEnough: "pending", missing: "pending" };
const outcomeWord: Record<Metric["outcome"], string> = { pass: "kept", fail: "broken", notEnough: "too few", missing: "no data" };

/** Each metric with its limit, both arms, on how much it rests, and the same by site. On a phone each is a card. */
export function MetricTable({ metrics, bySite }: { metrics: readonly Metric[]; bySite: boolean }) {
  return (
    <Table label="Metrics of the verdict" stacked>
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
        {metrics.map((m) => (
          <Fragment key={m.name}>
            <Tr>
              <Td className="font-medium">{m.name}</Td>
              <Td label="Limit" className="text-muted-foreground">{m.limit}</Td>
              <Td label="Canary" numeric><Figure metric={m.metric} value={m.canary.value} /></Td>
              <Td label="Stable" numeric><Figure metric={m.metric} value={m.stable.value} /></Td>
              <Td label="Sample" numeric>{m.canary.sample}</Td>
              <Td label="Outcome">
                <StateMark state={outcomeState[m.outcome]} word={outcomeWord[m.outcome]} />
              </Td>
            </Tr>
            {bySite && m.bySite.length > 1
              ? m.bySite.map((s) => (
                  <Tr key={s.site} className="text-xs text-muted-foreground">
                    <Td className="pl-6!">{s.site}</Td>
                    <Td />
                    <Td label="Canary" numeric><Figure metric={m.metric} value={s.canary} /></Td>
                    <Td label="Stable" numeric><Figure metric={m.metric} value={s.stable} /></Td>
                    <Td label="Sample" numeric>{s.canarySample}</Td>
                    <Td />
                  </Tr>
                ))
              : null}
          </Fragment>
        ))}
      </tbody>
    </Table>
  );
}

/** A measured value with its unit; what was not measured is said to be unknown. */
function Figure({ metric, value }: { metric: string; value: number | null }) {
  return figureText(metric, value) ?? <span className="text-muted-foreground">unknown</span>;
}
