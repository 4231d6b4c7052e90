"use client";

import Link from "@/components/ui/link";
import { usePathname } from "next/navigation";
import { cn } from "@/components/ui/cn";
import { isCurrent, navEntries } from "./nav";

/** The menu itself, in the left column and in the drawer of a phone. `counts` stand right of an entry's name. */
export function NavList({ project, counts, onGo, roomy }: { project: string; counts: Record<string, number | undefined>; onGo?: () => void; roomy?: boolean }) {
  const pathname = usePathname();
  return (
    <nav aria-label="Main" className="flex-1 overflow-y-auto px-2 py-2">
      <ul className="flex flex-col gap-px">
        {navEntries.map((entry) => {
          const current = isCurrent(entry, project, pathname);
          const count = counts[entry.key];
          return (
            <li key={entry.key} className={cn(entry.key === "s" && "mt-2 border-t pt-2")}>
              <Link
                href={entry.href(project)}
                onClick={onGo}
                aria-current={current ? "page" : undefined}
                className={cn(
                  "flex items-center gap-2.5 rounded-md px-2 text-base text-muted-foreground hover:bg-accent hover:text-foreground",
                  roomy ? "h-10" : "h-7.5",
                  current && "bg-accent font-medium text-foreground",
                )}
              >
                <entry.icon className={cn("size-4 shrink-0", current && "text-link")} aria-hidden />
                <span className="flex-1">{entry.label}</span>
                {count ? (
                  <span className="tnum rounded-sm bg-primary-soft px-1.5 text-xs font-medium text-link">
                    {count}
                    <span className="sr-only"> waiting</span>
                  </span>
                ) : null}
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
