"use client";

import { useState } from "react";
import { CalendarClock } from "lucide-react";
import { parseAsInteger, parseAsStringLiteral, useQueryStates } from "nuqs";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/cn";
import { Field } from "@/components/ui/label";
import { Input } from "@/components/ui/input";
import { Popover, PopoverContent, PopoverTrigger } from "@/components/ui/popover";
import { clockText, useNow } from "@/components/state";

const presets = ["15m", "1h", "6h", "24h", "7d"] as const;
type Preset = (typeof presets)[number];
const presetMs: Record<Preset, number> = { "15m": 900_000, "1h": 3_600_000, "6h": 21_600_000, "24h": 86_400_000, "7d": 604_800_000 };
const presetWords: Record<Preset, string> = {
  "15m": "Last 15 minutes",
  "1h": "Last hour",
  "6h": "Last 6 hours",
  "24h": "Last 24 hours",
  "7d": "Last 7 days",
};

export type TimeRange = {
  fromMs: number;
  toMs: number;
  /** True while the range ends now and moves on. */
  live: boolean;
  preset: Preset | null;
  set: (range: { preset: Preset } | { fromMs: number; toMs: number }) => void;
};

/**
 * The one time range of a page, in the URL (`?range=1h`, or `?from=…&to=…` in milliseconds). A live range moves in
 * steps, so that a chart asks again every few seconds and not at each tick. `null` until the reader's clock is known.
 */
export function useTimeRange(fallback: Preset = "1h"): TimeRange | null {
  const [query, setQuery] = useQueryStates(
    { range: parseAsStringLiteral(presets), from: parseAsInteger, to: parseAsInteger },
    { history: "replace" },
  );
  const now = useNow();
  if (now === null) return null;
  const set: TimeRange["set"] = (range) =>
    void setQuery("preset" in range ? { range: range.preset, from: null, to: null } : { range: null, from: Math.round(range.fromMs), to: Math.round(range.toMs) });
  if (query.from !== null && query.to !== null && query.to > query.from) {
    return { fromMs: query.from, toMs: query.to, live: false, preset: null, set };
  }
  const preset = query.range ?? fallback;
  const length = presetMs[preset];
  const step = length <= 3_600_000 ? 10_000 : length <= 86_400_000 ? 60_000 : 300_000;
  const toMs = Math.ceil(now / step) * step;
  return { fromMs: toMs - length, toMs, live: true, preset, set };
}

/** The control for it: one per page, in the head. */
export function TimeRangeControl({ range, className }: { range: TimeRange | null; className?: string }) {
  const now = useNow();
  const [open, setOpen] = useState(false);
  const label =
    range === null || now === null
      ? "Time range"
      : range.preset
        ? presetWords[range.preset]
        : `${clockText(range.fromMs, now)} to ${clockText(range.toMs, now)}`;
  return (
    <Popover open={open} onOpenChange={setOpen}>
      <PopoverTrigger asChild>
        <Button className={className} aria-label={`Time range: ${label}`} disabledReason={range === null && "The clock is being read."}>
          <CalendarClock aria-hidden />
          <span className="tnum">{label}</span>
        </Button>
      </PopoverTrigger>
      <PopoverContent align="end" className="w-64 p-1" aria-label="Time range">
        {presets.map((preset) => (
          <button
            key={preset}
            type="button"
            aria-pressed={range?.preset === preset}
            className={cn("flex h-7 w-full items-center rounded-sm px-2 text-left text-sm hover:bg-accent touch:h-9", range?.preset === preset && "bg-primary-soft font-medium")}
            onClick={() => {
              range?.set({ preset });
              setOpen(false);
            }}
          >
            {presetWords[preset]}
          </button>
        ))}
        {range ? (
          <Custom
            range={range}
            onDone={(fromMs, toMs) => {
              range.set({ fromMs, toMs });
              setOpen(false);
            }}
          />
        ) : null}
      </PopoverContent>
    </Popover>
  );
}

/** Two moments by hand, in the reader's own time zone. */
function Custom({ range, onDone }: { range: TimeRange; onDone: (fromMs: number, toMs: number) => void }) {
  const [from, setFrom] = useState(local(range.fromMs));
  const [to, setTo] = useState(local(range.toMs));
  const fromMs = Date.parse(from);
  const toMs = Date.parse(to);
  const wrong = Number.isNaN(fromMs) || Number.isNaN(toMs) ? "Fill in both moments." : toMs <= fromMs ? "The end must be after the start." : null;
  return (
    <form
      className="mt-1 flex flex-col gap-2 border-t p-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (wrong === null) onDone(fromMs, toMs);
      }}
    >
      <Field label="From">
        <Input type="datetime-local" step={1} value={from} onChange={(event) => setFrom(event.target.value)} />
      </Field>
      <Field label="To" error={wrong}>
        <Input type="datetime-local" step={1} value={to} onChange={(event) => setTo(event.target.value)} />
      </Field>
      <Button type="submit" variant="primary" disabledReason={wrong}>
        Show this range
      </Button>
    </form>
  );
}

function local(ms: number): string {
  const date = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 19);
}
