"use client";

import dynamic from "next/dynamic";
import { cn } from "@/components/ui/cn";
import { Skeleton } from "@/components/ui/skeleton";
import type { ChangeView } from "@/server/core/views";

const MergeView = dynamic(() => import("./merge-view"), { ssr: false, loading: () => <Skeleton className="m-4 h-24 w-1/2 opacity-40" /> });

/** Two manifests as one text: what goes is red, what comes is green, what stays the same is folded. */
export function ManifestDiff({ before, after, label = "Difference", className }: { before: string; after: string; label?: string; className?: string }) {
  if (before === after) return <p className={cn("px-3 py-2 text-sm text-muted-foreground", className)}>Nothing changes.</p>;
  return (
    <div className={cn("max-h-[60vh] overflow-auto rounded-md border bg-card", className)}>
      <MergeView before={before} after={after} label={label} />
    </div>
  );
}

/** Changes field by field: path, before, after. A value that was not there is said to be unset. */
export function ChangeList({ changes, className }: { changes: readonly ChangeView[]; className?: string }) {
  if (changes.length === 0) return <p className={cn("text-sm text-muted-foreground", className)}>Nothing changes.</p>;
  return (
    <ul className={cn("flex flex-col divide-y divide-border text-sm", className)}>
      {changes.map((change) => (
        <li key={change.path} className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5 py-1">
          <code className="min-w-0 text-muted-foreground [overflow-wrap:anywhere]">{change.path}</code>
          <span className="flex min-w-0 flex-wrap items-baseline gap-x-2">
            <Value text={change.before} gone />
            <span className="text-muted-foreground">
              <span aria-hidden>→</span>
              <span className="sr-only"> becomes </span>
            </span>
            <Value text={change.after} />
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Digests by their first characters: what tells two apart at a glance. The whole one stands in the tooltip. */
const short = (text: string): string => text.replace(/sha256:([0-9a-f]{12})[0-9a-f]{52}/g, "sha256:$1…");

function Value({ text, gone }: { text: string | null; gone?: boolean }) {
  if (text === null) return <span className="text-muted-foreground">unset</span>;
  return (
    <code
      title={short(text) === text ? undefined : text}
      className={cn(
        "rounded-sm px-1 [overflow-wrap:anywhere]",
        gone ? "bg-failing-soft text-failing line-through decoration-1" : "bg-healthy-soft text-healthy",
      )}
    >
      {text === "" ? "(empty)" : short(text)}
    </code>
  );
}
