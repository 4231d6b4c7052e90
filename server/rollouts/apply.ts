import { systemActor } from "../core/access/actor";
import { approverGroup } from "../core/manifest/rollout";
import { frontWave, gateName, isFinal, nextPhase, phaseLabel, verdictKey, type RolloutAction, type RolloutDecision, type RolloutProgress, type RolloutSnapshot } from "../core/rollout";
import { appendAudit } from "../audit";
import { newId } from "../platform";
import { approvals, assignments, nodes, rolloutControl, rollouts, routes, type Tx } from "../store";
import { leafDigests } from "./gate-views";
import { keepDeciding, newestVerdict, type Judged } from "./verdicts";
import { approvableOf, foldChanges } from "./views";

const scheduler = systemActor("scheduler");
type Units = readonly rollouts.UnitFactsRow[];

/** Where a rollout stands, for its columns: the front wave, the step it is in, and since when. */
export function standing(r: Pick<rollouts.RolloutRecord, "plan">, progress: RolloutProgress): { waveIndex: number; stepIndex: number } {
  const front = frontWave(r.plan.strategy.spec, progress.waves);
  return { waveIndex: front, stepIndex: progress.waves[front]?.step ?? 0 };
}

/** One pass's writing: everything that a decision asks for, or nothing, under the rollout's lock. */
class Writing {
  readonly object: string;
  readonly patch: rollouts.RolloutPatch = {};
  readonly progress: RolloutProgress;
  readonly touched: string[] = [];
  readonly moved: { unit: string; node: string; to: number }[] = [];
  private readonly byAssignment: Map<string, rollouts.UnitFactsRow>;

  constructor(private readonly tx: Tx, private readonly r: rollouts.RolloutRecord, units: Units, private readonly s: RolloutSnapshot, private readonly judged: Judged) {
    this.object = `${r.number} of ${r.workload}`;
    this.byAssignment = new Map(units.map((u) => [u.assignmentId, u]));
    this.progress = structuredClone(s.progress);
  }

  async one(a: RolloutAction): Promise<void> {
    switch (a.do) {
      case "setGeneration":
        return this.setGeneration(a);
      case "setTrial": {
        const u = this.byAssignment.get(a.assignmentId);
        if (u) await assignments.setTrial(this.tx, u.assignmentId, a.returnAtMs === null ? null : { rollout: this.r.id, returnAtMs: a.returnAtMs, previousGeneration: this.r.fromGeneration });
        return;
      }
      case "goTo":
        return this.goTo(a);
      case "setTraffic":
        return this.divide(this.sitesOf((w) => w === a.wave), a.weight);
      case "sendSitesBack":
        return this.sendSitesBack(a);
      case "requestApproval":
        return askApproval(this.tx, this.r, { gate: a.gate, expiresAtMs: a.expiresAtMs, evidence: this.progress.evidence }, this.s.nowMs);
      case "expireApproval":
        if (await approvals.expire(this.tx.client, a.id, this.s.nowMs)) {
          this.tx.changes.add("approval", a.id, this.r.projectId);
          await this.audit("approval.expire", null, undefined, { objectKind: "approval", objectId: a.id });
        }
        return;
      case "transition":
        return this.transition(a);
    }
  }

  private async setGeneration(a: Extract<RolloutAction, { do: "setGeneration" }>): Promise<void> {
    const { tx, r } = this;
    const u = this.byAssignment.get(a.assignmentId);
    if (!u) return;
    const forward = a.generation === r.plan.to.generation;
    await assignments.setGeneration(tx.client, { id: u.assignmentId, unit: u.unit, version: u.version }, { generation: a.generation, digest: forward ? r.plan.to.digest : r.plan.from.digest, cause: forward ? "rollout" : "rollback", rolloutId: r.id });
    if (a.returnAtMs !== null) await assignments.setTrial(tx, u.assignmentId, { rollout: r.id, returnAtMs: a.returnAtMs, previousGeneration: r.fromGeneration });
    tx.changes.add("assignment", u.assignmentId, r.projectId);
    this.touched.push(u.nodeId);
    this.moved.push({ unit: u.unit, node: u.node, to: a.generation });
  }

  private async goTo(a: Extract<RolloutAction, { do: "goTo" }>): Promise<void> {
    const { tx, r, s } = this;
    this.progress.waves[a.wave] = { step: a.step, startedAtMs: s.nowMs };
    Object.assign(this.patch, { reason: a.text, stepStartedAtMs: s.nowMs });
    const decided = a.evidence ? this.judged.steps[a.wave] : null;
    await rollouts.addEvent(tx.client, r.id, { kind: "step", actor: null, text: a.text, data: decided?.verdict, atMs: s.nowMs });
    if (!decided) return;
    await keepDeciding(tx, r, r.plan.waves[a.wave]?.name ?? null, decided, s.nowMs);
    if (decided.bundle.digest !== this.progress.evidence) {
      this.progress.evidence = decided.bundle.digest;
      const gone = await approvals.voidOtherEvidence(tx.client, r.id, decided.bundle.digest, "The evidence changed: another verdict decided since. Consent was for the evidence as it was shown.", s.nowMs);
      for (const id of gone) tx.changes.add("approval", id, r.projectId);
    }
  }

  /** Sites of some waves' targets, without those that were sent back. */
  private sitesOf(which: (wave: number) => boolean): string[] {
    const back = new Set(this.progress.sitesBack.map((b) => b.site));
    return [...new Set(this.r.plan.waves.flatMap((w, i) => (which(i) ? w.targets.map((t) => t.site) : [])))].filter((site) => !back.has(site)).sort();
  }

  private readonly divide = (names: readonly string[], weight: number | null): Promise<void> => divide(this.tx, this.r, names, weight);
  private readonly divided = (wave: number): boolean => divides(this.r, wave);

  private async sendSitesBack(a: Extract<RolloutAction, { do: "sendSitesBack" }>): Promise<void> {
    const { tx, r, s } = this;
    await this.divide(this.sitesOf(this.divided).filter((site) => a.sites.includes(site)), 0);
    for (const site of a.sites) this.progress.sitesBack.push({ site, reason: a.reason, atMs: s.nowMs });
    const text = `${a.sites.length === 1 ? `Site ${a.sites[0]} goes` : `Sites ${a.sites.join(", ")} go`} back to r${r.fromGeneration}, the rest goes on: ${a.reason}`;
    this.patch.reason = text;
    const guilty = [...this.judged.steps, this.judged.background].find((v) => v?.verdict.verdict === "rollBack");
    if (guilty) await keepDeciding(tx, r, null, guilty, s.nowMs);
    await rollouts.addEvent(tx.client, r.id, { kind: "sitesBack", actor: null, text, data: { sites: a.sites, verdict: guilty?.verdict }, atMs: s.nowMs });
    await this.audit("rollout.sendSitesBack", a.reason, { sites: a.sites });
  }

  private async transition(a: Extract<RolloutAction, { do: "transition" }>): Promise<void> {
    const { tx, r, s, patch } = this;
    const next = nextPhase(s.phase, a.command);
    if (next === null) throw new Error(`the planner asked for ${a.command} in phase ${s.phase}`);
    patch.phase = next;
    patch.reason = next === "rollingBack" ? `Rolling back: ${a.reason}` : next === "rolledBack" ? `Rolled back: ${causeOf(r.reason)} ${a.reason}` : a.reason;
    // On the way back nothing is sent to the new revision any more; in the end one revision is left, and all units serve alike.
    if (next === "rollingBack") await this.divide(this.sitesOf(this.divided), 0);
    if (isFinal(next)) {
      await this.divide([...this.sitesOf(this.divided), ...this.progress.sitesBack.map((b) => b.site)].filter(() => r.plan.strategy.spec.waves.some((_, i) => this.divided(i))), null);
      patch.endedAtMs = s.nowMs;
      await approvals.closePending(tx.client, r.id, `The rollout has ended: ${phaseLabel[next].toLowerCase()}.`, s.nowMs);
      // The verdict was given: whoever hears of it only later keeps what he then switches to.
      for (const t of await assignments.trialsOfRollout(tx.client, r.id)) await assignments.setTrial(tx, t.assignmentId, null);
    }
    if (next === "rollingBack") await rollouts.holdRevision(tx.client, r.workloadId, r.toGeneration, `rolled back by rollout ${r.number}: ${a.reason}`);
    this.progress.held = next === "holding" ? { key: a.holdKey ?? "hold", sinceMs: s.nowMs } : null;
    const newest = newestVerdict(this.judged);
    if (a.command === "fail" || a.command === "hold") {
      const guilty = [...this.judged.steps, this.judged.background].find((v) => v && v.verdict.verdict !== "promote" && v.verdict.verdict !== "notEnoughEvidence");
      if (guilty) await keepDeciding(tx, r, null, guilty, s.nowMs);
    }
    await rollouts.addEvent(tx.client, r.id, { kind: a.command, actor: null, text: patch.reason, data: newest ?? undefined, atMs: s.nowMs });
    await this.audit(`rollout.${a.command}`, a.reason, { phase: next }, { before: { phase: s.phase } });
  }

  private async audit(action: Parameters<typeof appendAudit>[1]["action"], reason: string | null, after?: unknown, more: { objectKind?: string; objectId?: string; before?: unknown } = {}): Promise<void> {
    await appendAudit(this.tx, { actor: scheduler, action, objectKind: "rollout", objectId: this.r.id, object: this.object, projectId: this.r.projectId, outcome: "done", ...(reason === null ? {} : { reason }), ...(after === undefined ? {} : { after }), ...more });
  }

  async finish(decision: RolloutDecision): Promise<void> {
    const { tx, r, s } = this;
    if (this.moved.length > 0) await this.tellMoved();
    // Deadlines of dead-man switches move on without a word: no picture of the rollout is stale by it.
    if (decision.actions.every((a) => a.do === "setTrial")) return;
    const patch = { ...this.patch, ...standing(r, this.progress), progress: this.progress };
    // The version moves with every act, so that whoever decided on an older picture is refused.
    if (!(await rollouts.save(tx.client, r.id, r.version, patch, s.nowMs))) throw new Error(`rollout ${r.id} changed under its own lock`);
    tx.changes.add("rollout", r.id, r.projectId);
    tx.notify("holdfast_keys", `workload:${r.workloadId}`);
  }

  private async tellMoved(): Promise<void> {
    const { tx, r, s } = this;
    for (const generation of [...new Set(this.moved.map((m) => m.to))].sort()) {
      const some = this.moved.filter((m) => m.to === generation);
      const text = `${some.length === 1 ? `Unit ${some[0]?.unit} on ${some[0]?.node}` : `${some.length} units`} asked for r${generation}.`;
      await rollouts.addEvent(tx.client, r.id, { kind: "asked", actor: null, text, data: some, atMs: s.nowMs });
      await this.audit(generation === r.fromGeneration ? "rollout.return" : "rollout.update", text, { units: some });
    }
    await nodes.touchDesired(tx, this.touched);
    tx.changes.add("workload", r.workloadId, r.projectId);
  }
}

/** Divides the service's requests at sites: so many percent for the new revision; null: all endpoints alike. */
async function divide(tx: Tx, r: rollouts.RolloutRecord, names: readonly string[], weight: number | null): Promise<void> {
  const siteIds = await rolloutControl.siteIds(tx.client, r.projectId, names);
  if (siteIds.length === 0) return;
  const weights = weight === null ? [] : [{ generation: r.fromGeneration, weight: 100 - weight }, { generation: r.toGeneration, weight }];
  await routes.set(tx, { projectId: r.projectId, workloadId: r.workloadId, siteIds }, { weights });
}
/** Whether a wave divides requests, up to the step that it has reached. */
const divides = (r: rollouts.RolloutRecord, wave: number): boolean => (r.plan.strategy.spec.waves[wave]?.steps ?? []).slice(0, (r.progress.waves[wave]?.step ?? 0) + 1).some((step) => step.do === "traffic");

/** Sends nothing to the new revision any more: the first thing when a person aborts. */
export async function withdrawTraffic(tx: Tx, r: rollouts.RolloutRecord): Promise<void> {
  await divide(tx, r, [...new Set(r.plan.waves.flatMap((w, i) => (divides(r, i) ? w.targets.map((t) => t.site) : [])))].sort(), 0);
}

/** Applies a decision in one transaction: assignments, progress, approvals, events and audit entries. */
export async function applyActions(tx: Tx, r: rollouts.RolloutRecord, units: Units, decision: RolloutDecision, s: RolloutSnapshot, judged: Judged): Promise<void> {
  const w = new Writing(tx, r, units, s, judged);
  for (const a of decision.actions) await w.one(a);
  await w.finish(decision);
}

async function askApproval(tx: Tx, r: rollouts.RolloutRecord, ask: { gate: string; expiresAtMs: number; evidence: string | null }, nowMs: number): Promise<void> {
  const titles = await rollouts.artifactNames(tx.client, r.projectId, r.plan.artifacts.map((a) => a.digest));
  const changes = foldChanges(await rollouts.changesBetween(tx.client, r.workloadId, r.fromGeneration, r.toGeneration));
  const id = newId("approval");
  const plan = { ...approvableOf(r.plan, ask.gate, titles, changes), evidenceDigest: ask.evidence, leaves: leafDigests(r.plan, ask.evidence) };
  await approvals.insert(tx.client, { id, projectId: r.projectId, rolloutId: r.id, gate: ask.gate, planDigest: r.planDigest, plan, groups: groupsOf(r, ask.gate), nowMs, expiresAtMs: ask.expiresAtMs });
  await rollouts.addEvent(tx.client, r.id, { kind: "approvalRequested", actor: null, text: `An approval is asked for at gate “${ask.gate}”.`, atMs: nowMs });
  tx.changes.add("approval", id, r.projectId);
}

function groupsOf(r: rollouts.RolloutRecord, gate: string): ReturnType<typeof approverGroup.parse>[] | null {
  for (const w of r.plan.strategy.spec.waves) for (const step of w.steps) if (step.do === "approval" && gateName(w.name, step) === gate) return step.groups ?? null;
  return null;
}

/** Progress after a person went on over what a rollout waits or holds for: pauses and analyses are skipped, breaches accepted, sites tried again. */
export function goneOn(r: rollouts.RolloutRecord, active: readonly number[], nowMs: number): RolloutProgress {
  const progress = structuredClone(r.progress);
  const spec = r.plan.strategy.spec;
  for (const w of active) {
    const at = progress.waves[w];
    const step = spec.waves[w]?.steps[at?.step ?? 0];
    if (!at || (step?.do !== "pause" && step?.do !== "analysis")) continue;
    if (step.do === "analysis") progress.accepted.push(verdictKey(w, at.step, step.template));
    progress.waves[w] = { step: at.step + 1, startedAtMs: nowMs };
  }
  if (progress.held) progress.accepted.push(progress.held.key);
  if (progress.held?.key === "sites back") progress.sitesBack = [];
  progress.held = null;
  return progress;
}

/** Why it rolled back, as a whole sentence: what a person gave as the reason may lack its full stop. */
const causeOf = (reason: string): string => reason.replace(/^Rolling back: /, "").replace(/([^.!?…])$/, "$1.");
