import { weekdays, type RolloutWindow } from "../manifest/rollout";

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
const minutesOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5));

/** Weekday (0: Monday) and minute of the day at a moment in a zone. Unknown zones read as UTC: sites are checked when they are applied. */
function localOf(atMs: number, zone: string): { day: number; minute: number } {
  const parts = formatter(zone).formatToParts(atMs);
  const text = (type: string): string => parts.find((p) => p.type === type)?.value ?? "0";
  const day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].indexOf(text("weekday"));
  return { day, minute: (Number(text("hour")) % 24) * 60 + Number(text("minute")) };
}
const formatters = new Map<string, Intl.DateTimeFormat>();
function formatter(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known) return known;
  const make = (timeZone: string): Intl.DateTimeFormat => new Intl.DateTimeFormat("en-GB", { timeZone, weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  let made: Intl.DateTimeFormat;
  try {
    made = make(zone);
  } catch {
    made = make("UTC");
  }
  formatters.set(zone, made);
  return made;
}

/** Whether a window is open on a weekday at a minute of the day, both local. One that ends before it begins runs past midnight. */
function covers(w: RolloutWindow, day: number, minute: number): boolean {
  const from = minutesOf(w.from);
  const to = minutesOf(w.to);
  const on = (d: number): boolean => w.days === undefined || w.days.includes(weekdays[(d + 7) % 7] ?? "mon");
  if (from < to) return on(day) && minute >= from && minute < to;
  return from > to && ((on(day) && minute >= from) || (on(day - 1) && minute < to));
}

const zoneOf = (w: RolloutWindow, siteZone: string): string => (w.zone === "site" ? siteZone : w.zone);

/** Whether units at a site of this zone may be asked now; without windows always. */
export function windowOpen(windows: readonly RolloutWindow[] | undefined, siteZone: string, atMs: number): boolean {
  return windows === undefined || windows.some((w) => covers(w, ...local(atMs, zoneOf(w, siteZone))));
}
const local = (atMs: number, zone: string): [number, number] => {
  const l = localOf(atMs, zone);
  return [l.day, l.minute];
};

/**
 * The next moment, to the minute, at which a closed window opens; null when it never does. Looks at each local day of the
 * coming eight for its openings; where a clock change skips the hour of opening, the first open minute after it counts.
 */
export function nextOpening(windows: readonly RolloutWindow[], siteZone: string, atMs: number): number | null {
  if (windowOpen(windows, siteZone, atMs)) return atMs;
  let best: number | null = null;
  for (const w of windows) {
    const zone = zoneOf(w, siteZone);
    const now = localOf(atMs, zone);
    const start = Math.floor(atMs / MINUTE_MS) * MINUTE_MS - now.minute * MINUTE_MS;
    for (let d = 0; d <= 8; d++) {
      const guess = start + (d * DAY_MINUTES + minutesOf(w.from)) * MINUTE_MS;
      // An offset that changed between now and then moves the opening by up to two hours.
      for (let shift = -120; shift <= 120; shift += 15) {
        const t = guess + shift * MINUTE_MS;
        if (t > atMs && covers(w, ...local(t, zone))) {
          best = best === null ? t : Math.min(best, t);
          break;
        }
      }
    }
  }
  return best;
}

/** A window in words: "Mon to Fri 22:00–06:00, the site's own time". */
export function windowText(windows: readonly RolloutWindow[]): string {
  const capital = (t: string): string => t.charAt(0).toUpperCase() + t.slice(1);
  return windows.map((w) => `${w.days ? w.days.map(capital).join(", ") : "every day"} ${w.from}–${w.to}, ${w.zone === "site" ? "the site's own time" : w.zone}`).join("; ");
}
