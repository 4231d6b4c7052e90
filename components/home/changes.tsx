"use client";

import { useEffect, useState } from "react";
import Link from "@/components/ui/link";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age, At } from "@/components/state";
import { Section } from "@/components/ui/page";
import type { HomeView } from "@/server/core/views";

/** What changed, newest first, with a line where this reader was here last. */
export function Changes({ changes, project }: { changes: HomeView["changes"]; project: string }) {
  const { may } = useProject();
  const lastVisit = useLastVisit(project);
  const seenFrom = lastVisit === null ? -1 : changes.findIndex((change) => change.atMs <= lastVisit);
  return (
    <Section
      title="What changed"
      aside={
        may("audit.read") ? (
          <Link href={routes.audit(project)} className="link">
            Audit
          </Link>
        ) : null
      }
      flush
    >
      {changes.length === 0 ? (
        <p className="px-3 py-2.5 text-sm text-muted-foreground">Nothing has been changed in this project yet.</p>
      ) : (
        <ol className="text-sm">
          {changes.map((change, index) => (
            <li key={`${change.atMs}${index}`} className="border-b last:border-b-0">
              {index === seenFrom && index > 0 && lastVisit !== null ? (
                <p className="border-b border-dashed border-border-strong bg-muted px-3 py-0.5 text-xs text-muted-foreground">
                  You were here at <At at={lastVisit} />
                </p>
              ) : null}
              <div className="flex min-h-8 items-start gap-2 px-3 py-1.5">
                <span className="min-w-0 flex-1 [overflow-wrap:anywhere]">
                  {change.href ? (
                    <Link href={change.href} className="hover:underline">
                      {change.text}
                    </Link>
                  ) : (
                    change.text
                  )}
                </span>
                {change.text.includes(change.actor) ? null : <span className="max-w-32 shrink-0 truncate text-muted-foreground max-sm:hidden">{change.actor}</span>}
                <Age at={change.atMs} className="shrink-0 text-right text-muted-foreground" />
              </div>
            </li>
          ))}
        </ol>
      )}
    </Section>
  );
}

/** When this browser last left the Home of a project; null the first time. Kept in the browser only. */
function useLastVisit(project: string): number | null {
  const key = `holdfast.home.${project}`;
  const [last] = useState<number | null>(() => {
    if (typeof window === "undefined") return null;
    const kept = Number(window.localStorage.getItem(key));
    return Number.isFinite(kept) && kept > 0 ? kept : null;
  });
  // The outside system is the browser's storage: the visit ends when the page is left.
  useEffect(() => {
    const leave = () => window.localStorage.setItem(key, String(Date.now()));
    window.addEventListener("pagehide", leave);
    return () => {
      window.removeEventListener("pagehide", leave);
      leave();
    };
  }, [key]);
  return last;
}
