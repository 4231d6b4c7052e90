"use client";

import { cn } from "./cn";

/** One of a few views of the same list, side by side. It looks like tabs and is a group of pressed buttons: no panel belongs to one. */
export function Choice<V extends string>({ label, value, options, onChange, className }: { label: string; value: V; options: readonly { value: V; label: string }[]; onChange: (value: V) => void; className?: string }) {
  return (
    <div role="group" aria-label={label} className={cn("flex items-stretch gap-4 overflow-x-auto border-b [scrollbar-width:none]", className)}>
      {options.map((o) => (
        <button
          key={o.value}
          type="button"
          aria-pressed={o.value === value}
          onClick={() => onChange(o.value)}
          className={cn(
            "relative -mb-px flex h-8 shrink-0 items-center whitespace-nowrap border-b-2 text-sm font-medium hover:text-foreground touch:h-10",
            o.value === value ? "border-primary text-foreground" : "border-transparent text-muted-foreground",
          )}
        >
          {o.label}
        </button>
      ))}
    </div>
  );
}
