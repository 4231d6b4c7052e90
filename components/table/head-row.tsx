"use client";

import { ArrowDown, ArrowUp } from "lucide-react";
import { Checkbox } from "@/components/ui/checkbox";
import { Tooltip } from "@/components/ui/tooltip";
import { cn } from "@/components/ui/cn";
import { tracks, type Column } from "./columns";
import type { ServerSort } from "./data-table";

/** The head of a table: names, sort, the box that ticks all. */
export function HeadRow<R>({
  columns,
  sort,
  onSort,
  serverSort,
  partial,
  allSelected,
  onSelectAll,
}: {
  columns: readonly Column<R>[];
  sort: ServerSort | null;
  onSort: (sort: ServerSort | null) => void;
  serverSort: boolean;
  /** Only some of the rows are loaded: a sort made here sorts those. */
  partial: boolean;
  allSelected: boolean | "indeterminate" | null;
  onSelectAll: (on: boolean) => void;
}) {
  const { template } = tracks(columns, allSelected !== null);
  return (
    <div
      role="row"
      className="sticky top-0 z-10 grid h-7 items-center gap-3 border-b bg-background px-3 text-xs font-medium text-muted-foreground max-sm:hidden"
      style={{ gridTemplateColumns: template }}
    >
      {allSelected !== null ? (
        <div role="columnheader" className="flex items-center">
          <Checkbox checked={allSelected} onCheckedChange={(on) => onSelectAll(on === true)} aria-label="Select all loaded rows" />
        </div>
      ) : null}
      {columns.map((column) => {
        const sortable = serverSort ? column.serverSort === true : column.sortValue !== undefined;
        const mine = sort?.column === column.id ? sort : null;
        const Arrow = mine?.descending ? ArrowDown : ArrowUp;
        const hint = [column.hint, sortable && partial && !serverSort ? "Sorts the rows that are loaded." : null].filter(Boolean).join(" ");
        const name = <span className="truncate">{column.header}</span>;
        return (
          <div
            key={column.id}
            role="columnheader"
            aria-sort={mine ? (mine.descending ? "descending" : "ascending") : undefined}
            className={cn("flex min-w-0 items-center", column.numeric && "justify-end")}
          >
            <Tooltip content={hint} side="bottom">
              {sortable ? (
                <button
                  type="button"
                  className="flex h-6 min-w-0 items-center gap-1 rounded-sm hover:text-foreground"
                  onClick={() =>
                    onSort(mine === null ? { column: column.id, descending: false } : mine.descending ? null : { column: column.id, descending: true })
                  }
                >
                  {name}
                  {mine ? <Arrow className="size-3 shrink-0" aria-hidden /> : null}
                </button>
              ) : (
                <span className="min-w-0 truncate" tabIndex={hint ? 0 : undefined}>
                  {column.header}
                </span>
              )}
            </Tooltip>
          </div>
        );
      })}
    </div>
  );
}
