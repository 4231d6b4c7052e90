"use client";

import { useQuery } from "@tanstack/react-query";
import { useTRPC } from "@/app/_client/trpc";
import { StateShape, states, stateWord } from "@/components/state";
import { hasTerm } from "@/components/table/filter";
import { cn } from "@/components/ui/cn";

/** How many nodes are in each state; pressing one filters the list by it. States nobody is in are not shown. */
export function StateTallies({ project, text, onText }: { project: string; text: string; onText: (text: string) => void }) {
  const trpc = useTRPC();
  const home = useQuery(trpc.home.get.queryOptions({ project }));
  return (
    <div className="flex flex-wrap items-center gap-1" role="group" aria-label="Nodes by state">
      {states.map((state) => {
        const count = home.data?.nodes[state] ?? 0;
        const on = hasTerm(text, "state", state);
        if (count === 0 && !on) return null;
        return (
          <button
            key={state}
            type="button"
            aria-pressed={on}
            onClick={() => {
              const others = text.split(/\s+/).filter((token) => token !== "" && !token.startsWith("state:"));
              onText((on ? others : [...others, `state:${state}`]).join(" "));
            }}
            className={cn("flex h-6 items-center gap-1.5 rounded-md border px-2 text-xs hover:bg-accent touch:h-8", on && "border-primary bg-primary-soft")}
          >
            <StateShape state={state} size={9} />
            <span className="tnum font-medium">{count}</span>
            <span className="text-muted-foreground">{stateWord[state]}</span>
          </button>
        );
      })}
    </div>
  );
}
