/** Moments come as epoch milliseconds, ISO strings or dates. */
export type Moment = number | string | Date;

/** Epoch milliseconds of a moment. */
export function toMs(at: Moment): number {
  return typeof at === "number" ? at : at instanceof Date ? at.getTime() : Date.parse(at);
}

/**
 * An age in one unit, at most four characters: "3 s", "14 min", "5 h", "12 d", "3 y". Negative ages (a clock that runs
 * ahead) read "now".
 */
export function ageText(ageMs: number): string {
  const s = Math.floor(ageMs / 1000);
  if (s < 1) return "now";
  if (s < 60) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return `${min} min`;
  const h = Math.floor(min / 60);
  if (h < 48) return `${h} h`;
  const d = Math.floor(h / 24);
  if (d < 730) return `${d} d`;
  return `${Math.floor(d / 365)} y`;
}

/** A length of time in at most two units: "850 ms", "12 s", "4 min 30 s", "2 h 5 min", "3 d 4 h". */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = Math.round(ms / 1000);
  if (s < 60) return `${s} s`;
  const two = (big: number, bigUnit: string, small: number, smallUnit: string) =>
    small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
  if (s < 3600) return two(Math.floor(s / 60), "min", s % 60, "s");
  const min = Math.floor(s / 60);
  if (min < 2880) return two(Math.floor(min / 60), "h", min % 60, "min");
  const h = Math.floor(min / 60);
  return two(Math.floor(h / 24), "d", h % 24, "h");
}

/** How long until an age text changes: a ticking age wakes up no oftener than it must. */
export function nextTickMs(ageMs: number): number {
  if (ageMs < 60_000) return 1_000 - (Math.max(0, ageMs) % 1_000);
  if (ageMs < 3_600_000) return 60_000 - (ageMs % 60_000);
  return 300_000;
}

const full = new Intl.DateTimeFormat("en-GB", {
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZoneName: "short",
});
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const dayClock = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** "Sat, 23 Nov 2024, 14:02:11 CET": the absolute time with its zone. */
export const absoluteText = (at: Moment): string => full.format(toMs(at));

/** "14:02" if it is less than twelve hours from `nowMs`, otherwise "23 Nov, 14:02". */
export function clockText(at: Moment, nowMs: number): string {
  const ms = toMs(at);
  return Math.abs(nowMs - ms) < 12 * 3_600_000 ? clock.format(ms) : dayClock.format(ms);
}
