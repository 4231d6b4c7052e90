import type { ComponentProps } from "react";
import { cva, type VariantProps } from "class-variance-authority";
import { cn } from "./cn";

const badge = cva(
  "inline-flex h-5 max-w-full shrink-0 items-center gap-1 truncate rounded-sm px-1.5 text-xs font-medium [&_svg]:size-3 [&_svg]:shrink-0",
  {
    variants: {
      tone: {
        neutral: "bg-secondary text-secondary-foreground",
        outline: "border border-border-strong text-muted-foreground",
        accent: "bg-primary-soft text-link",
        healthy: "bg-healthy-soft text-healthy",
        degraded: "bg-degraded-soft text-degraded",
        failing: "bg-failing-soft text-failing",
        silent: "bg-silent-soft text-silent",
        pending: "bg-pending-soft text-pending",
      },
    },
    defaultVariants: { tone: "neutral" },
  },
);

/** A short fixed fact (a role, a kind, a label). For the state of something use `StateMark`. */
export function Badge({ className, tone, ...rest }: ComponentProps<"span"> & VariantProps<typeof badge>) {
  return <span className={cn(badge({ tone }), className)} {...rest} />;
}

/** One label of an object, `key=value`, in mono. */
export function LabelChip({ name, value }: { name: string; value: string }) {
  return (
    <span className="inline-flex h-5 max-w-full items-center truncate rounded-sm border px-1.5 font-mono text-2xs">
      <span className="text-muted-foreground">{name}</span>
      <span className="text-muted-foreground">=</span>
      <span className="truncate">{value}</span>
    </span>
  );
}
