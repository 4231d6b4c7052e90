import { latencyText } from "@/components/chart/units";
import type { State } from "@/components/state/states";
import type { VerdictView } from "@/server/core/views";

export type Outcome = VerdictView["verdict"];
export type KindEvidence = NonNullable<VerdictView["sequential"]>["kinds"][number];

export const verdictWord: Record<Outcome, string> = { promote: "Promote", hold: "Hold", rollBack: "Roll back", notEnoughEvidence: "Not enough evidence yet" };
export const verdictState: Record<Outcome, State> = { promote: "healthy", hold: "degraded", rollBack: "failing", notEnoughEvidence: "pending" };

/** What a kind of evidence asks, in the words of a person who answers for the rollout. */
export const kindWord: Record<KindEvidence["kind"], string> = {
  errors: "Failed requests",
  latency: "Typical latency",
  tail: "Very slow requests",
  reporting: "Units falling silent",
  accuracy: "Right answers",
};
export const roleWord: Record<KindEvidence["role"], string> = {
  critical: "must be shown to be no worse",
  counts: "can roll back",
  dryRun: "shown only, decides nothing",
  off: "off",
};
/** What the sample of a kind counts. */
export const sampleWord: Record<KindEvidence["kind"], string> = { errors: "requests", latency: "requests", tail: "requests", reporting: "minutes", accuracy: "labels" };

const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const few = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 2 });

/** "3.4", "120", "a billion or more": an e-value or a count of rollouts, to two figures. */
export const oddsText = (n: number): string => (n >= 1e9 ? "a billion" : few.format(n));

/**
 * An e-value against the canary as a sentence: a value of 40 comes about in at most 1 of 40 canaries that are within
 * their margins, however often one looks (Ville's inequality). Up to 1 it says nothing.
 */
export function againstWords(e: number, limit: number): string {
  if (e >= limit) return `Proven: at most 1 in ${oddsText(e)} good canaries look this bad.`;
  if (e < 2) return "None so far.";
  return `${e >= limit / 4 ? "Strong" : e >= 5 ? "Some" : "Weak"}: up to 1 in ${oddsText(e)} good canaries look this bad.`;
}

/** An e-value for "not worse than the margin" as a sentence. */
export function notWorseWords(e: number, promoteAt: number): string {
  if (e >= promoteAt) return `Shown: at most 1 in ${oddsText(e)} bad canaries look this good.`;
  if (e < 2) return "Not yet.";
  return `On its way: up to 1 in ${oddsText(e)} bad canaries look this good; 1 in ${oddsText(promoteAt)} is enough.`;
}

/** How far an e-value is on its way to a limit, 0 to 1, on the scale on which evidence adds up. */
export const progress = (e: number, limit: number): number => (limit <= 1 || e <= 1 ? 0 : Math.min(1, Math.log(e) / Math.log(limit)));

/** A value on an effect's scale, with what it is measured in. */
export function effectText(scale: string, value: number | null): string {
  if (value === null) return "unknown";
  switch (scale) {
    case "ratio":
      return `× ${value >= 10 ? whole.format(value) : value.toFixed(2)}`;
    case "share":
      return `${(value * 100).toFixed(value < 0.1 ? 2 : 1)} %`;
    case "difference":
      return `${value > 0 ? "+" : value < 0 ? "−" : "±"}${(Math.abs(value) * 100).toFixed(2)} points`;
    default:
      return value.toFixed(3);
  }
}

/** The effect and its margin of one kind as a sentence: "× 1.03 of stable (0.98 to 1.09); up to × 1.20 is allowed". */
export function effectSentence(k: Pick<KindEvidence, "effect" | "margin" | "kind" | "sample">): string {
  const { scale, value, low, high } = k.effect;
  if (value === null) return k.sample.canary === 0 ? "Nothing was measured." : "No estimate yet: too little happened on either.";
  const of = scale === "ratio" ? " of stable" : scale === "rank" ? " chance to be slower than stable" : scale === "difference" ? " against stable" : "";
  const between = low !== null && high !== null ? ` (${effectText(scale, low)} to ${effectText(scale, high)})` : "";
  return `${effectText(scale, value)}${of}${between}; ${marginText(scale, k.margin)}.`;
}

export const marginText = (scale: string, margin: number): string =>
  scale === "difference" ? `down to ${effectText(scale, -Math.abs(margin))} is allowed` : `up to ${effectText(scale, margin)} is allowed`;

/** On a difference lower is worse: its margin is drawn below zero. */
export const marginOn = (scale: string, margin: number): number => (scale === "difference" ? -Math.abs(margin) : margin);

/** Whether the verdict can still become another one, and by whom. Null where the judge does not say. */
export function flipSentence(v: Pick<VerdictView, "sequential" | "verdict">): string | null {
  const s = v.sequential;
  if (!s) return null;
  if (s.decided) return s.completion.withheldBy.length === 0 ? "Decided: nothing is withheld." : `Decided: whatever ${list(s.completion.withheldBy)} still ${s.completion.withheldBy.length === 1 ? "withholds" : "withhold"}, the verdict stays.`;
  const best = verdictWord[s.completion.best].toLowerCase();
  const worst = verdictWord[s.completion.worst].toLowerCase();
  const who = s.completion.withheldBy.length > 0 ? ` What ${list(s.completion.withheldBy)} ${s.completion.withheldBy.length === 1 ? "withholds" : "withhold"} could still flip it` : " It can still flip";
  return best === worst ? `Not decided yet.${who}.` : `Not decided yet.${who}: at best ${best}, at worst ${worst}.`;
}

/** Names in a sentence, at most four of them. */
export function list(names: readonly string[]): string {
  if (names.length <= 1) return names[0] ?? "nobody";
  const shown = names.length > 4 ? [...names.slice(0, 3), `${names.length - 3} more`] : [...names];
  return `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

/** A measured value with its unit; null when nothing was measured. */
export function figureText(metric: string, value: number | null): string | null {
  if (value === null) return null;
  if (metric.startsWith("latency")) return latencyText(value);
  if (metric === "errorRate") return `${(value * 100).toFixed(2)}%`;
  if (metric === "accuracy") return value.toFixed(3);
  return value.toFixed(value < 10 ? 2 : 0);
}

/** On how much a verdict rests, in words: by what is counted, the largest sample of its kinds; or by metric. */
export function restsOn(v: VerdictView): string {
  const kinds = v.sequential?.kinds.filter((k) => k.role !== "off" && k.kind !== "reporting") ?? [];
  const largest = new Map<string, KindEvidence["sample"]>();
  for (const k of kinds) {
    const before = largest.get(sampleWord[k.kind]);
    if (k.sample.canary + k.sample.stable > (before ? before.canary + before.stable : 0)) largest.set(sampleWord[k.kind], k.sample);
  }
  const parts = kinds.length > 0
    ? [...largest].map(([word, s]) => `${whole.format(s.canary)} ${word} on the canary, ${whole.format(s.stable)} on stable`)
    : v.metrics.map((m) => `${m.name}: ${whole.format(m.canary.sample)} on the canary, ${whole.format(m.stable.sample)} on stable`);
  return parts.length === 0 ? "Nothing was counted yet." : `Rests on ${parts.join("; ")}.`;
}
