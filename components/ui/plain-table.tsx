import type { ReactNode } from "react";
import { Table, Td, Th, Tr } from "./table";

/** A column of a short table. */
export type PlainColumn<T> = {
  head: string;
  cell: (row: T) => ReactNode;
  numeric?: boolean;
  /** On a phone a cell has its column's name before it; one that is bare speaks for itself. */
  bare?: boolean;
  className?: string | ((row: T) => string | undefined);
};

/** A short table by its columns, with the commands for each row at its end; rows become cards on a phone. */
export function PlainTable<T>({ label, rows, columns, keyOf, commands }: {
  label: string;
  rows: readonly T[];
  columns: readonly PlainColumn<T>[];
  keyOf: (row: T) => string;
  commands?: (row: T) => ReactNode;
}) {
  return (
    <Table stacked label={label}>
      <thead>
        <tr>
          {columns.map((column) => (
            <Th key={column.head} numeric={column.numeric}>
              {column.head}
            </Th>
          ))}
          {commands ? (
            <Th>
              <span className="sr-only">Commands</span>
            </Th>
          ) : null}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Tr key={keyOf(row)}>
            {columns.map(({ head, cell, numeric, bare, className }) => {
              const content = cell(row);
              return (
                <Td key={head} label={bare || content === "" ? undefined : head} numeric={numeric} className={typeof className === "function" ? className(row) : className}>
                  {content}
                </Td>
              );
            })}
            {commands ? <Td className="whitespace-nowrap text-right">{commands(row)}</Td> : null}
          </Tr>
        ))}
      </tbody>
    </Table>
  );
}
