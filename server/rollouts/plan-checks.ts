import { gunzipSync } from "node:zlib";
import type { z } from "zod";
import { judgeTemplate, type TemplateEvidence } from "../core/analysis";
import { isRolloutPhase, lintPlan, phaseLabel, type LintFinding, type RolloutPlan } from "../core/rollout";
import type * as v from "../core/views";
import { rolloutControl, type Queryable, type rollouts } from "../store";
import { sha256 } from "./build-plan";

const HOUR_MS = 3_600_000;
/** So many earlier rollouts are judged anew. */
const EARLIER = 10;

/** What a careful person would want to know of a plan, with the traffic of the last hour. */
export async function lintOf(q: Queryable, workloadId: string, plan: RolloutPlan, units: readonly rollouts.SitedUnit[], nowMs: number): Promise<LintFinding[]> {
  const requests = (await rolloutControl.requestsBySite(q, workloadId, nowMs - HOUR_MS)).reduce((n, r) => n + r.requests, 0);
  const sites = Object.fromEntries(units.map((u) => [u.site, { kind: u.siteKind, zone: u.timeZone }]));
  return lintPlan(plan, { nowMs, sites, requestsPerUnitMinute: requests === 0 || units.length === 0 ? null : requests / 60 / units.length });
}

/** How the last rollouts of a workload would have ended under this plan's templates, from the evidence that was kept of them. */
export async function simulate(q: Queryable, workloadId: string, plan: RolloutPlan): Promise<z.input<typeof v.simulationView>> {
  const earlier = await rolloutControl.endedWithBundles(q, workloadId, EARLIER);
  const rows = earlier.map((e) => {
    const ended = isRolloutPhase(e.phase) ? phaseLabel[e.phase] : e.phase;
    const kept = e.body === null ? null : (JSON.parse(gunzipSync(e.body).toString("utf8")) as { evidence?: TemplateEvidence });
    const template = (e.template === null ? undefined : plan.templates[e.template]) ?? Object.values(plan.templates)[0];
    if (!kept?.evidence || !template) return { number: e.number, ended, wouldHave: null, agrees: null, sentence: template ? "Its evidence was not kept." : "This plan judges nothing." };
    const verdict = judgeTemplate(template.spec, kept.evidence, sha256);
    const agrees = verdict.verdict === "promote" || verdict.verdict === "rollBack" ? (verdict.verdict === "promote") === (e.phase === "succeeded") : null;
    return { number: e.number, ended, wouldHave: verdict.verdict, agrees, sentence: verdict.sentence };
  });
  const judged = rows.filter((x) => x.wouldHave !== null);
  const same = judged.filter((x) => x.agrees === true).length;
  return { sentence: judged.length === 0 ? "No earlier rollout of this workload kept evidence to judge by." : `With these settings ${same} of the last ${judged.length} rollouts would have ended as they did.`, rollouts: rows };
}
