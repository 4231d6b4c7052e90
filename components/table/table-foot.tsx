"use client";

import { Button } from "@/components/ui/button";
import { Kbd } from "@/components/ui/kbd";

const figures = new Intl.NumberFormat("en-GB");

/** Under a list: how much of it is here, how to get more, and the keys. */
export function TableFoot({
  label,
  loaded,
  total,
  hasMore,
  loadingMore,
  onMore,
  failed,
  onRetry,
  keys,
  pane,
}: {
  label: string;
  loaded: number;
  total: number | null;
  hasMore: boolean;
  loadingMore: boolean;
  onMore?: () => void;
  failed: boolean;
  onRetry?: () => void;
  keys: boolean;
  pane: boolean;
}) {
  return (
    <div className="flex min-h-8 flex-wrap items-center gap-x-3 gap-y-1 border-t px-3 py-1 text-xs text-muted-foreground">
      <span className="tnum">
        {figures.format(loaded)}
        {total !== null && total > loaded ? ` of ${figures.format(total)}` : hasMore ? "+" : ""} {loaded === 1 && !hasMore ? singular(label) : label}
      </span>
      {failed ? (
        <span className="flex items-center gap-2 text-failing" role="alert">
          The newest rows could not be loaded; these are the last known.
          {onRetry ? (
            <Button size="sm" onClick={onRetry}>
              Try again
            </Button>
          ) : null}
        </span>
      ) : null}
      {hasMore && onMore ? (
        <Button size="sm" busy={loadingMore} onClick={onMore}>
          Load more
        </Button>
      ) : null}
      {keys ? (
        <span className="ml-auto flex items-center gap-1 max-md:hidden">
          <Kbd>J</Kbd>
          <Kbd>K</Kbd> move
          {pane ? (
            <>
              <span className="ml-2">
                <Kbd>Space</Kbd>
              </span>{" "}
              side pane
            </>
          ) : null}
          <span className="ml-2">
            <Kbd>Enter</Kbd>
          </span>{" "}
          open
        </span>
      ) : null}
    </div>
  );
}

/** "nodes" -> "node", "entries" -> "entry": the labels of lists are plurals. */
function singular(label: string): string {
  return label.replace(/ies\b/, "y").replace(/([^s])s\b/, "$1");
}
