/** How values of a chart's units are written. */
export type Unit = "ms" | "share" | "perSecond" | "bytes" | "cores" | "count";

const plain = (max: number) => new Intl.NumberFormat("en-GB", { maximumFractionDigits: max });
const zero = plain(0);
const one = plain(1);
const two = plain(2);

/** At most three significant figures, no trailing zeros: 1234 -> "1,234", 12.34 -> "12.3", 0.1234 -> "0.12". */
function short(value: number): string {
  const size = Math.abs(value);
  return (size >= 100 ? zero : size >= 10 ? one : two).format(value);
}

const binary = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Bytes with a binary prefix: 1536 -> "1.5 KiB". */
export function bytesText(bytes: number): string {
  let value = bytes;
  let step = 0;
  while (Math.abs(value) >= 1024 && step < binary.length - 1) {
    value /= 1024;
    step += 1;
  }
  return `${short(value)} ${binary[step] ?? "B"}`;
}

/** Thousandths of a core as cores: 250 -> "0.25". */
export const coresText = (millis: number): string => short(millis / 1000);

/** A share from 0 to 1 as a percentage; three figures near the ends, where they matter. */
export function shareText(share: number): string {
  const percent = share * 100;
  return `${(percent > 99 && percent < 100) || (percent > 0 && percent < 1) ? two.format(percent) : one.format(percent)} %`;
}

/** Milliseconds of latency: "0.85 ms", "12.3 ms", "1.2 s". */
export function latencyText(ms: number): string {
  return Math.abs(ms) >= 1000 ? `${short(ms / 1000)} s` : `${short(ms)} ms`;
}

/** Any value of a chart with its unit. */
export function valueText(unit: Unit, value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "no data";
  switch (unit) {
    case "ms":
      return latencyText(value);
    case "share":
      return shareText(value);
    case "perSecond":
      return `${short(value)}/s`;
    case "bytes":
      return bytesText(value);
    case "cores":
      return `${short(value)} cores`;
    case "count":
      return short(value);
  }
}

/** A whole number with separators. */
export const countText = (value: number): string => zero.format(value);
