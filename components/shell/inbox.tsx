"use client";

import { useState } from "react";
import Link from "@/components/ui/link";
import { Inbox as InboxIcon } from "lucide-react";
import { Age, StateShape, type State } from "@/components/state";
import { Button } from "@/components/ui/button";
import { Popover, PopoverContent, PopoverTrigger } from "@/components/ui/popover";

export type Need = { severity: State; text: string; href: string; sinceMs: number | null };

/** What waits for this person, from every page. The same list stands first on Home. */
export function Inbox({ needs }: { needs: readonly Need[] | undefined }) {
  const [open, setOpen] = useState(false);
  const count = needs?.length ?? 0;
  const label = needs === undefined ? "Inbox" : count === 0 ? "Inbox: nothing needs you" : `Inbox: ${count} ${count === 1 ? "matter needs" : "matters need"} you`;
  return (
    <Popover open={open} onOpenChange={setOpen}>
      <PopoverTrigger asChild>
        <Button variant="ghost" size="icon" className="relative" aria-label={label} title={label}>
          <InboxIcon className="size-4!" aria-hidden />
          {count > 0 ? (
            <span aria-hidden className="tnum absolute -right-0.5 -top-0.5 grid h-3.5 min-w-3.5 place-items-center rounded-full bg-primary px-1 text-[9px] font-semibold leading-none text-primary-foreground">
              {count > 99 ? "99+" : count}
            </span>
          ) : null}
        </Button>
      </PopoverTrigger>
      <PopoverContent align="end" className="w-96 max-w-[calc(100vw-16px)] p-0" aria-label="Inbox">
        <p className="border-b px-3 py-2 text-sm font-semibold">Needs you</p>
        {needs === undefined ? (
          <p className="px-3 py-3 text-sm text-muted-foreground">Loading</p>
        ) : count === 0 ? (
          <p className="px-3 py-3 text-sm text-muted-foreground">Nothing needs you now. Failing and silent nodes, held rollouts and approvals that wait for you appear here.</p>
        ) : (
          <ul className="max-h-[60vh] divide-y divide-border overflow-y-auto">
            {needs.map((need, index) => (
              <li key={`${need.href}${index}`}>
                <Link href={need.href} onClick={() => setOpen(false)} className="flex items-start gap-2 px-3 py-2 text-sm hover:bg-accent">
                  <StateShape state={need.severity} className="mt-1" label={need.severity} />
                  <span className="min-w-0 flex-1">{need.text}</span>
                  {need.sinceMs !== null ? <Age at={need.sinceMs} className="text-right text-xs text-muted-foreground" /> : null}
                </Link>
              </li>
            ))}
          </ul>
        )}
      </PopoverContent>
    </Popover>
  );
}
