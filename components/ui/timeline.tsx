"use client";

import { useState } from "react";
import Link from "@/components/ui/link";
import { Age, At } from "@/components/state";
import { Button } from "./button";
import { cn } from "./cn";

export type TimelineItem = { atMs: number; receivedMs?: number | null; kind: string; text: string; href?: string | null; actor?: string | null };

const FIRST = 10;

/** What happened, newest first. An entry that reached the server later than it happened says so. */
export function Timeline({ items: all, empty, className }: { items: readonly TimelineItem[]; empty: string; className?: string }) {
  const [whole, setWhole] = useState(false);
  const items = whole ? all : all.slice(0, FIRST);
  if (items.length === 0) return <p className={cn("text-sm text-muted-foreground", className)}>{empty}</p>;
  return (
    <>
      <ol className={cn("relative flex flex-col", className)}>
        {items.map((item, index) => {
          const late = item.receivedMs !== undefined && item.receivedMs !== null && item.receivedMs - item.atMs > 10_000;
          return (
            <li key={`${item.atMs}${index}`} className="relative flex gap-3 pb-2 pl-4 text-sm last:pb-0">
              <span aria-hidden className="absolute left-0 top-1.5 size-1.5 rounded-full bg-border-strong" />
              {index < items.length - 1 ? <span aria-hidden className="absolute bottom-0 left-[2.5px] top-4 w-px bg-border" /> : null}
              <span className="min-w-0 flex-1 [overflow-wrap:anywhere]">
                {item.href ? (
                  <Link href={item.href} className="link">
                    {item.text}
                  </Link>
                ) : (
                  item.text
                )}
                {item.actor ? <span className="text-muted-foreground"> by {item.actor}</span> : null}
                {late && item.receivedMs ? (
                  <span className="text-xs text-muted-foreground">
                    {" "}
                    (reported at <At at={item.receivedMs} />)
                  </span>
                ) : null}
              </span>
              <span className="shrink-0 text-xs text-muted-foreground">
                <Age at={item.atMs} className="text-right" />
              </span>
            </li>
          );
        })}
      </ol>
      {all.length > FIRST ? (
        <Button size="sm" variant="ghost" className="-ml-2 mt-1" onClick={() => setWhole(!whole)}>
          {whole ? "Show fewer" : `Show ${all.length - FIRST} more`}
        </Button>
      ) : null}
    </>
  );
}
