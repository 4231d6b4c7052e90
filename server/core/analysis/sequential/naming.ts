/** Which sites are to blame. */
import { eBH } from "../statistics/e-bh";
import { type SequentialJudge } from "./process";
import { type SiteState } from "./site";
import { type EvidenceKind, type PerKind } from "./types";

/** Combined e-value from which on a site may turn out guilty, while none is named. */
const SUSPICION = 1.3;
/** E-value of the named site's kind of fault from which on another may have it too: above what one unlucky failure does to a sound site. */
const SAME_FAULT: PerKind<number> = { errors: 4, latency: 2, tail: 4, reporting: 2, accuracy: 4 };

/** Sites at which the canary is worse, at the false discovery rate of `siteLevel` (e-BH); strongest evidence first. */
export function guiltySites(judge: SequentialJudge): string[] {
  const ln = judge.sites.map((site) => judge.lnSite(site));
  return eBH(ln.map((x) => Math.exp(Math.min(700, x))), judge.settings.siteLevel)
    .sort((a, b) => (ln[b] ?? 0) - (ln[a] ?? 0))
    .map((i) => judge.sites[i]?.site.name ?? "");
}

/**
 * Sites that may still be named, at `minute`, after the limit was reached by the evidence of single sites: those that show the
 * same kind of fault as the worst one. None when nothing was reached, when all sites together are worse, or when the time for naming is over.
 */
export function suspectedSites(judge: SequentialJudge, minute: number): string[] {
  if (judge.rolledBackAt === null || minute - judge.rolledBackAt >= judge.settings.namingMinutes || judge.lnTogether() >= Math.log(1 / judge.settings.alpha)) return [];
  const guilty = guiltySites(judge);
  const fault = mainFault(judge, guilty[0]);
  const isSuspect = (site: SiteState): boolean => (fault === null ? judge.lnSite(site) >= Math.log(SUSPICION) : (site.kinds.get(fault)?.against.ln ?? 0) >= Math.log(SAME_FAULT[fault]));
  return judge.sites.filter((site) => !guilty.includes(site.site.name) && isSuspect(site)).map((site) => site.site.name);
}

/** The kind with the strongest evidence against a site; null for none. */
function mainFault(judge: SequentialJudge, name: string | undefined): EvidenceKind | null {
  const site = judge.sites.find((s) => s.site.name === name);
  if (!site) return null;
  return judge.acting.reduce<EvidenceKind | null>((best, { kind }) => (best !== null && (site.kinds.get(best)?.against.ln ?? 0) >= (site.kinds.get(kind)?.against.ln ?? 0) ? best : kind), null);
}
