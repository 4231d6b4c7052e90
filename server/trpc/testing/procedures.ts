import { appRouter } from "../index";
import type { ProcedureMeta } from "../init";

/** A procedure as the router has it. */
export type Procedure = { path: string; type: "query" | "mutation" | "subscription"; meta: ProcedureMeta | undefined };

/** Every procedure of the API, by path. */
export function allProcedures(): Procedure[] {
  const found = appRouter._def.procedures as unknown as Record<string, { _def: { type: Procedure["type"]; meta?: ProcedureMeta } }>;
  return Object.entries(found).map(([path, p]) => ({ path, type: p._def.type, meta: p._def.meta }));
}

/**
 * An input for each procedure that takes more than a project, valid by its schema and of things that do not exist: what
 * a test sends to reach the feature behind the door.
 */
export const sampleInputs: Record<string, Record<string, unknown>> = {
  "access.signInToken": { login: "nobody", password: "not the password" },
  "access.acceptInvitation": { token: "hfi_unknown", name: "Nobody", password: "the tide turns before noon" },
  "me.changePassword": { current: "not the password", next: "the tide turns before noon" },
  "search.find": { q: "x" },
  "fleet.site": { name: "nowhere" },
  "fleet.nodes": {},
  "fleet.node": { name: "nobody" },
  "fleet.units": {},
  "fleet.unit": { assignmentId: "assignment-none" },
  "fleet.drainPreview": { name: "nobody" },
  "fleet.cordon": { name: "nobody", version: 1, reason: "because of a test" },
  "fleet.uncordon": { name: "nobody", version: 1, reason: "because of a test" },
  "fleet.drain": { name: "nobody", version: 1, reason: "because of a test" },
  "fleet.decommission": { name: "nobody", version: 1, reason: "because of a test" },
  "fleet.createJoinToken": { site: "nowhere" },
  "fleet.revokeJoinToken": { id: "join-none" },
  "fleet.revokeNode": { name: "nobody", reason: "because of a test" },
  "manifests.validate": { text: "kind: Nothing" },
  "manifests.applyText": { text: "kind: Nothing", reason: "because of a test" },
  "manifests.objects": {},
  "manifests.object": { kind: "Workload", name: "nothing" },
  "manifests.remove": { kind: "Workload", name: "nothing", reason: "because of a test" },
  "workloads.list": {},
  "workloads.get": { name: "nothing" },
  "workloads.revisions": { name: "nothing" },
  "workloads.revision": { name: "nothing", generation: 1 },
  "workloads.scale": { name: "nothing", replicas: 1, version: 1 },
  "workloads.rollBackTo": { name: "nothing", generation: 1, reason: "because of a test" },
  "workloads.liftHold": { name: "nothing", generation: 1, reason: "because of a test" },
  "placement.matches": { selector: "true" },
  "placement.decisions": {},
  "placement.decision": { id: "decision-none" },
  "placement.explain": { unit: "nothing-0" },
  "secrets.set": { name: "sample", value: "a value" },
  "secrets.remove": { name: "nothing" },
  "artifacts.get": { digest: `sha256:${"0".repeat(64)}` },
  "rollouts.list": {},
  "rollouts.get": { number: 999 },
  "rollouts.analysis": { number: 1 },
  "rollouts.bundle": { number: 1, digest: `sha256:${"0".repeat(64)}` },
  "rollouts.preview": { workload: "nothing", generation: 1, strategy: "nothing" },
  "rollouts.create": { workload: "nothing", generation: 1, strategy: "nothing", reason: "because of a test" },
  "rollouts.pause": { number: 999, version: 1, reason: "because of a test" },
  "rollouts.resume": { number: 999, version: 1, reason: "because of a test" },
  "rollouts.promote": { number: 999, version: 1, reason: "because of a test" },
  "rollouts.abort": { number: 999, version: 1, reason: "because of a test" },
  "approvals.list": {},
  "approvals.get": { id: "approval-none" },
  "approvals.decide": { id: "approval-none", planDigest: "sha256:none", decision: "approve", remark: "because of a test" },
  "telemetry.node": { name: "nobody", range: { fromMs: 0, toMs: 60_000 } },
  "telemetry.workload": { name: "nothing", range: { fromMs: 0, toMs: 60_000 } },
  "telemetry.unit": { assignmentId: "assignment-none", range: { fromMs: 0, toMs: 60_000 } },
  "logs.open": { assignmentId: "assignment-none" },
  "logs.read": { requestId: "log-none" },
  "audit.list": {},
  "audit.get": { seq: "1" },
  "hooks.create": { name: "sample", url: "https://example.com/hooks", format: "structured", events: ["rollout.*"] },
  "hooks.update": { name: "nothing", version: 1, state: "off" },
  "hooks.remove": { name: "nothing" },
  "hooks.rotate": { name: "nothing" },
  "hooks.test": { name: "nothing" },
  "hooks.sendAgain": { name: "nothing" },
  "hooks.deliveries": { name: "nothing" },
  "people.invite": { login: "sample", role: "viewer" },
  "people.setRoles": { id: "person-none", version: 1, roles: ["viewer"] },
  "people.deactivate": { id: "person-none", version: 1 },
  "people.activate": { id: "person-none", version: 1 },
  "invitations.revoke": { id: "invitation-none" },
  "tokens.create": { name: "sample", role: "viewer" },
  "tokens.revoke": { id: "token-none" },
  "settings.setIdentityProvider": { name: "Sample", issuer: "http://127.0.0.1:9", clientId: "console", clientSecret: "secret" },
  "pilot.report": { state: "ready" },
};
