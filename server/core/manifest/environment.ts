import type { FieldError } from "../base/refusal";
import type { Manifest } from "./kinds";
import type { WorkloadManifest } from "./workload";

/**
 * Stands for an environment value wherever a manifest is shown. Submitted again, it means "keep the value that the
 * newest revision has": so a manifest can be read, edited and applied without anybody seeing its values.
 */
export const HIDDEN_VALUE = "***";

/** A copy whose plain environment values are hidden. References to secrets name them and stay. */
export function hideEnvironment<M extends Manifest>(m: M): M {
  if (m.kind !== "Workload") return m;
  const env = Object.fromEntries(Object.entries(m.spec.template.env).map(([k, v]) => [k, typeof v === "string" ? HIDDEN_VALUE : v]));
  return withEnv(m, env) as M;
}

/** Replaces hidden values by those of the newest revision; an error names each that has nothing to keep. */
export function fillHidden(m: Manifest, previous: Manifest | null): { manifest: Manifest; errors: FieldError[] } {
  if (m.kind !== "Workload") return { manifest: m, errors: [] };
  const errors: FieldError[] = [];
  const before = previous?.kind === "Workload" ? previous.spec.template.env : {};
  const env = Object.fromEntries(
    Object.entries(m.spec.template.env).map(([name, value]) => {
      if (value !== HIDDEN_VALUE) return [name, value];
      const kept = before[name];
      if (kept === undefined) errors.push({ path: `spec.template.env.${name}`, message: `"${HIDDEN_VALUE}" stands for a value that is kept, and no revision has one for ${name}.`, remedy: "Write the value, or name a secret: {secret: NAME}." });
      return [name, kept ?? value];
    }),
  );
  return { manifest: withEnv(m, env), errors };
}

function withEnv(m: WorkloadManifest, env: WorkloadManifest["spec"]["template"]["env"]): WorkloadManifest {
  return { ...m, spec: { ...m.spec, template: { ...m.spec.template, env } } };
}
