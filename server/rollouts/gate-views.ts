import type { z } from "zod";
import type { Actor, ProjectRef } from "../core/access/actor";
import { digestOf } from "../core/base/json";
import type { ApproverGroup } from "../core/manifest/rollout";
import { anyApprover, divideConsents, groupText, mayStandFor, planLeaves, stillNeeded, type RolloutPlan } from "../core/rollout";
import type * as v from "../core/views";
import type { approvals } from "../store";
import { sha256 } from "./build-plan";

/** The leaves that consent is bound to, each by its digest; the evidence that decided last among them. */
export function leafDigests(plan: RolloutPlan, evidence: string | null): Record<string, string> {
  const leaves = Object.fromEntries(Object.entries(planLeaves(plan)).map(([name, value]) => [name, digestOf(value ?? null, sha256)]));
  return evidence === null ? leaves : { ...leaves, evidence };
}

/** Leaves as they were when the question was asked, and which of them are others now. */
export function leavesOf(asked: Record<string, string> | undefined, plan: RolloutPlan, evidence: string | null): z.input<typeof v.leafView>[] {
  const now = leafDigests(plan, evidence);
  // Evidence that came after the consent is no change of what was consented to.
  const changed = (name: string, digest: string): boolean => asked !== undefined && name !== "evidence" && now[name] !== digest;
  return Object.entries(asked ?? now).map(([name, digest]) => ({ name, digest, changed: changed(name, digest) }));
}

/** Who has to agree and who did, and who is still needed. */
export function groupsOf(groups: readonly ApproverGroup[] | null, consents: readonly approvals.ConsentRecord[], state: string): Pick<z.input<typeof v.approvalView>, "groups" | "stillNeeded"> {
  const asked = groups ?? anyApprover;
  const { given } = divideConsents(asked, consents);
  const record = new Map(consents.map((c) => [c.byId, c]));
  return {
    groups: asked.map((g, i) => ({ name: g.name, who: groupText(g), needed: g.count, given: (given[i] ?? []).flatMap((c) => { const r = record.get(c.byId); return r ? [{ by: r.by, atMs: r.atMs, remark: r.remark }] : []; }) })),
    stillNeeded: state === "pending" ? stillNeeded(asked, given) : "",
  };
}

/** Why this actor's consent would count for none of the gate's groups; null when it would. */
export function whyNotStand(groups: readonly ApproverGroup[] | null, consents: readonly approvals.ConsentRecord[], actor: Actor, project: ProjectRef): string | null {
  if (consents.some((c) => c.byId === actor.id)) return "You agreed already: another person has to agree too.";
  const me = { byId: actor.id, by: actor.name, login: actor.login, roles: actor.roles(project.id) };
  return (groups ?? anyApprover).some((g) => mayStandFor(g, me)) ? null : `This gate asks for ${(groups ?? anyApprover).map((g) => `${g.count} of ${g.name} (${groupText(g)})`).join(" and ")}.`;
}
