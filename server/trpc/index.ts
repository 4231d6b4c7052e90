import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";
import { accessRouter, auditRouter, invitationsRouter, meRouter, peopleRouter, pilotRouter, settingsRouter, tokensRouter } from "./routers/access";
import { fleetRouter, homeRouter, searchRouter } from "./routers/fleet";
import { hooksRouter } from "./routers/hooks";
import { approvalsRouter, logsRouter, rolloutsRouter, telemetryRouter } from "./routers/rollouts";
import { artifactsRouter, manifestsRouter, placementRouter, secretsRouter, workloadsRouter } from "./routers/workloads";
import { router } from "./init";

/**
 * The door for people and programs. Routers are four lines: who, in, out, call. They know features by the interface
 * in `features.ts` and nothing of the store; every procedure names its permission in its metadata.
 */
export const appRouter = router({
  me: meRouter,
  access: accessRouter,
  home: homeRouter,
  search: searchRouter,
  fleet: fleetRouter,
  manifests: manifestsRouter,
  workloads: workloadsRouter,
  placement: placementRouter,
  rollouts: rolloutsRouter,
  approvals: approvalsRouter,
  telemetry: telemetryRouter,
  logs: logsRouter,
  artifacts: artifactsRouter,
  secrets: secretsRouter,
  hooks: hooksRouter,
  audit: auditRouter,
  people: peopleRouter,
  invitations: invitationsRouter,
  tokens: tokensRouter,
  settings: settingsRouter,
  pilot: pilotRouter,
});

export type AppRouter = typeof appRouter;
/** Inputs and outputs of every procedure, for screens and the CLI: `RouterOutputs["fleet"]["node"]`. */
export type RouterInputs = inferRouterInputs<AppRouter>;
export type RouterOutputs = inferRouterOutputs<AppRouter>;
export type { Context } from "./init";
export type { Features } from "./features";
