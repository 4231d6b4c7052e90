import { cn } from "@/components/ui/cn";
import { neutralOn, scaleOf } from "./interval-scale";
import type { KindEvidence } from "./words";

const WIDTH = 160;

/**
 * An effect as a line from the low to the high end of its interval, with a dot at its estimate, "no difference" as a
 * thin line and the margin as a thick one. Decorative: the sentence beside it says the same.
 */
export function IntervalBar({ effect, margin, className }: { effect: KindEvidence["effect"]; margin: number; className?: string }) {
  if (effect.value === null) return null;
  const x = scaleOf(effect, margin, WIDTH);
  const none = neutralOn(effect.scale);
  const low = x(effect.low ?? effect.value);
  const high = x(effect.high ?? effect.value);
  const worse = effect.scale === "difference" ? (effect.high ?? effect.value) < margin : (effect.low ?? effect.value) > margin;
  return (
    <svg viewBox={`0 0 ${WIDTH} 14`} width={WIDTH} height={14} className={cn("block max-w-full", className)} aria-hidden>
      <line x1={0} x2={WIDTH} y1={7} y2={7} stroke="var(--border)" />
      {none === null ? null : <line x1={x(none)} x2={x(none)} y1={2} y2={12} stroke="var(--border-strong)" />}
      <line x1={x(margin)} x2={x(margin)} y1={0} y2={14} stroke="var(--foreground)" strokeWidth={1.6} strokeDasharray="2 2" />
      <line x1={low} x2={high} y1={7} y2={7} stroke={worse ? "var(--failing)" : "var(--muted-foreground)"} strokeWidth={3} strokeLinecap="round" />
      <circle cx={x(effect.value)} cy={7} r={3.2} fill={worse ? "var(--failing)" : "var(--foreground)"} />
    </svg>
  );
}
