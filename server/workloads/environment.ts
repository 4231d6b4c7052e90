import { manifest as manifestSchema } from "../core/manifest";
import type { Manifest } from "../core/manifest";
import type { Sealer } from "../platform";

type Env = Record<string, string | { secret: string }>;

/** What a value is sealed for: it can't be opened as another variable, of another workload or project. */
export const environmentPurpose = (projectId: string, workload: string, name: string): string => `env/${projectId}/${workload}/${name}`;
/** What a secret's value is sealed for. */
export const secretPurpose = (projectId: string, name: string): string => `secret/${projectId}/${name}`;

const mapEnv = (env: Env, value: (text: string, name: string) => string): Env => Object.fromEntries(Object.entries(env).map(([name, v]) => [name, typeof v === "string" ? value(v, name) : v]));
const withEnv = (m: Manifest, env: Env): Manifest => (m.kind === "Workload" ? { ...m, spec: { ...m.spec, template: { ...m.spec.template, env } } } : m);

/** A manifest as it is stored: plain values of environment variables are sealed, references to secrets stay names. */
export function sealManifest(seal: Sealer, projectId: string, m: Manifest): Manifest {
  if (m.kind !== "Workload") return m;
  return withEnv(m, mapEnv(m.spec.template.env, (text, name) => seal.seal(text, environmentPurpose(projectId, m.metadata.name, name))));
}

/** A stored manifest with its values opened. Throws `CannotOpen` when a master key is missing. */
export function openManifest(seal: Sealer, projectId: string, stored: unknown): Manifest {
  const m = manifestSchema.parse(stored);
  if (m.kind !== "Workload") return m;
  return withEnv(m, mapEnv(m.spec.template.env, (text, name) => seal.open(text, environmentPurpose(projectId, m.metadata.name, name))));
}

/**
 * The environment that a unit gets: sealed values opened, references to secrets filled in. Throws with the name of what
 * can't be: a unit never starts with half its environment. For the gateway, which alone hands it to agents.
 */
export function createEnvironmentOpener(seal: Sealer) {
  return (o: { projectId: string; workload: string; env: Env; sealedSecrets: ReadonlyMap<string, string> }): Record<string, string> =>
    Object.fromEntries(
      Object.entries(o.env).map(([name, value]) => {
        if (typeof value === "string") return [name, seal.open(value, environmentPurpose(o.projectId, o.workload, name))];
        const sealed = o.sealedSecrets.get(value.secret);
        if (sealed === undefined) throw new Error(`secret ${value.secret}, which ${name} is filled with, is not there`);
        return [name, seal.open(sealed, secretPurpose(o.projectId, value.secret))];
      }),
    );
}

