import type { Role } from "./permissions";

/** Who acts: a person or a service token through a door, a node through the gateway, or a reconciler of the system. */
export const actorKinds = ["person", "token", "node", "system"] as const;
export type ActorKind = (typeof actorKinds)[number];

/** How strongly the actor proved who it is. */
export const authenticationStrengths = ["password", "oidc", "token", "certificate"] as const;
export type AuthenticationStrength = (typeof authenticationStrengths)[number];

/** The project a command or question is about, already resolved from its name. */
export type ProjectRef = { id: string; name: string };

/** The whole installation, as the project of a membership. */
export const EVERY_PROJECT = "*";

/**
 * Whoever asks for something. `roles` answers for one project by id and includes what is held for the whole
 * installation; without a project it answers for the installation alone. Audit entries are made from the other fields.
 */
export type Actor = {
  kind: ActorKind;
  id: string;
  /** What people call the actor; shown in audit entries. */
  name: string;
  /** What a person signs in with; unique, unlike the name that they chose. Only persons have one. */
  login?: string;
  sessionId?: string;
  strength?: AuthenticationStrength;
  requestId?: string;
  roles(projectId?: string | null): Role[];
};

/** An actor of the product itself, such as the scheduler: it holds no role, because no permission is asked of it. */
export function systemActor(id: string, name: string = id): Actor {
  return { kind: "system", id, name, roles: () => [] };
}

/** The node on whose behalf the gateway writes; authenticated by its certificate. */
export function nodeActor(id: string, name: string): Actor {
  return { kind: "node", id, name, strength: "certificate", roles: () => [] };
}

/** Roles per project id as they stand in memberships, turned into the function that an actor carries. */
export function rolesFrom(memberships: readonly { projectId: string; role: Role }[]): (projectId?: string | null) => Role[] {
  return (projectId) => {
    const held = memberships.filter((m) => m.projectId === EVERY_PROJECT || (projectId != null && m.projectId === projectId)).map((m) => m.role);
    return [...new Set(held)];
  };
}
