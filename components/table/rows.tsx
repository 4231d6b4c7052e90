"use client";

import { useEffect, useRef, type MouseEvent, type ReactNode } from "react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ChevronDown, ChevronRight } from "lucide-react";
import { Checkbox } from "@/components/ui/checkbox";
import { cn } from "@/components/ui/cn";
import { tracks, type Column } from "./columns";

export type Line<R> = { kind: "row"; row: R } | { kind: "group"; key: string; rows: readonly R[]; open: boolean };

const ROW_PX = 32;
const CARD_PX = 56;

/** The body of a table: only the lines in view are mounted. */
export function Rows<R>({
  label,
  lines,
  columns,
  idOf,
  narrow,
  cursorId,
  activeId,
  isFaded,
  selected,
  onSelect,
  maxHeight,
  hasMore,
  onMore,
  onPress,
  onOpen,
  groupHead,
  onToggleGroup,
  head,
}: {
  label: string;
  lines: readonly Line<R>[];
  columns: readonly Column<R>[];
  idOf: (row: R) => string;
  narrow: boolean;
  cursorId: string | null;
  activeId: string | null;
  isFaded?: (row: R) => boolean;
  selected: Record<string, boolean> | null;
  onSelect: (id: string, on: boolean) => void;
  maxHeight?: number;
  hasMore: boolean;
  onMore?: () => void;
  onPress: (row: R) => void;
  onOpen?: (row: R) => void;
  groupHead?: (key: string, rows: readonly R[]) => ReactNode;
  onToggleGroup: (key: string) => void;
  head: ReactNode;
}) {
  "use no memo"; // The virtualizer is a mutable object that must be read anew at each render.
  const box = useRef<HTMLDivElement>(null);
  const { template, minWidth } = tracks(columns, selected !== null);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: (index) => (narrow && lines[index]?.kind === "row" ? CARD_PX : ROW_PX),
    getItemKey: (index) => {
      const line = lines[index];
      return line === undefined ? index : line.kind === "row" ? `r:${idOf(line.row)}` : `g:${line.key}`;
    },
    overscan: 12,
    scrollPaddingStart: narrow ? 0 : 28,
    // Before the box is measured (and in a hidden tab) enough rows for a screen are drawn.
    initialRect: { width: 1200, height: 900 },
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;

  // The virtualizer measures again when cards become rows.
  useEffect(() => virtual.measure(), [narrow, virtual]);
  // The next page is asked for a screen before the end is reached.
  useEffect(() => {
    if (hasMore && onMore && last >= lines.length - 30) onMore();
  }, [hasMore, onMore, last, lines.length]);
  // The keyboard's row is scrolled into view.
  useEffect(() => {
    if (cursorId === null) return;
    const index = lines.findIndex((line) => line.kind === "row" && idOf(line.row) === cursorId);
    if (index >= 0) virtual.scrollToIndex(index, { align: "auto" });
    // Only a move of the cursor scrolls; a change of the list does not.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [cursorId]);

  return (
    <div
      ref={box}
      role="table"
      aria-label={label}
      aria-rowcount={hasMore ? -1 : lines.length + 1}
      tabIndex={-1}
      className={cn("relative min-w-0 overflow-auto outline-none", maxHeight === undefined && "min-h-0 flex-1")}
      style={maxHeight === undefined ? undefined : { maxHeight }}
    >
      <div style={narrow ? undefined : { minWidth }} role="presentation">
        {head}
        <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const line = lines[item.index];
            if (line === undefined) return null;
            const place = { height: item.size, transform: `translateY(${item.start}px)` };
            if (line.kind === "group") {
              const Chevron = line.open ? ChevronDown : ChevronRight;
              return (
                <div key={item.key} role="row" aria-rowindex={item.index + 2} className="absolute inset-x-0 top-0 border-b bg-muted" style={place}>
                  <div role="cell" className="h-full">
                    <button
                      type="button"
                      aria-expanded={line.open}
                      onClick={() => onToggleGroup(line.key)}
                      className="flex h-full w-full items-center gap-2 px-2.5 text-left text-sm font-medium"
                    >
                      <Chevron className="size-3.5 shrink-0 text-muted-foreground" aria-hidden />
                      {groupHead ? groupHead(line.key, line.rows) : line.key}
                    </button>
                  </div>
                </div>
              );
            }
            const id = idOf(line.row);
            const isActive = id === activeId;
            const isCursor = id === cursorId;
            return (
              <div
                key={item.key}
                role="row"
                aria-rowindex={item.index + 2}
                aria-selected={selected ? Boolean(selected[id]) : undefined}
                aria-current={isActive || undefined}
                data-id={id}
                onClick={(event) => {
                  if (!onControl(event)) onPress(line.row);
                }}
                onDoubleClick={(event) => {
                  if (!onControl(event)) onOpen?.(line.row);
                }}
                className={cn(
                  "absolute inset-x-0 top-0 border-b text-sm hover:bg-accent/60",
                  isActive && "bg-primary-soft hover:bg-primary-soft",
                  isCursor && "shadow-[inset_2px_0_0_var(--primary)]",
                  isFaded?.(line.row) && "hatched",
                  narrow ? "px-3 py-2" : "grid items-center gap-3 px-3",
                )}
                style={narrow ? place : { ...place, gridTemplateColumns: template }}
              >
                {narrow ? (
                  <Card columns={columns} row={line.row} />
                ) : (
                  <>
                    {selected ? (
                      <div role="cell" className="flex items-center">
                        <Checkbox checked={Boolean(selected[id])} onCheckedChange={(on) => onSelect(id, on === true)} aria-label={`Select ${id}`} />
                      </div>
                    ) : null}
                    {columns.map((column) => (
                      <div key={column.id} role="cell" className={cn("min-w-0 truncate", column.numeric && "tnum text-right")}>
                        {column.cell(line.row)}
                      </div>
                    ))}
                  </>
                )}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** A row on a phone: what it is and its state in the first line, facts in the second. */
function Card<R>({ columns, row }: { columns: readonly Column<R>[]; row: R }) {
  const at = (place: "title" | "aside" | "line") =>
    columns.filter((column, index) => (column.narrow ?? (index === 0 ? "title" : "line")) === place);
  return (
    <>
      <div className="flex items-center gap-2">
        {at("title").map((column) => (
          <div key={column.id} role="cell" className="min-w-0 flex-1 truncate font-medium">
            {column.cell(row)}
          </div>
        ))}
        {at("aside").map((column) => (
          <div key={column.id} role="cell" className="shrink-0">
            {column.cell(row)}
          </div>
        ))}
      </div>
      <div className="mt-0.5 flex items-center gap-x-3 overflow-hidden text-xs text-muted-foreground">
        {at("line").map((column) => (
          <div key={column.id} role="cell" className="max-w-[60%] shrink-0 truncate">
            {column.cell(row)}
          </div>
        ))}
      </div>
    </>
  );
}

function onControl(event: MouseEvent): boolean {
  return event.target instanceof Element && event.target.closest("a, button, input, label, [role=checkbox]") !== null;
}
