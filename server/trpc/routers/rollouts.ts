import { z } from "zod";
import * as v from "../../core/views";
import { allowed, command, router } from "../init";
import { inputs } from "../inputs";

export const rolloutsRouter = router({
  list: allowed("rollouts.read").input(inputs.rollouts).output(v.rolloutPage).query(({ ctx, input }) => ctx.features.rollouts.queries.list(ctx.project, input, ctx.actor)),
  get: allowed("rollouts.read").input(inputs.byNumber).output(v.rolloutDetail).query(({ ctx, input }) => ctx.features.rollouts.queries.get(ctx.project, input, ctx.actor)),
  analysis: allowed("rollouts.read").input(inputs.rolloutAnalysis).output(v.analysisHistory).query(({ ctx, input }) => ctx.features.rollouts.queries.analysis(ctx.project, input, ctx.actor)),
  bundle: allowed("rollouts.read").input(inputs.rolloutBundle).output(v.verdictBundle).query(({ ctx, input }) => ctx.features.rollouts.queries.bundle(ctx.project, input, ctx.actor)),
  preview: allowed("rollouts.read").input(inputs.rolloutPreview).output(v.rolloutPreview).query(({ ctx, input }) => ctx.features.rollouts.queries.preview(ctx.project, input, ctx.actor)),
  create: command("rollouts.operate", "rollout.create", "rollout").input(inputs.rolloutCreate).output(v.done.extend({ number: z.int() })).mutation(({ ctx, input }) => ctx.features.rollouts.commands.create(ctx.actor, ctx.project, input)),
  pause: command("rollouts.operate", "rollout.pause", "rollout").input(inputs.rolloutCommand).output(v.done).mutation(({ ctx, input }) => ctx.features.rollouts.commands.pause(ctx.actor, ctx.project, input)),
  resume: command("rollouts.operate", "rollout.resume", "rollout").input(inputs.rolloutCommand).output(v.done).mutation(({ ctx, input }) => ctx.features.rollouts.commands.resume(ctx.actor, ctx.project, input)),
  promote: command("rollouts.operate", "rollout.promote", "rollout").input(inputs.rolloutCommand).output(v.done).mutation(({ ctx, input }) => ctx.features.rollouts.commands.promote(ctx.actor, ctx.project, input)),
  abort: command("rollouts.operate", "rollout.abort", "rollout").input(inputs.rolloutCommand).output(v.done).mutation(({ ctx, input }) => ctx.features.rollouts.commands.abort(ctx.actor, ctx.project, input)),
  emergency: allowed("rollouts.read").output(v.emergencyView).query(({ ctx, input }) => ctx.features.rollouts.queries.emergency(ctx.project, input, ctx.actor)),
  holds: allowed("rollouts.read").output(z.array(v.holdView)).query(({ ctx, input }) => ctx.features.rollouts.queries.holds(ctx.project, input, ctx.actor)),
  freeze: command("rollouts.operate", "rollout.freeze", "freeze").input(inputs.freeze).output(v.done).mutation(({ ctx, input }) => ctx.features.rollouts.commands.freeze(ctx.actor, ctx.project, input)),
  thaw: command("rollouts.operate", "rollout.thaw", "freeze").input(inputs.thaw).output(v.done).mutation(({ ctx, input }) => ctx.features.rollouts.commands.thaw(ctx.actor, ctx.project, input)),
  abortAll: command("rollouts.operate", "rollout.abortAll", "project").input(inputs.abortAll).output(v.done).mutation(({ ctx, input }) => ctx.features.rollouts.commands.abortAll(ctx.actor, ctx.project, input)),
  breakGlass: command("rollouts.operate", "rollout.breakGlass", "rollout").input(inputs.breakGlass).output(v.done).mutation(({ ctx, input }) => ctx.features.rollouts.commands.breakGlass(ctx.actor, ctx.project, input)),
  reviewGlass: command("rollouts.approve", "rollout.reviewGlass", "rollout").input(inputs.reviewGlass).output(v.done).mutation(({ ctx, input }) => ctx.features.rollouts.commands.reviewGlass(ctx.actor, ctx.project, input)),
});

/** Consent and its refusal are two actions of one procedure. */
const decided = (input: unknown): string => ((input as { decision?: unknown } | null)?.decision === "reject" ? "rollout.reject" : "rollout.approve");

export const approvalsRouter = router({
  list: allowed("rollouts.read").input(inputs.approvals).output(v.approvalPage).query(({ ctx, input }) => ctx.features.rollouts.queries.approvals(ctx.project, input, ctx.actor)),
  get: allowed("rollouts.read").input(inputs.byId).output(v.approvalView).query(({ ctx, input }) => ctx.features.rollouts.queries.approval(ctx.project, input, ctx.actor)),
  decide: command("rollouts.approve", decided, "approval").input(inputs.decide).output(v.done).mutation(({ ctx, input }) => ctx.features.rollouts.commands.decide(ctx.actor, ctx.project, input)),
});

export const telemetryRouter = router({
  node: allowed("telemetry.read").input(inputs.nodeCharts).output(z.array(v.chartView)).query(({ ctx, input }) => ctx.features.telemetry.queries.node(ctx.project, input, ctx.actor)),
  workload: allowed("telemetry.read").input(inputs.workloadCharts).output(z.array(v.chartView)).query(({ ctx, input }) => ctx.features.telemetry.queries.workload(ctx.project, input, ctx.actor)),
  unit: allowed("telemetry.read").input(inputs.unitCharts).output(z.array(v.chartView)).query(({ ctx, input }) => ctx.features.telemetry.queries.unit(ctx.project, input, ctx.actor)),
});

const logsReadView = z.object({ chunks: z.array(z.object({ seq: z.int(), offset: z.number(), text: z.string() })), state: z.enum(["waiting", "open", "ended"]), error: z.string().nullable() });
export const logsRouter = router({
  open: command("logs.read", "logs.open", "unit").input(inputs.logsOpen).output(z.object({ requestId: z.string() })).mutation(({ ctx, input }) => ctx.features.telemetry.commands.openLogs(ctx.actor, ctx.project, input)),
  read: allowed("logs.read").input(inputs.logsRead).output(logsReadView).query(({ ctx, input }) => ctx.features.telemetry.queries.readLogs(ctx.project, input, ctx.actor)),
});
