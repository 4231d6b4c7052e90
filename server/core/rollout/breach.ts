import { parseDurationMs } from "../base/duration";
import { settledOn, type NamedVerdict, type RolloutSnapshot, type Target } from "./snapshot";

/** Something that ends the rollout or one site's part of it. `key` is what a person accepts when going on over it. */
export interface Breach {
  key: string;
  sentence: string;
  /** The sites that the verdict names, when it names any: what a rollout with the scope `site` sends back. */
  sites: readonly string[];
}

/** Everything broken now that nobody accepted, the worst first: verdicts, units that do not come up, units that vanished. */
export function breaches(s: RolloutSnapshot): Breach[] {
  const all = [...verdictBreaches(s), ...unitBreaches(s), ...silenceBreaches(s)];
  return all.filter((b) => !s.progress.accepted.includes(b.key));
}

/** The key by which a verdict is accepted: of a template in one step of one wave, or in the background. */
export const verdictKey = (wave: number | null, step: number | null, template: string): string => (wave === null ? `background ${template}` : `wave ${wave} step ${step ?? 0} ${template}`);

function verdictBreaches(s: RolloutSnapshot): Breach[] {
  const spec = s.plan.strategy.spec;
  const of = (v: NamedVerdict | null | undefined, key: string): Breach[] => (v?.verdict === "rollBack" ? [{ key, sentence: v.sentence, sites: v.guilty ?? [] }] : []);
  const steps = s.stepVerdicts.flatMap((v, wave) => {
    const at = s.progress.waves[wave]?.step ?? 0;
    const step = spec.waves[wave]?.steps[at];
    return of(v, verdictKey(wave, at, step?.do === "analysis" ? step.template : ""));
  });
  return [...steps, ...of(s.backgroundVerdict, verdictKey(null, null, spec.analysis ?? ""))];
}

const isBack = (s: RolloutSnapshot, site: string): boolean => s.progress.sitesBack.some((b) => b.site === site);

function unitBreaches(s: RolloutSnapshot): Breach[] {
  const { spec } = s.plan.strategy;
  const to = s.plan.to.generation;
  const timeout = parseDurationMs(spec.healthTimeout) ?? 0;
  const out: Breach[] = [];
  for (const t of s.targets) {
    if (t.desiredGeneration !== to || isBack(s, t.site) || settledOn(t, to) || t.trial?.returned || (t.doubt && spec.maxSilent !== undefined)) continue;
    const wave = s.plan.waves[t.wave]?.name ?? "";
    // A unit in reach is given its time from when it could be told, or told of itself again.
    const waited = s.nowMs - Math.max(t.askedAtMs, t.silent ? 0 : (t.backSinceMs ?? 0));
    if (waited <= timeout) continue;
    if (t.silent) {
      if (spec.waves[t.wave]?.offline === "fail") out.push({ key: `unit ${t.unit}`, sites: [], sentence: `Unit ${t.unit} on ${t.node} in site ${t.site} (wave ${wave}) fell silent after it was asked for r${to}, and the wave's rule for silence is to fail.` });
    } else {
      out.push({ key: `unit ${t.unit}`, sites: [], sentence: `Unit ${t.unit} on ${t.node} in site ${t.site} (wave ${wave}) did not become healthy on r${to} within ${spec.healthTimeout}${(t.trouble ?? t.doubt) ? `: ${t.trouble ?? t.doubt}` : "."}` });
    }
  }
  return out;
}

/**
 * A target that vanished after it was asked: in reach when asked, and silent for longer than `silenceDeadline`. Where every
 * unit of its site that was never asked is silent too, the site is cut off and its silence says nothing of the revision.
 */
export function isLost(s: Pick<RolloutSnapshot, "nowMs" | "plan" | "targets">, t: Target): boolean {
  const deadline = s.plan.strategy.spec.silenceDeadline;
  const to = s.plan.to.generation;
  if (deadline === undefined || t.desiredGeneration !== to || !t.silent || t.aliveWhenAsked !== true) return false;
  const since = Math.max(t.askedAtMs, t.lastSeenMs ?? 0);
  return s.nowMs - since > (parseDurationMs(deadline) ?? 0) && !cutOffSites(s).has(t.site);
}

/** By snapshot, because every target asks for it. */
const cutOff = new WeakMap<readonly Target[], Set<string>>();
function cutOffSites(s: Pick<RolloutSnapshot, "plan" | "targets">): Set<string> {
  const known = cutOff.get(s.targets);
  if (known) return known;
  const others = new Map<string, { silent: number; all: number }>();
  for (const t of s.targets) {
    if (t.desiredGeneration === s.plan.to.generation) continue;
    const o = others.get(t.site) ?? { silent: 0, all: 0 };
    others.set(t.site, { silent: o.silent + Number(t.silent), all: o.all + 1 });
  }
  const found = new Set([...others].flatMap(([site, o]) => (o.silent === o.all ? [site] : [])));
  cutOff.set(s.targets, found);
  return found;
}

/** Units that vanished after the update, or went back by themselves, where their wave tolerates fewer. */
function silenceBreaches(s: RolloutSnapshot): Breach[] {
  const { spec } = s.plan.strategy;
  const to = s.plan.to.generation;
  return s.plan.waves.flatMap((w, wave) => {
    const mine = s.targets.filter((t) => t.wave === wave && !isBack(s, t.site));
    const lost = mine.filter((t) => isLost(s, t));
    // In a wave that skips, a unit that was cut off for too long follows when it is back; elsewhere it failed.
    const returned = spec.waves[wave]?.offline === "skip" ? [] : mine.filter((t) => t.trial?.returned === true && t.desiredGeneration === to);
    // Where a number of lost units is tolerated, those whose reports are contradicted count among them.
    const doubted = spec.maxSilent === undefined ? [] : mine.filter((t) => t.doubt && t.desiredGeneration === to && !lost.includes(t) && !returned.includes(t));
    const gone = [...lost, ...returned, ...doubted];
    const allowed = spec.maxSilent === undefined ? 0 : (spec.maxSilent.count ?? Math.floor((mine.length * (spec.maxSilent.percent ?? 0)) / 100 + 1e-9));
    if (gone.length <= allowed) return [];
    const what = [lost.length > 0 ? `${lost.length} of ${mine.length} units fell silent after they were asked for r${to} and stayed so for more than ${spec.silenceDeadline ?? ""}` : "", returned.length > 0 ? `${returned.length} went back by ${returned.length === 1 ? "itself" : "themselves"}, having heard no verdict in time` : "", doubted.length > 0 ? `of ${doubted.length} the reports are contradicted (${doubted[0]?.doubt ?? ""})` : ""].filter((x) => x !== "").join("; ");
    const names = gone.slice(0, 5).map((t) => `${t.unit} on ${t.node} in ${t.site}`).join(", ");
    return [{ key: `silence ${w.name} ${gone.length}`, sites: [], sentence: `In wave ${w.name} ${what}: ${names}${gone.length > 5 ? ` and ${gone.length - 5} more` : ""}. Allowed ${allowed === 1 ? "is" : "are"} ${allowed}.` }];
  });
}
