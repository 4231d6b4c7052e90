import { z } from "zod";
import * as v from "../../core/views";
import { allowed, command, router } from "../init";
import { inputs } from "../inputs";

export const manifestsRouter = router({
  schema: allowed("manifests.read").output(z.unknown()).query(({ ctx }) => ctx.features.workloads.queries.schema()),
  validate: allowed("manifests.read").input(inputs.validate).output(v.validateResult).query(({ ctx, input }) => ctx.features.workloads.queries.validate(ctx.project, input, ctx.actor)),
  // `apply` itself is a word that tRPC keeps for functions.
  applyText: command("manifests.apply", "manifest.apply", "manifest").input(inputs.apply).output(v.applyResult).mutation(({ ctx, input }) => ctx.features.workloads.commands.apply(ctx.actor, ctx.project, input)),
  objects: allowed("manifests.read").input(inputs.objects).output(v.objectPage).query(({ ctx, input }) => ctx.features.workloads.queries.objects(ctx.project, input, ctx.actor)),
  object: allowed("manifests.read").input(inputs.object).output(v.objectDetail).query(({ ctx, input }) => ctx.features.workloads.queries.object(ctx.project, input, ctx.actor)),
  remove: command("manifests.delete", "manifest.remove", "manifest").input(inputs.removeObject).output(v.done).mutation(({ ctx, input }) => ctx.features.workloads.commands.remove(ctx.actor, ctx.project, input)),
});

export const workloadsRouter = router({
  list: allowed("manifests.read").input(inputs.workloads).output(v.workloadPage).query(({ ctx, input }) => ctx.features.workloads.queries.list(ctx.project, input, ctx.actor)),
  get: allowed("manifests.read").input(inputs.byName).output(v.workloadDetail).query(({ ctx, input }) => ctx.features.workloads.queries.get(ctx.project, input, ctx.actor)),
  revisions: allowed("manifests.read").input(inputs.byName).output(z.array(v.revisionRow)).query(({ ctx, input }) => ctx.features.workloads.queries.revisions(ctx.project, input, ctx.actor)),
  revision: allowed("manifests.read").input(inputs.revision).output(v.revisionDetail).query(({ ctx, input }) => ctx.features.workloads.queries.revision(ctx.project, input, ctx.actor)),
  scale: command("manifests.apply", "workload.scale", "workload").input(inputs.scale).output(v.done).mutation(({ ctx, input }) => ctx.features.workloads.commands.scale(ctx.actor, ctx.project, input)),
  rollBackTo: command("manifests.apply", "workload.rollBackTo", "workload").input(inputs.rollBackTo).output(v.done).mutation(({ ctx, input }) => ctx.features.workloads.commands.rollBackTo(ctx.actor, ctx.project, input)),
  liftHold: command("rollouts.operate", "workload.liftHold", "workload").input(inputs.liftHold).output(v.done).mutation(({ ctx, input }) => ctx.features.workloads.commands.liftHold(ctx.actor, ctx.project, input)),
});

export const placementRouter = router({
  matches: allowed("placement.read").input(inputs.matches).output(v.matchPreview).query(({ ctx, input }) => ctx.features.placement.queries.matches(ctx.project, input, ctx.actor)),
  decisions: allowed("placement.read").input(inputs.decisions).output(v.decisionPage).query(({ ctx, input }) => ctx.features.placement.queries.decisions(ctx.project, input, ctx.actor)),
  decision: allowed("placement.read").input(inputs.byId).output(v.decisionDetail).query(({ ctx, input }) => ctx.features.placement.queries.decision(ctx.project, input, ctx.actor)),
  explain: allowed("placement.read").input(inputs.explain).output(v.decisionDetail).query(({ ctx, input }) => ctx.features.placement.queries.explain(ctx.project, input, ctx.actor)),
  whyNot: allowed("placement.read").input(inputs.whyNot).output(v.whyNotView).query(({ ctx, input }) => ctx.features.placement.queries.whyNot(ctx.project, input, ctx.actor)),
  preview: allowed("placement.read").input(inputs.preview).output(v.previewView).query(({ ctx, input }) => ctx.features.placement.queries.preview(ctx.project, input, ctx.actor)),
  replay: allowed("placement.read").input(inputs.replay).output(v.replayView).query(({ ctx, input }) => ctx.features.placement.queries.replay(ctx.project, input, ctx.actor)),
  queue: allowed("placement.read").output(v.queueView).query(({ ctx, input }) => ctx.features.placement.queries.queue(ctx.project, input, ctx.actor)),
  quotas: allowed("placement.read").output(v.quotaTreeView).query(({ ctx, input }) => ctx.features.placement.queries.quotas(ctx.project, input, ctx.actor)),
  capacity: allowed("placement.read").input(inputs.capacity).output(v.capacityView).query(({ ctx, input }) => ctx.features.placement.queries.capacity(ctx.project, input, ctx.actor)),
  repairPlan: allowed("placement.read").input(inputs.repairPlan).output(v.repairPlanView).query(({ ctx, input }) => ctx.features.placement.queries.repairPlan(ctx.project, input, ctx.actor)),
  repairs: allowed("placement.read").output(z.array(v.repairRow)).query(({ ctx, input }) => ctx.features.placement.queries.repairs(ctx.project, input, ctx.actor)),
  repairRun: command("fleet.operate", "repair.run", "repair").input(inputs.repairRun).output(v.repairStarted).mutation(({ ctx, input }) => ctx.features.placement.commands.repairRun(ctx.actor, ctx.project, input)),
});

export const secretsRouter = router({
  list: allowed("secrets.read").output(z.array(v.secretRow)).query(({ ctx, input }) => ctx.features.workloads.queries.secrets(ctx.project, input, ctx.actor)),
  set: command("secrets.write", "secret.set", "secret").input(inputs.setSecret).output(v.done).mutation(({ ctx, input }) => ctx.features.workloads.commands.setSecret(ctx.actor, ctx.project, input)),
  remove: command("secrets.write", "secret.remove", "secret").input(inputs.byName).output(v.done).mutation(({ ctx, input }) => ctx.features.workloads.commands.removeSecret(ctx.actor, ctx.project, input)),
});

export const artifactsRouter = router({
  list: allowed("artifacts.read").output(z.array(v.artifactRow)).query(({ ctx, input }) => ctx.features.artifacts.queries.list(ctx.project, input, ctx.actor)),
  get: allowed("artifacts.read").input(inputs.byDigest).output(v.artifactRow).query(({ ctx, input }) => ctx.features.artifacts.queries.get(ctx.project, input, ctx.actor)),
});
