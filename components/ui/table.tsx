import type { ComponentProps } from "react";
import { cn } from "./cn";

/**
 * A short table of known length (up to some fifty rows). Long lists use `DataTable`. With `stacked`, rows become cards
 * on a phone; give the cells then their column's name as `label`. The roles are said aloud, because a table that is
 * laid out as cards would lose them.
 */
export function Table({ className, label, stacked, ...rest }: ComponentProps<"table"> & { label: string; stacked?: boolean }) {
  return (
    <div className="w-full overflow-x-auto" tabIndex={0} role="region" aria-label={label}>
      <table role="table" className={cn("w-full border-collapse text-sm", stacked && "stacked", className)} aria-label={label} {...rest} />
    </div>
  );
}

export function Th({ className, numeric, ...rest }: ComponentProps<"th"> & { numeric?: boolean }) {
  return (
    <th
      scope="col"
      role="columnheader"
      className={cn(
        "h-7 whitespace-nowrap border-b px-2 text-left align-middle text-xs font-medium text-muted-foreground first:pl-3 last:pr-3",
        numeric && "text-right",
        className,
      )}
      {...rest}
    />
  );
}

export function Tr({ className, ...rest }: ComponentProps<"tr">) {
  return <tr role="row" className={cn("border-b last:border-b-0 hover:bg-accent/50", className)} {...rest} />;
}

export function Td({ className, numeric, label, ...rest }: ComponentProps<"td"> & { numeric?: boolean; label?: string }) {
  return (
    <td
      role="cell"
      data-label={label}
      className={cn("h-8 px-2 align-middle first:pl-3 last:pr-3", numeric && "tnum whitespace-nowrap text-right", className)}
      {...rest}
    />
  );
}
