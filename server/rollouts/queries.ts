import { parse } from "yaml";
import type { z } from "zod";
import { mayDo, whoMay } from "../core/access/permissions";
import type { Actor, ProjectRef } from "../core/access/actor";
import { refuseNow } from "../core/base/refusal";
import { isFinal, stepText, wavesBefore } from "../core/rollout";
import type * as v from "../core/views";
import { Recent, approvals, assignments, rolloutControl, rolloutLists, rollouts, type Queryable } from "../store";
import { analysisHistory, bundleOf } from "./analysis-history";
import { buildPlan } from "./build-plan";
import { mostCommon } from "./commands";
import type { RolloutDeps } from "./deps";
import { freezeView } from "./emergency";
import { knownFacts, stateOf } from "./facts";
import { groupsOf, leavesOf, whyNotStand } from "./gate-views";
import { lintOf, simulate } from "./plan-checks";
import { proofOfRollout } from "./proof-view";
import { blastRadius } from "./radius";
import { approvableOf, commandsOf, foldChanges, listedRow, phaseOf, rowOf, verdictView, worstCase } from "./views";
import { wavesOf } from "./wave-views";

type Page = { cursor?: string | null | undefined; limit: number };
type ApprovalOut = z.input<typeof v.approvalView>;

/** Read models of rollouts and approvals: they carry what a screen needs to decide nothing. */
export function rolloutQueries(deps: RolloutDeps) {
  const { store, clock } = deps;
  const q = store.read.client;
  const at = () => ({ nowMs: clock.nowMs(), silentAfterMs: deps.silentAfterMs });

  // Counting the units of every workload in a list is dear in a large fleet: asked once for all who look at the same moment.
  const recent = new Recent<Map<string, rolloutLists.TargetCounts>>({ changes: store, topics: ["node", "assignment", "observation"], maxAgeMs: 2_000 });
  const countsOf = (projectId: string, workloads: readonly { id: string; toGeneration: number }[], now: { nowMs: number; silentAfterMs: number }) =>
    recent.get(projectId, workloads.map((w) => `${w.id} ${w.toGeneration}`).sort().join(), () => rolloutLists.targetCounts(q, workloads, now));

  const find = async (project: ProjectRef, number: number): Promise<rollouts.RolloutRecord> => {
    const r = await rollouts.byNumber(q, project.id, number);
    return r ?? refuseNow("not_found", `There is no rollout ${number} in this project.`, "Look it up in Rollouts.");
  };

  return {
    async list(project: ProjectRef, input: Page & { workload?: string | undefined; open?: boolean | undefined }): Promise<z.input<typeof v.rolloutPage>> {
      const before = input.cursor ? Number(input.cursor) : null;
      const now = at();
      const p = await rolloutLists.rolloutPage(q, project.id, { workload: input.workload, open: input.open, before, limit: input.limit });
      // Only open rollouts count their units live: what an ended one left behind is in its reason.
      const open = p.items.filter((r) => !isFinal(phaseOf(r.phase)));
      const counts = await countsOf(project.id, open.map((r) => ({ id: r.workloadId, toGeneration: r.outline.to.generation })), now);
      const items = p.items.map((r) => listedRow(r, isFinal(phaseOf(r.phase)) ? undefined : counts.get(r.workloadId)));
      return { items, nextCursor: p.items.length === input.limit ? String(p.items.at(-1)?.number) : null, total: p.total, asOfMs: now.nowMs };
    },

    async get(project: ProjectRef, input: { number: number }, actor: Actor): Promise<z.input<typeof v.rolloutDetail>> {
      const r = await find(project, input.number);
      const units = await rollouts.sitedUnitsOf(q, r.workloadId);
      const trials = new Map((await assignments.trialsOfRollout(q, r.id)).map((t) => [t.assignmentId, t]));
      const now = at();
      const list = await approvals.ofRollout(q, r.id);
      const targets = r.plan.waves.flatMap((w) => w.targets);
      const [frozen, radius, proof, lint] = await Promise.all([rolloutControl.openFreezes(q, project.id), blastRadius(q, r.workloadId, targets, units, now), proofOfRollout(q, r, units, now), lintOf(q, r.workloadId, r.plan, units, now.nowMs)]);
      const changes = foldChanges(await rollouts.changesBetween(q, r.workloadId, r.fromGeneration, r.toGeneration));
      return {
        ...rowOf(r, units, now), version: r.version, planDigest: r.planDigest, strategy: r.plan.strategy.name, waves: wavesOf(r, units, now, trials, await knownFacts(q, r, units, now.nowMs)), verdict: verdictView(r.verdict),
        approvals: await Promise.all(list.reverse().map((a) => approvalOf(q, a, actor, project, now, { r, units }))), events: await rollouts.events(q, r.id), changes, commands: commandsOf(r, actor, project),
        blastRadius: radius, proof, lint, freezes: frozen.filter((f) => f.site === null || radius.sites.includes(f.site)).map((f) => freezeView(f, actor, project)),
        sitesBack: r.progress.sitesBack.map((b) => ({ ...b, units: units.filter((u) => u.site === b.site).length })),
      };
    },

    /** The verdicts that decided something, and how the evidence of one grew. */
    async analysis(project: ProjectRef, input: { number: number; bundle?: string | undefined }) {
      const r = await find(project, input.number);
      return analysisHistory(q, project.id, r.id, input.bundle);
    },

    /** The inputs of a kept verdict, as canonical JSON: with them anybody recomputes it to the same digest. */
    async bundle(project: ProjectRef, input: { number: number; digest: string }) {
      const r = await find(project, input.number);
      const body = await bundleOf(q, project.id, r.id, input.digest);
      return body === null ? refuseNow("not_found", `Rollout ${input.number} keeps no inputs with this digest.`, "See which it keeps under Analysis; the oldest make room for newer ones.") : { digest: input.digest, body };
    },

    /** What a rollout would do, before anything is created. */
    async preview(project: ProjectRef, input: { workload: string; generation?: number | undefined; text?: string | undefined; strategy: string }): Promise<z.input<typeof v.rolloutPreview>> {
      const w = await rollouts.objectByName(q, project.id, "Workload", input.workload);
      if (!w) return refuseNow("not_found", `There is no workload “${input.workload}” in this project.`, "Look it up in Workloads.");
      const now = at();
      const from = mostCommon((await rollouts.observedUnitsOf(q, w.id)).map((u) => u.generation)) ?? w.generation;
      const draft = input.text === undefined ? null : (parse(input.text) as { spec?: Record<string, unknown> } | null);
      const to = draft?.spec ? { generation: w.generation + 1, digest: "draft", spec: draft.spec } : (input.generation ?? w.generation);
      const built = await buildPlan(q, { projectId: project.id, workload: { id: w.id, name: w.name }, from, to, strategy: input.strategy, fromMs: now.nowMs });
      const states = new Map(built.units.map((u) => [u.unit, stateOf(u, now).state]));
      const changes = typeof to === "number" ? foldChanges(await rollouts.changesBetween(q, w.id, Math.min(from, to), Math.max(from, to))) : [];
      return {
        waves: built.plan.waves.map((wave, i) => ({ name: wave.name, targets: wave.targets.map((t) => ({ ...t, state: states.get(t.unit) ?? "pending" })), steps: (built.plan.strategy.spec.waves[i]?.steps ?? []).map(stepText) })),
        planDigest: built.digest, warnings: built.warnings, unitsTotal: built.units.length, changes,
        graph: built.plan.strategy.spec.waves.map((wave, i) => ({ name: wave.name, after: wavesBefore(built.plan.strategy.spec, i).flatMap((b) => built.plan.strategy.spec.waves[b]?.name ?? []), blocking: wave.blocking !== false, remainder: wave.selector === undefined, selector: wave.selector ?? null })),
        blastRadius: await blastRadius(q, w.id, built.plan.waves.flatMap((x) => x.targets), built.units, now), lint: await lintOf(q, w.id, built.plan, built.units, now.nowMs), simulation: await simulate(q, w.id, built.plan),
      };
    },

    /** Cards of approvals. The targets of their plans are counted and not named: `approval` names them. */
    async approvals(project: ProjectRef, input: Page & { state?: approvals.ApprovalState | undefined }, actor: Actor): Promise<z.input<typeof v.approvalPage>> {
      const p = await rolloutLists.approvalPage(q, project.id, { state: input.state, after: readCursor(input.cursor), limit: input.limit });
      const now = at();
      const workloads = new Map(p.items.map((a) => [a.workloadId, { id: a.workloadId, toGeneration: a.toGeneration }]));
      const counts = await countsOf(project.id, [...workloads.values()], now);
      const consents = await approvals.consentsOf(q, p.items.map((a) => a.id));
      const items = p.items.map((a) => listedApproval(a, counts.get(a.workloadId), consents.filter((c) => c.approvalId === a.id), actor, project, now));
      const last = p.items.at(-1);
      return { items, nextCursor: last && p.items.length === input.limit ? JSON.stringify([last.rank, last.key, last.id]) : null, total: p.total, asOfMs: now.nowMs };
    },

    async approval(project: ProjectRef, input: { id: string }, actor: Actor): Promise<ApprovalOut> {
      const a = await approvals.byId(q, project.id, input.id);
      if (!a) return refuseNow("not_found", "There is no such approval in this project.", "Look it up in Approvals.");
      return approvalOf(q, a, actor, project, at());
    },
  };

  async function approvalOf(db: Queryable, a: approvals.ApprovalRecord, actor: Actor, project: ProjectRef, now: { nowMs: number; silentAfterMs: number }, known?: { r: rollouts.RolloutRecord; units: readonly rollouts.SitedUnit[] }): Promise<ApprovalOut> {
    const r = known?.r ?? (await rollouts.byId(db, a.rolloutId));
    if (!r) throw new Error(`approval ${a.id} belongs to no rollout`);
    const units = known?.units ?? (await rollouts.sitedUnitsOf(db, r.workloadId));
    const { leaves, ...plan } = a.plan as ReturnType<typeof approvableOf> & { leaves?: Record<string, string> };
    const inPlan = plan.waves.flatMap((w) => w.targets);
    const revision = await rollouts.revision(db, r.workloadId, r.toGeneration);
    const consents = await approvals.consentsOf(db, [a.id]);
    const why = whyNotDecide({ ...a, authorId: r.authorId, revisionAuthorId: revision?.authorId ?? null }, actor, project, now) ?? whyNotStand(a.groups, consents, actor, project);
    const radius = await blastRadius(db, r.workloadId, inPlan, units, now);
    return {
      id: a.id, version: a.version, rolloutId: r.id, rolloutNumber: r.number, workload: r.workload, gate: a.gate, state: a.state, planDigest: a.planDigest, plan, author: r.author, requestedAtMs: a.requestedAtMs, expiresAtMs: a.expiresAtMs,
      decidedBy: a.decidedBy, decidedAtMs: a.decidedAtMs, remark: a.remark, voidReason: a.voidReason, blastRadius: radius,
      worstCase: worstCase(r.plan.strategy.spec, r.plan.waves.map((w) => w.targets.length), a.gate, inPlan.length), evidence: verdictView(r.verdict),
      commands: decisions(r.number, why), leaves: leavesOf(leaves, r.plan, r.progress.evidence), ...groupsOf(a.groups, consents, a.state),
    };
  }
}

type Open = { state: approvals.ApprovalState; expiresAtMs: number; authorId: string; revisionAuthorId: string | null };

/** Why this actor can't decide on an approval; null when nothing stands against it. */
function whyNotDecide(a: Open, actor: Actor, project: ProjectRef, now: { nowMs: number }): string | null {
  if (a.state !== "pending") return `This was decided already: ${a.state}.`;
  if (a.expiresAtMs <= now.nowMs) return "This approval has expired.";
  if (!mayDo(actor.roles(project.id), "rollouts.approve")) return whoMay("rollouts.approve");
  if (actor.id === a.authorId) return "You started this rollout: another person has to decide.";
  return actor.id === a.revisionAuthorId ? "You wrote this revision: another person has to decide." : null;
}

const decisions = (number: number, why: string | null) => (["approve", "reject"] as const).map((c) => ({ command: c, disabledBecause: why, cli: `holdfast rollout ${c} ${number} --remark "…"` }));

/** A card of the list: from outlines, with the numbers of targets in place of the targets. */
function listedApproval(a: rolloutLists.ListedApproval, counts: rolloutLists.TargetCounts | undefined, consents: readonly approvals.ConsentRecord[], actor: Actor, project: ProjectRef, now: { nowMs: number }): ApprovalOut {
  const { waves, units, nodes, sites, leaves: _, ...shown } = a.plan;
  const plan = { ...(shown as unknown as Omit<ReturnType<typeof approvableOf>, "waves">), waves: waves.map((w) => ({ name: w.name, targets: [], steps: w.steps })) };
  return {
    id: a.id, version: a.version, rolloutId: a.rolloutId, rolloutNumber: a.number, workload: a.workload, gate: a.gate, state: a.state, planDigest: a.planDigest, plan, author: a.author, requestedAtMs: a.requestedAtMs, expiresAtMs: a.expiresAtMs,
    decidedBy: a.decidedBy, decidedAtMs: a.decidedAtMs, remark: a.remark, voidReason: a.voidReason,
    blastRadius: { units, unitsTotal: counts?.total ?? 0, nodes, sites, silent: counts?.silent ?? 0 },
    worstCase: worstCase(a.rollout.strategy.spec, a.rollout.waves.map((w) => w.count), a.gate, units), evidence: verdictView(a.verdict),
    commands: decisions(a.number, whyNotDecide(a, actor, project, now) ?? whyNotStand(a.groups, consents, actor, project)), leaves: [], ...groupsOf(a.groups, consents, a.state),
  };
}

function readCursor(text: string | null | undefined): { rank: number; key: number; id: string } | null {
  if (!text) return null;
  try {
    const [rank, key, id] = JSON.parse(text) as [number, number, string];
    if (typeof rank === "number" && typeof key === "number" && typeof id === "string") return { rank, key, id };
  } catch {
    // Falls through to the refusal below: a cursor is ours, and one that is not ours is bad input.
  }
  return refuseNow("invalid_input", "This page is not there.", "Start again at the first page.", [{ path: "cursor", message: "is not a cursor of this list", remedy: "leave it out" }]);
}
