"use client";

import { cn } from "@/components/ui/cn";
import { useNow } from "./now";
import { absoluteText, ageText, clockText, durationText, toMs, type Moment } from "./time";

/**
 * How old a value is, ticking. The absolute time with its zone stands in the tooltip. It has a fixed least width and
 * tabular figures, so nothing moves when it ticks.
 */
export function Age({
  at,
  staleAfterMs,
  prefix,
  suffix,
  className,
}: {
  at: Moment | null | undefined;
  /** Beyond this the age is drawn as a warning: the value should have been renewed by now. */
  staleAfterMs?: number;
  prefix?: string;
  /** "ago", "old". */
  suffix?: string;
  className?: string;
}) {
  const now = useNow();
  if (at === null || at === undefined) return <span className={cn("text-muted-foreground", className)}>never</span>;
  const ms = toMs(at);
  const age = now === null ? null : now - ms;
  const stale = staleAfterMs !== undefined && age !== null && age > staleAfterMs;
  const text = age === null ? "" : ageText(age);
  return (
    <time
      dateTime={new Date(ms).toISOString()}
      title={now === null ? undefined : absoluteText(ms)}
      className={cn("tnum inline-block min-w-[3.4em] whitespace-nowrap", stale && "text-degraded", className)}
      suppressHydrationWarning
    >
      {prefix}
      {text}
      {suffix && text !== "now" ? ` ${suffix}` : ""}
    </time>
  );
}

/** A moment as clock time ("14:02", with the date when it is not of today); the full time on hover. */
export function At({ at, className }: { at: Moment | null | undefined; className?: string }) {
  const now = useNow();
  if (at === null || at === undefined) return <span className="text-muted-foreground">never</span>;
  const ms = toMs(at);
  return (
    <time
      dateTime={new Date(ms).toISOString()}
      title={now === null ? undefined : absoluteText(ms)}
      className={cn("tnum whitespace-nowrap", className)}
      suppressHydrationWarning
    >
      {now === null ? "" : clockText(ms, now)}
    </time>
  );
}

/** Time left until a moment ("12 min left", "expired 3 min ago"). */
export function Until({ at, className }: { at: Moment; className?: string }) {
  const now = useNow();
  const ms = toMs(at);
  const left = now === null ? null : ms - now;
  return (
    <time
      dateTime={new Date(ms).toISOString()}
      title={now === null ? undefined : absoluteText(ms)}
      className={cn("tnum whitespace-nowrap", left !== null && left <= 0 && "text-failing", className)}
      suppressHydrationWarning
    >
      {left === null ? "" : left > 0 ? `${ageText(left)} left` : `expired ${ageText(-left)} ago`}
    </time>
  );
}

/** A length of time between two moments, or from one until now. */
export function Elapsed({ from, to, className }: { from: Moment; to?: Moment | null; className?: string }) {
  const now = useNow();
  const end = to === null || to === undefined ? now : toMs(to);
  return (
    <span className={cn("tnum whitespace-nowrap", className)} suppressHydrationWarning>
      {end === null ? "" : durationText(Math.max(0, end - toMs(from)))}
    </span>
  );
}
