/** Which sites are to blame. */
import { eBH } from "../statistics/e-bh";
import { type SequentialJudge } from "./process";

/** E-value from which on a site may turn out guilty; sound sites seldom reach it. */
const SUSPICION = 1.3;

/** Sites at which the canary is worse, at the false discovery rate of `siteLevel` (e-BH); strongest evidence first. */
export function guiltySites(judge: SequentialJudge): string[] {
  const ln = judge.sites.map((site) => judge.lnSite(site));
  return eBH(ln.map((x) => Math.exp(Math.min(700, x))), judge.settings.siteLevel)
    .sort((a, b) => (ln[b] ?? 0) - (ln[a] ?? 0))
    .map((i) => judge.sites[i]?.site.name ?? "");
}

/**
 * Sites that may still be named, at `minute`, after the limit was reached by the evidence of single sites. None when nothing was
 * reached, when all sites together are worse, or when the time for naming is over.
 */
export function suspectedSites(judge: SequentialJudge, minute: number): string[] {
  if (judge.rolledBackAt === null || minute - judge.rolledBackAt >= judge.settings.namingMinutes || judge.lnTogether() >= Math.log(1 / judge.settings.alpha)) return [];
  const guilty = new Set(guiltySites(judge));
  return judge.sites.filter((site) => !guilty.has(site.site.name) && judge.lnSite(site) >= Math.log(SUSPICION)).map((site) => site.site.name);
}
