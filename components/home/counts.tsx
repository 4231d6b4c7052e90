"use client";

import Link from "@/components/ui/link";
import { routes } from "@/components/routes";
import { IntervalCount, StateMark, states } from "@/components/state";
import { Section } from "@/components/ui/page";
import type { HomeView } from "@/server/core/views";

/** How many nodes and units are in each state. What is silent may be ready or not: the count of ready ones is a range. */
export function Counts({ home, project }: { home: HomeView; project: string }) {
  return (
    <Section title="By state" aside={<IntervalCount atLeast={home.unitsReady.min} atMost={home.unitsReady.max} of={home.unitsReady.total} word="units ready" asOf={home.unitsReady.asOfMs} />} flush>
      <table className="w-full text-sm" aria-label="Nodes and units by state">
        <thead>
          <tr className="border-b text-xs text-muted-foreground [&>th]:h-7 [&>th]:px-3 [&>th]:font-medium">
            <th scope="col" className="text-left">
              State
            </th>
            <th scope="col" className="text-right">
              Nodes
            </th>
            <th scope="col" className="text-right">
              Units
            </th>
          </tr>
        </thead>
        <tbody>
          {states.map((state) => {
            const nodes = home.nodes[state] ?? 0;
            const units = home.units[state] ?? 0;
            return (
              <tr key={state} className="border-b last:border-b-0 [&>*]:h-8 [&>*]:px-3">
                <th scope="row" className="text-left font-normal">
                  <StateMark state={state} />
                </th>
                <td className="tnum text-right">
                  {nodes === 0 ? (
                    <span className="text-muted-foreground">0</span>
                  ) : (
                    <Link href={routes.fleet(project, { q: `state:${state}` })} className="font-medium hover:underline">
                      {nodes}
                    </Link>
                  )}
                </td>
                <td className="tnum text-right">{units === 0 ? <span className="text-muted-foreground">0</span> : units}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Section>
  );
}
