import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

/** Reads the two palettes out of the style sheet: what is tested is what is shipped. */
const css = readFileSync(path.join(import.meta.dirname, "../../app/globals.css"), "utf8");
function palette(selector: string): Map<string, [number, number, number]> {
  const block = new RegExp(`^${selector.replace(".", "\\.")} \\{([\\s\\S]*?)^\\}`, "m").exec(css)?.[1] ?? "";
  return new Map([...block.matchAll(/--([\w-]+): oklch\(([\d.]+) ([\d.]+) ([\d.]+)\);/g)].map((m) => [m[1] ?? "", [Number(m[2]), Number(m[3]), Number(m[4])]]));
}

/** Relative luminance (WCAG 2.2) of an OKLCH colour, by way of linear sRGB (Ottosson 2020), clipped to the gamut. */
function luminance([l, c, h]: [number, number, number]): number {
  const a = c * Math.cos((h * Math.PI) / 180);
  const b = c * Math.sin((h * Math.PI) / 180);
  const L = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const M = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const S = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const clip = (x: number) => Math.min(1, Math.max(0, x));
  const red = clip(4.0767416621 * L - 3.3077115913 * M + 0.2309699292 * S);
  const green = clip(-1.2684380046 * L + 2.6097574011 * M - 0.3413193965 * S);
  const blue = clip(-0.0041960863 * L - 0.7034186147 * M + 1.707614701 * S);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
function contrast(one: [number, number, number], other: [number, number, number]): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const grounds = ["background", "card", "popover", "muted", "sidebar"];
const inks = ["foreground", "muted-foreground", "link", "healthy", "degraded", "failing", "silent", "pending"];
const pairs: [string, string, number][] = [
  ...inks.flatMap((ink) => grounds.map((ground): [string, string, number] => [ink, ground, 4.5])),
  ...["healthy", "degraded", "failing", "silent", "pending"].map((state): [string, string, number] => [state, `${state}-soft`, 4.5]),
  ["foreground", "accent", 4.5],
  ["muted-foreground", "accent", 4.5],
  ["foreground", "primary-soft", 4.5],
  ["link", "primary-soft", 4.5],
  ["primary-foreground", "primary", 4.5],
  ["destructive-foreground", "destructive", 4.5],
  ["secondary-foreground", "secondary", 4.5],
  // What shows where a control is, and where the keyboard is (WCAG 1.4.11, 2.4.13).
  ["ring", "background", 3],
  ["ring", "card", 3],
  ...Array.from({ length: 8 }, (_, index): [string, string, number] => [`chart-${index + 1}`, "card", 3]),
];

describe.each([":root", ".dark"])("the colours of %s", (selector) => {
  const colors = palette(selector);
  // Guarantee: every text is readable on every ground it stands on, in both themes (WCAG AA).
  it.each(pairs)("%s on %s has a contrast of at least %d", (ink, ground, least) => {
    const one = colors.get(ink);
    const other = colors.get(ground);
    if (!one || !other) throw new Error(`no colour ${one ? ground : ink}`);
    expect(contrast(one, other)).toBeGreaterThanOrEqual(least);
  });
});
