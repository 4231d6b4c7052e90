import { z } from "zod";
import type { ProjectRef } from "../../core/access/actor";
import { readCursor, writeCursor } from "../../core/base/cursor";
import { refuseNow } from "../../core/base/refusal";
import { flipAmong, reasonCodes, reasonSummary } from "../../core/placement";
import type { Judged, ReasonCode } from "../../core/placement";
import { decisionCandidate } from "../../core/views/workloads";
import type { DecisionDetail, decisionPage, decisionRow } from "../../core/views/workloads";
import { decisions } from "../../store";
import type { PlacementDeps } from "../deps";
import type { createJudge } from "./judge";

/** What a decision keeps, as the scheduler writes it. Older or foreign rows read as decisions without details. */
const kept = z.object({
  policy: z.string().nullable().default(null),
  candidates: z.array(decisionCandidate).default([]),
  counts: z.array(z.object({ code: z.string(), text: z.string(), nodes: z.int() })).default([]),
  feasible: z.int().optional(),
});

/** Candidates shown of a live explanation; counts always cover all. */
const SHOWN = 200;

export function decisionQueries(deps: PlacementDeps, judge: ReturnType<typeof createJudge>) {
  const { store, clock } = deps;
  const db = store.read.client;
  const rowOf = (d: decisions.StoredDecision): z.infer<typeof decisionRow> => ({ id: d.id, workload: d.workload, unit: d.unit, outcome: d.outcome, node: d.node, site: d.site, because: d.because, generation: d.generation, atMs: d.atMs });

  return {
    async decisions(project: ProjectRef, input: { cursor?: string | null | undefined; limit: number; workload?: string | undefined; unit?: string | undefined }): Promise<z.infer<typeof decisionPage>> {
      const after = readCursor(input.cursor, 2);
      const { items, total } = await decisions.page(db, project.id, { workload: input.workload, unit: input.unit, before: after ? { at: after[0] ?? "", id: after[1] ?? "" } : null, limit: input.limit });
      const last = items.at(-1);
      return { items: items.map(rowOf), nextCursor: last && items.length === input.limit ? writeCursor([last.at, last.id]) : null, total, asOfMs: clock.nowMs() };
    },

    async decision(project: ProjectRef, input: { id: string }): Promise<DecisionDetail> {
      const d = await decisions.byId(db, project.id, input.id);
      if (!d) return refuseNow("not_found", "There is no such decision in this project.", "Decisions of ended units are kept for a limited time only: see the retention settings.");
      const read = kept.safeParse(d.candidates);
      const detail = read.success ? read.data : kept.parse({});
      const best = detail.candidates.filter((c) => c.score !== null).map((c) => c.score as number).sort((x, y) => y - x);
      // What would help a unit that is still without a node depends on the fleet as it is now.
      const live = d.outcome === "unplaced" ? await judge(project, d.unit) : null;
      const flip = live && !live.own && live.judged.every((j) => j.score === null) ? flipAmong(live.problem, live.judged) : null;
      return { ...rowOf(d), policy: detail.policy, policyDigest: d.policyDigest, candidates: detail.candidates, counts: detail.counts, feasible: detail.feasible ?? detail.candidates.filter((c) => c.feasible).length, margin: d.outcome === "placed" && best.length > 1 ? (best[0] as number) - (best[1] as number) : null, flip: flip?.text ?? null };
    },

    /**
     * Why a unit is where it is, or nowhere: every node of the fleet judged as it is now, with the unit itself taken off
     * its node. The recorded decision says why it was put there then.
     */
    async explain(project: ProjectRef, input: { unit: string; whyNot?: string | undefined }): Promise<DecisionDetail> {
      const found = await judge(project, input.unit);
      if (!found) return refuseNow("not_found", `There is no unit "${input.unit}" in this project.`, "Units are called WORKLOAD-NUMBER; list them with holdfast get units.");
      const { loaded, newest, judged, own, problem, nowMs } = found;
      const target = input.whyNot === undefined ? undefined : problem.snapshot.nodes.find((n) => n.name === input.whyNot);
      if (input.whyNot !== undefined && !target) return refuseNow("not_found", `There is no node "${input.whyNot}" in this project.`, "List them with holdfast get nodes.");
      // Where some node can take it, it is not the nodes that it waits for.
      const flip = target || (!own && judged.every((j) => j.score === null)) ? flipAmong(problem, judged, target?.id) : null;
      const feasible = judged.filter((j) => j.score !== null).sort((a, b) => (b.score ?? 0) - (a.score ?? 0));
      const counts = reasonCodes.flatMap((code) => {
        const n = judged.filter((j) => j.reasons[0]?.code === code).length;
        return n > 0 ? [{ code, text: reasonSummary[code], nodes: n }] : [];
      });
      const refused = judged.filter((j) => j.score === null).sort((a, b) => reasonCodes.indexOf(a.reasons[0]?.code as ReasonCode) - reasonCodes.indexOf(b.reasons[0]?.code as ReasonCode));
      const candidates = [...feasible, ...refused].slice(0, SHOWN).map((j) => ({ node: j.node.name, site: j.node.site, feasible: j.score !== null, reason: j.reasons[0] ? { code: j.reasons[0].code, text: j.reasons.map((r) => r.text).join(" Also: ") } : null, score: j.score, parts: j.score === null ? [] : j.parts() }));
      const here = own ? judged.find((j) => j.node.id === own.node.id) : undefined;
      const because = own && here ? whyStill(own.node.name, here, feasible, newest?.because ?? null) : (newest?.because ?? "It has no node yet.");
      return {
        id: newest?.id ?? "", workload: loaded.object.name, unit: input.unit, outcome: own ? "placed" : "unplaced", node: own?.node.name ?? null, site: own?.node.site ?? null, because, generation: own?.generation ?? newest?.generation ?? 0, atMs: nowMs,
        policy: loaded.policy?.name ?? null, policyDigest: loaded.policy?.digest ?? "", candidates, counts,
        feasible: feasible.length, margin: feasible.length > 1 ? ((feasible[0] as Judged).score ?? 0) - ((feasible[1] as Judged).score ?? 0) : null, flip: flip?.text ?? null,
      };
    },
  };
}

function whyStill(node: string, here: Judged, feasible: readonly Judged[], then: string | null): string {
  const past = then ? ` When it was placed: ${then}` : "";
  if (here.score === null) return `It runs on ${node}, which would not be chosen now: ${here.reasons[0]?.text ?? ""} A unit that runs stays unless a rule of its policy forbids it.${past}`;
  const best = feasible[0];
  if (!best || best.node.id === here.node.id) return `${feasible.length === 1 ? `${node} is still the only node that can take it` : `${node} is still the best of the ${feasible.length} nodes that can take it`}.${past}`;
  return `${node} can take it (${here.score.toFixed(2)}). ${best.node.name} would score higher now (${(best.score ?? 0).toFixed(2)}), but units that run are not moved for a better place.${past}`;
}
