/**
 * Workloads: manifests of every kind, their revisions, and secrets. The one command behind form, editor, CLI and API is
 * `apply`. Owns what should be; it does not decide where units go (placement) nor how they change (scheduler, rollouts).
 */
import type { Actor, ProjectRef } from "../core/access/actor";
import { manifestJsonSchema } from "../core/manifest";
import { apply } from "./commands/apply";
import type { ApplyInput } from "./commands/apply";
import { remove } from "./commands/remove";
import { liftHold, rollBackTo, scale } from "./commands/revisions";
import { removeSecret, setSecret } from "./commands/secrets";
import type { WorkloadsDeps } from "./deps";
import { objectQueries } from "./queries/objects";
import { workloadQueries } from "./queries/workloads";

export { createEnvironmentOpener, environmentPurpose, secretPurpose } from "./environment";
export { createSummary } from "./queries/summary";
export type { WorkloadsDeps } from "./deps";

type Tail<F> = F extends (deps: WorkloadsDeps, actor: Actor, project: ProjectRef, input: infer I) => infer R ? (actor: Actor, project: ProjectRef, input: I) => R : never;

export function createWorkloads(deps: WorkloadsDeps) {
  const command = <I, R>(run: (deps: WorkloadsDeps, actor: Actor, project: ProjectRef, input: I) => R) => ((actor, project, input) => run(deps, actor, project, input)) as Tail<typeof run>;
  return {
    queries: {
      /** The published JSON Schema of the manifest language. */
      schema: () => manifestJsonSchema(),
      ...objectQueries(deps),
      ...workloadQueries(deps),
    },
    commands: {
      apply: (actor: Actor, project: ProjectRef, input: ApplyInput) => apply(deps, actor, project, input),
      remove: command(remove),
      scale: command(scale),
      rollBackTo: command(rollBackTo),
      liftHold: command(liftHold),
      setSecret: command(setSecret),
      removeSecret: command(removeSecret),
    },
  };
}
