export const roles = ["administrator", "operator", "approver", "auditor", "viewer"] as const;
export type Role = (typeof roles)[number];

const everyone: readonly Role[] = ["administrator", "operator", "approver", "auditor", "viewer"];
const operators: readonly Role[] = ["administrator", "operator"];
const administrators: readonly Role[] = ["administrator"];

/** Every permission and the roles that have it: the one list that procedures, screens and docs are made from. */
export const permissions = {
  "fleet.read": everyone,
  "fleet.operate": operators, // cordon, drain, decommission
  "fleet.enrol": administrators, // join tokens, revocation
  "manifests.read": everyone,
  "manifests.apply": operators,
  "manifests.delete": operators,
  "placement.read": everyone,
  "logs.read": ["administrator", "operator", "approver"],
  "rollouts.read": everyone,
  "rollouts.operate": operators, // create, pause, resume, promote, abort, lift a hold
  "rollouts.approve": ["administrator", "approver"],
  "telemetry.read": everyone,
  "artifacts.read": everyone,
  "artifacts.write": operators,
  "secrets.read": operators, // names only, never values
  "secrets.write": operators,
  "audit.read": ["administrator", "auditor"],
  "people.read": ["administrator", "auditor"],
  "people.manage": administrators,
  "tokens.manage": administrators,
  "hooks.manage": administrators, // webhooks: their addresses may hold a secret
  "settings.manage": administrators,
} as const satisfies Record<string, readonly Role[]>;
export type Permission = keyof typeof permissions;

/** Whether a person or token with these roles may do it. */
export function mayDo(held: readonly Role[], permission: Permission): boolean {
  return held.some((r) => (permissions[permission] as readonly Role[]).includes(r));
}

/** The sentence for a disabled control or a refusal: who may do it. */
export function whoMay(permission: Permission): string {
  const list = permissions[permission] as readonly Role[];
  return `This needs the role ${list.length === 1 ? list[0] : `${list.slice(0, -1).join(", ")} or ${list.at(-1)}`}.`;
}
