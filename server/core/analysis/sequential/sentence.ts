/** The words of a verdict. */
import { type Missing } from "./outcome";
import { type KindEvidence, type PerKind, type SequentialSettings, type SequentialVerdict } from "./types";

export const kindLabel: PerKind<string> = { errors: "error rate", latency: "latency", tail: "slow requests", reporting: "reporting", accuracy: "accuracy" };
const sampleWord: PerKind<string> = { errors: "requests", latency: "requests", tail: "requests", reporting: "minutes", accuracy: "labels" };

const number = (x: number): string => (x >= 1e6 ? "over 1,000,000" : x >= 100 ? Math.round(x).toLocaleString("en-US") : x.toFixed(x >= 10 ? 1 : 2));
const percent = (x: number): string => `${(x * 100).toFixed(Math.abs(x) < 0.1 ? 2 : 1)}%`;
const listed = (names: readonly string[]): string => (names.length <= 1 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`);
const capital = (t: string): string => t.charAt(0).toUpperCase() + t.slice(1);

/** What a kind still lacks for promotion, in words; null when nothing. */
export function missingOf(e: Pick<KindEvidence, "kind" | "notWorse" | "sample" | "baseline">, settings: SequentialSettings): string | null {
  if (e.notWorse >= settings.promoteThreshold) return null;
  if (e.sample.canary <= 0) return `no ${sampleWord[e.kind]} of the canary`;
  if (e.baseline === "none") return `no ${sampleWord[e.kind]} of stable to compare with`;
  return `proof that it is not worse stands at ${number(e.notWorse)} of ${settings.promoteThreshold} (${Math.round(e.sample.canary).toLocaleString("en-US")} ${sampleWord[e.kind]})`;
}

/** A kind's effect against its limit, such as "error rate is 3.10 times stable's (1,204 requests), limit 1.20". */
function effectText(e: KindEvidence, where = ""): string {
  const sample = `(${Math.round(e.sample.canary).toLocaleString("en-US")} ${sampleWord[e.kind]})`;
  const v = e.effect.value;
  const before = e.baseline === "history" ? " of before on the same hosts" : "";
  if (v === null) return `${kindLabel[e.kind]}${where} ${sample} is beyond its limit${before}`;
  const limits: PerKind<string> = {
    errors: `error rate${where} is ${number(v)} times stable's${before} ${sample}, limit ${number(e.margin)}`,
    latency: `latency${where} is ${number(v)} times stable's on like hosts${before} ${sample}, limit ${number(e.margin)}`,
    tail: `slow requests${where} are ${percent(v)} more than stable's${before} ${sample}, limit ${percent(e.margin)}`,
    reporting: `canary units${where} are silent in ${percent(v)} more of the minutes than stable's ${sample}, limit ${number(e.margin)} times as often`,
    accuracy: `accuracy${where} is ${percent(v)} below stable's${before} ${sample}, limit ${percent(e.margin)}`,
  };
  return limits[e.kind];
}

const strongest = (kinds: readonly KindEvidence[]): KindEvidence | undefined => kinds.filter((k) => k.role !== "dryRun").reduce<KindEvidence | undefined>((best, k) => (best && best.against >= k.against ? best : k), undefined);

/** One sentence that says why. */
export function sentenceFor(v: Omit<SequentialVerdict, "sentence">, settings: SequentialSettings, missing: Missing): string {
  const open = v.completion.withheldBy.length > 0 && !v.decided ? ` What ${listed(v.completion.withheldBy)} withhold${v.completion.withheldBy.length === 1 ? "s" : ""} could still make it ${outcomeWord[v.completion.worst === v.verdict ? v.completion.best : v.completion.worst]}.` : "";
  if (v.verdict === "rollBack") {
    const named = v.sites.find((s) => s.site === v.guilty[0]);
    const everywhere = v.guilty.length === 0 || v.guilty.length > v.sites.length / 2;
    const worst = strongest(everywhere || !named ? v.kinds : named.kinds);
    const where = everywhere ? "" : ` at ${listed(v.guilty)}`;
    return `The canary's ${worst ? effectText(worst, where) : `evidence${where} is beyond its limit`}: evidence of ${number(v.against)} against it reached ${number(v.limit)}, which a sound canary does in at most ${percent(settings.alpha)} of rollouts.`.replace("The canary's canary", "The canary's");
  }
  if (v.verdict === "promote") {
    const effects = v.kinds.filter((k) => k.role === "critical" || k.role === "counts").filter((k) => k.notWorse >= settings.promoteThreshold);
    return `Not worse than the margins allow in ${listed(effects.map((k) => kindLabel[k.kind]))} at ${percent(v.coverage)} of the traffic: ${effects.slice(0, 2).map((e) => effectText(e)).join("; ")}.${open}`;
  }
  const lacks = missing.proofs.map((p) => {
    const k = v.kinds.find((x) => x.kind === p.fleet.kind);
    return `${kindLabel[p.fleet.kind]}: ${k?.missing ?? "not measured"}`;
  });
  if (!missing.covered) {
    const few = v.sites.filter((s) => s.reported.of > 0 && s.reported.minutes < settings.coverage.reportedShare * s.reported.of).map((s) => `${s.site} (${s.reported.minutes} of ${s.reported.of} minutes)`);
    lacks.push(`only ${percent(v.coverage)} of the traffic is at sites that reported enough, ${percent(settings.coverage.weight)} needed${few.length > 0 ? `; silent were ${listed(few)}` : ""}`);
  }
  if (missing.suspicious) lacks.push(missing.suspects.length > 0 ? `suspicion against ${listed(missing.suspects)} is too strong to promote` : "suspicion against the canary is too strong to promote");
  if (lacks.length === 0) lacks.push("no kind of evidence is on that could promote");
  return `${capital(lacks.join("; "))}.${open}`;
}

const outcomeWord: Record<SequentialVerdict["verdict"], string> = { promote: "a promotion", hold: "a hold", rollBack: "a rollback", notEnoughEvidence: "open again" };
