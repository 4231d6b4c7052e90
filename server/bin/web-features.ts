import type { IncomingMessage, ServerResponse } from "node:http";
import { createAccess } from "../access";
import { createArtifacts } from "../artifacts";
import { createAudit } from "../audit";
import type { Actor, ProjectRef } from "../core/access/actor";
import { createFleet } from "../fleet";
import { createHooks } from "../hooks";
import { createIdentity } from "../identity";
import { createPlacement } from "../placement";
import type { Clock, Logger, Sealer, WebEnv } from "../platform";
import { createRollouts } from "../rollouts";
import type { Store } from "../store";
import { createTelemetry } from "../telemetry";
import type { Features } from "../trpc";
import { createWorkloads } from "../workloads";

/** Builds every feature behind the tRPC door. The type `Features` holds each to the views its procedures promise. */
export function createFeatures(deps: { store: Store; clock: Clock; log: Logger; seal: Sealer; env: WebEnv; agentSha256: () => string | null }) {
  const { store, clock, log, seal, env } = deps;
  const access = createAccess({ store, clock, log, seal, env });
  const audit = createAudit({ store, clock });
  const artifacts = createArtifacts({ store, clock, log, env });
  const features: Features = {
    access,
    audit,
    artifacts,
    fleet: createFleet({ store, clock, log, env }),
    hooks: createHooks({ store, clock, log, seal, env }),
    identity: createIdentity(deps),
    placement: createPlacement({ store, clock, log, env }),
    rollouts: createRollouts({ store, clock, log, silentAfterMs: env.AGENT_SILENT_AFTER_MS }),
    telemetry: createTelemetry({ store, clock }),
    workloads: createWorkloads({ store, clock, log, seal, env }),
  };
  const upload = (request: IncomingMessage, response: ServerResponse, actor: Actor, project: ProjectRef): Promise<void> => artifacts.handleUpload(request, response, actor, project);
  return { features, access, audit, artifacts: { upload } };
}
