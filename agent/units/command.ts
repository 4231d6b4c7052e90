import type { UnitSpec } from "../../server/protocol/messages";
import type { Result } from "../../server/core/base/result";
import { err, ok } from "../../server/core/base/result";
import { deviceEnvironment } from "./devices";
import type { HeldDevice } from "./devices";

/** What a command may refer to. */
export type Substitutions = { artifacts: Readonly<Record<string, string>>; node: string };

/**
 * Replaces `${artifact.NAME}` by the artifact's path and `${node}` by the agent's own runtime. Anything else in
 * `${…}` is an error that names it, because a program would only fail later and less clearly.
 */
export function substitute(text: string, s: Substitutions): Result<string, string> {
  let unknown: string | null = null;
  const value = text.replaceAll(/\$\{([^}]*)\}/g, (whole, name: string) => {
    if (name === "node") return s.node;
    const artifact = name.startsWith("artifact.") ? name.slice("artifact.".length) : "";
    const path = Object.hasOwn(s.artifacts, artifact) ? s.artifacts[artifact] : undefined;
    if (path === undefined) unknown ??= whole;
    return path ?? whole;
  });
  return unknown === null ? ok(value) : err(`${unknown} names neither an artifact of this workload nor \${node}`);
}

/** The variable that tells a unit where an artifact is. */
export const artifactVariable = (name: string): string => `HOLDFAST_ARTIFACT_${name.toUpperCase().replaceAll("-", "_")}`;

/** Programs are found here; nothing of the agent's own environment reaches a unit. */
const SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The whole environment of a unit. The manifest's variables come first, so that nobody can fake the agent's own.
 */
export function unitEnvironment(
  spec: UnitSpec,
  o: { agentUrl: string; token: string; node: string; site: string; artifacts: Readonly<Record<string, string>>; ports: Readonly<Record<string, number>>; devices?: readonly HeldDevice[]; home: string },
): Record<string, string> {
  const ports = Object.fromEntries(spec.template.ports.map((p) => [p.env, String(o.ports[p.name] ?? "")]));
  const artifacts = Object.fromEntries(Object.entries(o.artifacts).map(([name, path]) => [artifactVariable(name), path]));
  return {
    PATH: SEARCH_PATH,
    LANG: "C.UTF-8",
    HOME: o.home,
    ...spec.environment,
    ...ports,
    ...artifacts,
    ...deviceEnvironment(o.devices ?? [], spec.devices?.shareMillis ?? null),
    HOLDFAST_AGENT_URL: o.agentUrl,
    HOLDFAST_UNIT_TOKEN: o.token,
    HOLDFAST_UNIT: spec.unit,
    HOLDFAST_WORKLOAD: spec.workload,
    HOLDFAST_PROJECT: spec.project,
    HOLDFAST_REVISION: String(spec.generation),
    HOLDFAST_NODE: o.node,
    HOLDFAST_SITE: o.site,
  };
}
