import { cn } from "@/components/ui/cn";

/** A part of a whole as a thin bar beside its figures. Unknown is hatched, never empty. */
export function Meter({ value, of, label, className }: { value: number | null; of: number | null; label: string; className?: string }) {
  const known = value !== null && of !== null && of > 0;
  const share = known ? Math.min(1, Math.max(0, value / of)) : 0;
  return (
    <span
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={known ? Math.round(share * 100) : 0}
      aria-valuetext={known ? `${Math.round(share * 100)} %` : "not reported"}
      className={cn("inline-block h-1.5 w-12 shrink-0 overflow-hidden rounded-full bg-secondary", !known && "hatched", className)}
    >
      {known ? <span className={cn("block h-full rounded-full", share > 0.9 ? "bg-foreground" : "bg-muted-foreground/70")} style={{ width: `${share * 100}%` }} /> : null}
    </span>
  );
}
