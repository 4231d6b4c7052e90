"use client";

import { cn } from "@/components/ui/cn";
import { Tooltip } from "@/components/ui/tooltip";
import { At } from "./age";
import type { Moment } from "./time";

/**
 * A count of things some of which are silent: between `atLeast` (those known now) and `atMost` (if every silent one
 * still is as last reported), of `of`. With nobody silent it is a plain number.
 */
export function IntervalCount({
  atLeast,
  atMost,
  of,
  asOf,
  word,
  className,
}: {
  atLeast: number;
  atMost: number;
  of?: number;
  /** When the silent ones were last heard of. */
  asOf?: Moment | null;
  /** What is counted: "ready". */
  word?: string;
  className?: string;
}) {
  const exact = atLeast === atMost;
  const figures = (
    <span className={cn("tnum whitespace-nowrap", className)} tabIndex={exact ? undefined : 0}>
      {word ? `${word} ` : ""}
      {exact ? atLeast : `${atLeast} to ${atMost}`}
      {of === undefined ? "" : ` of ${of}`}
      {!exact && asOf ? (
        <span className="text-muted-foreground">
          , as of <At at={asOf} />
        </span>
      ) : null}
    </span>
  );
  if (exact) return figures;
  return (
    <Tooltip
      content={`${atLeast} known now; ${atMost - atLeast} more were so when last heard of, and are silent since.`}
    >
      {figures}
    </Tooltip>
  );
}
