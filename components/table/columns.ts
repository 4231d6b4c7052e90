import type { ReactNode } from "react";

/** One column of a `DataTable`. */
export type Column<R> = {
  id: string;
  header: string;
  cell: (row: R) => ReactNode;
  /** Least width in pixels, and the share of what is left over (0: stays at its least width). */
  width: { min: number; grow?: number };
  /** Gives the column a sort by this value, in the browser (nulls last). */
  sortValue?: (row: R) => string | number | null;
  /** The server sorts by this column; see `sort` of the table. */
  serverSort?: boolean;
  numeric?: boolean;
  /** Explains the column in a tooltip of its head. */
  hint?: string;
  /** Where the value stands on a phone: in the first line, right of it, in the second line, or not at all. */
  narrow?: "title" | "aside" | "line" | "hidden";
};

/** The grid tracks of the columns, and the width below which the table scrolls sideways. */
export function tracks<R>(columns: readonly Column<R>[], selectable: boolean): { template: string; minWidth: number } {
  const parts = columns.map(({ width }) => (width.grow ? `minmax(${width.min}px, ${width.grow}fr)` : `${width.min}px`));
  const least = columns.reduce((sum, { width }) => sum + width.min, 0) + columns.length * 12 + 24;
  return {
    template: (selectable ? ["28px", ...parts] : parts).join(" "),
    minWidth: least + (selectable ? 40 : 0),
  };
}
