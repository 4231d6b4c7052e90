import type { ComponentProps } from "react";
import { cn } from "./cn";

/** A bar where text will be. Skeletons have the size of what they stand for, so that nothing jumps when it comes. */
export function Skeleton({ className, ...rest }: ComponentProps<"span">) {
  return <span aria-hidden className={cn("block h-3 animate-pulse rounded-sm bg-accent", className)} {...rest} />;
}

/** Announces that a region is loading; put the skeleton inside. */
export function Loading({ what, className, children }: { what: string; className?: string; children: React.ReactNode }) {
  return (
    <div role="status" aria-busy="true" aria-label={`Loading ${what}`} className={className}>
      {children}
    </div>
  );
}

const widths = ["w-24", "w-40", "w-28", "w-52", "w-32", "w-20"];

/** Rows of a list that is being loaded, 32 px each like the real ones. */
export function SkeletonRows({ rows = 8, columns = 4 }: { rows?: number; columns?: number }) {
  return (
    <div aria-hidden className="divide-y divide-border">
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="flex h-8 items-center gap-6 px-3">
          {Array.from({ length: columns }, (_, column) => (
            <Skeleton key={column} className={cn(widths[(row + column * 2) % widths.length], column > 1 && "max-sm:hidden")} />
          ))}
        </div>
      ))}
    </div>
  );
}
