"use client";

import { useState, type ReactNode } from "react";
import {
  getCoreRowModel,
  getSortedRowModel,
  useReactTable,
  type ColumnDef,
  type RowSelectionState,
  type SortingState,
} from "@tanstack/react-table";
import { cn } from "@/components/ui/cn";
import { Button } from "@/components/ui/button";
import { ErrorState } from "@/components/ui/empty-state";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import { useNarrow } from "@/components/ui/use-media";
import type { Column } from "./columns";
import { holdOrder } from "./hold-order";
import { HeadRow } from "./head-row";
import { Rows, type Line } from "./rows";
import { TableFoot } from "./table-foot";
import { useListKeys } from "./use-list-keys";

export type { Column } from "./columns";

export type ServerSort = { column: string; descending: boolean };

export type DataTableProps<R> = {
  /** What the list is: read aloud, and used in sentences ("nodes"). */
  label: string;
  rows: readonly R[];
  columns: readonly Column<R>[];
  idOf: (row: R) => string;
  /** `loading` shows a skeleton of the table; `stale` greys nothing but says so above the rows. */
  status?: "loading" | "error" | "ready";
  error?: { message: string; id?: string | null } | null;
  onRetry?: () => void;
  /** What stands here when there are no rows at all. */
  empty: ReactNode;
  /** What stands here when a filter lets nothing through. */
  nothingFound?: ReactNode;
  filtered?: boolean;
  /** More rows can be had from the server (keyset pages). */
  hasMore?: boolean;
  onMore?: () => void;
  loadingMore?: boolean;
  /** How many there are in all, if the server counted. */
  total?: number | null;
  /** The row that stands open in the side pane. */
  activeId?: string | null;
  /** Opens a row in the pane, or closes it. */
  onActive?: (id: string | null) => void;
  /** Opens a row whole (Enter, double click). */
  onOpen?: (row: R) => void;
  groupBy?: (row: R) => string;
  groupHead?: (key: string, rows: readonly R[]) => ReactNode;
  /** Acts on ticked rows; gives the list a column of boxes. */
  bulk?: (ids: readonly string[], clear: () => void) => ReactNode;
  /** Sorting done by the server; without it columns with `sortValue` are sorted here. */
  sort?: ServerSort | null;
  onSort?: (sort: ServerSort | null) => void;
  initialSort?: ServerSort;
  /** Changes whenever the order may change because the reader asked for it (the filter's text). */
  orderKey?: string;
  /** Rows drawn as known from before only (a silent node's units). */
  isFaded?: (row: R) => boolean;
  /** A list inside a section: it is as high as its rows, up to this many pixels. */
  maxHeight?: number;
  /** Whether J, K, Enter, Space, Esc act on this list. One list a page. */
  keys?: boolean;
  className?: string;
};

/**
 * A list of any length: 32 px rows, only those in view are mounted, sticky head, keyset pages, sorting, selection,
 * groups. While the pointer rests on it rows do not jump: changes wait behind a chip. On a phone each row is a card of
 * two lines.
 */
export function DataTable<R>(props: DataTableProps<R>) {
  const { rows, columns, idOf, status = "ready", label, bulk, activeId = null, keys = props.maxHeight === undefined } = props;
  const narrow = useNarrow();
  const [localSort, setLocalSort] = useState<SortingState>(
    props.initialSort ? [{ id: props.initialSort.column, desc: props.initialSort.descending }] : [],
  );
  const [selection, setSelection] = useState<RowSelectionState>({});
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [cursorId, setCursorId] = useState<string | null>(null);
  const [held, setHeld] = useState<{ rows: readonly R[]; key: string } | null>(null);

  const table = useReactTable<R>({
    data: rows as R[],
    columns: columns.map(
      (column): ColumnDef<R> => ({
        id: column.id,
        accessorFn: (row) => column.sortValue?.(row) ?? undefined,
        enableSorting: column.sortValue !== undefined && !props.onSort,
        sortUndefined: "last",
        sortingFn: "alphanumeric",
      }),
    ),
    getRowId: idOf,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    state: { sorting: props.onSort ? UNSORTED : localSort, rowSelection: selection },
    // There are no pages here to go back to the first of; the reset would draw everything again, for ever.
    autoResetAll: false,
    onSortingChange: setLocalSort,
    onRowSelectionChange: setSelection,
    enableRowSelection: bulk !== undefined,
  });
  const sorted = table.getSortedRowModel().rows.map((row) => row.original);
  const orderKey = `${props.orderKey ?? ""}|${JSON.stringify(props.sort ?? localSort)}`;
  const holding = held !== null && held.key === orderKey ? holdOrder(held.rows, sorted, idOf) : null;
  const shown = holding?.rows ?? sorted;
  const waiting = holding ? holding.added + holding.gone : 0;

  const lines = toLines(shown, props.groupBy, closed);
  const order = lines.flatMap((line) => (line.kind === "row" ? [line.row] : []));
  const cursor = activeId ?? cursorId;

  const move = (by: number) => {
    const at = order.findIndex((row) => idOf(row) === cursor);
    const next = order[at === -1 ? (by > 0 ? 0 : order.length - 1) : Math.min(order.length - 1, Math.max(0, at + by))];
    if (next === undefined) return;
    setCursorId(idOf(next));
    if (activeId !== null) props.onActive?.(idOf(next));
  };
  const atCursor = () => order.find((row) => idOf(row) === cursor);
  useListKeys(keys && status === "ready", {
    move,
    open: () => {
      const row = atCursor();
      if (row !== undefined) (props.onOpen ?? ((r: R) => props.onActive?.(idOf(r))))(row);
    },
    peek: () => {
      if (cursor !== null) props.onActive?.(activeId === cursor ? null : cursor);
    },
    select: () => {
      if (bulk && cursor !== null) setSelection((now) => ({ ...now, [cursor]: !now[cursor] }));
    },
    close: () => {
      if (activeId === null) return false;
      setCursorId(activeId);
      props.onActive?.(null);
      return true;
    },
  });

  const ids = Object.keys(selection).filter((id) => selection[id]);
  const clear = () => setSelection({});
  const sortNow = props.sort ?? (localSort[0] ? { column: localSort[0].id, descending: localSort[0].desc } : null);
  const onSort = (next: ServerSort | null) =>
    props.onSort ? props.onSort(next) : setLocalSort(next ? [{ id: next.column, desc: next.descending }] : []);

  return (
    <div
      className={cn("relative flex min-w-0 flex-col", props.maxHeight === undefined && "min-h-72 flex-1 basis-0 border-t", props.className)}
      onPointerEnter={(event) => {
        if (event.pointerType === "mouse") setHeld({ rows: sorted, key: orderKey });
      }}
      onPointerLeave={() => setHeld(null)}
    >
      {waiting > 0 ? (
        <Button
          variant="primary"
          size="sm"
          className="absolute left-1/2 top-9 z-20 -translate-x-1/2 shadow-pane"
          onClick={() => setHeld({ rows: sorted, key: orderKey })}
        >
          {waiting === 1 ? "1 change" : `${waiting} changes`} waiting: show
        </Button>
      ) : null}
      {bulk && ids.length > 0 ? (
        <div className="flex min-h-9 flex-wrap items-center gap-2 border-b bg-primary-soft px-3 py-1 text-sm" role="region" aria-label="Selected rows">
          <span className="tnum font-medium">{ids.length} selected</span>
          {bulk(ids, clear)}
          <Button variant="ghost" size="sm" onClick={clear}>
            Clear selection
          </Button>
        </div>
      ) : null}
      {status === "loading" ? (
        <Loading what={label}>
          <SkeletonRows rows={props.maxHeight ? 4 : 12} columns={Math.min(6, columns.length)} />
        </Loading>
      ) : status === "error" && rows.length === 0 ? (
        <ErrorState
          title={`The ${label} could not be loaded`}
          message={props.error?.message ?? "The server did not answer."}
          id={props.error?.id}
          onRetry={props.onRetry}
        />
      ) : rows.length === 0 ? (
        props.filtered ? (props.nothingFound ?? <NothingFound label={label} />) : props.empty
      ) : (
        <>
          <Rows
            label={label}
            lines={lines}
            columns={columns}
            idOf={idOf}
            narrow={narrow}
            cursorId={cursor}
            activeId={activeId}
            isFaded={props.isFaded}
            selected={bulk ? selection : null}
            onSelect={(id, on) => setSelection((now) => ({ ...now, [id]: on }))}
            maxHeight={props.maxHeight}
            hasMore={props.hasMore ?? false}
            onMore={props.onMore}
            onPress={(row) => {
              setCursorId(idOf(row));
              if (props.onActive) props.onActive(idOf(row) === activeId ? null : idOf(row));
              else props.onOpen?.(row);
            }}
            onOpen={props.onOpen}
            groupHead={props.groupHead}
            onToggleGroup={(key) =>
              setClosed((now) => {
                const next = new Set(now);
                if (!next.delete(key)) next.add(key);
                return next;
              })
            }
            head={
              <HeadRow
                columns={columns}
                sort={sortNow}
                onSort={onSort}
                serverSort={props.onSort !== undefined}
                partial={props.hasMore ?? false}
                allSelected={bulk ? (ids.length === 0 ? false : ids.length >= order.length ? true : "indeterminate") : null}
                onSelectAll={(on) => setSelection(on ? Object.fromEntries(order.map((row) => [idOf(row), true])) : {})}
              />
            }
          />
          {props.maxHeight === undefined || props.hasMore ? (
            <TableFoot
              label={label}
              loaded={rows.length}
              total={props.total ?? null}
              hasMore={props.hasMore ?? false}
              loadingMore={props.loadingMore ?? false}
              onMore={props.onMore}
              failed={status === "error"}
              onRetry={props.onRetry}
              keys={keys && !narrow}
              pane={props.onActive !== undefined}
            />
          ) : null}
        </>
      )}
    </div>
  );
}

const UNSORTED: SortingState = [];

function NothingFound({ label }: { label: string }) {
  return <p className="px-3 py-6 text-muted-foreground">No {label} match this filter. Take a term out, or press Esc in the filter to clear it.</p>;
}

/** Rows in order, with a head before each group; rows of closed groups are left out. */
function toLines<R>(rows: readonly R[], groupBy: ((row: R) => string) | undefined, closed: ReadonlySet<string>): Line<R>[] {
  if (!groupBy) return rows.map((row) => ({ kind: "row", row }));
  const groups = new Map<string, R[]>();
  for (const row of rows) {
    const key = groupBy(row);
    const there = groups.get(key);
    if (there) there.push(row);
    else groups.set(key, [row]);
  }
  return [...groups].flatMap(([key, members]): Line<R>[] => [
    { kind: "group", key, rows: members, open: !closed.has(key) },
    ...(closed.has(key) ? [] : members.map((row): Line<R> => ({ kind: "row", row }))),
  ]);
}
