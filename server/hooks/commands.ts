import { appendAudit, auditedCommand } from "../audit";
import type { AuditAction } from "../core/audit";
import type { Actor, ProjectRef } from "../core/access/actor";
import { refuseNow } from "../core/base/refusal";
import { hookEventNames, type HookFormat } from "../core/hooks";
import { newId } from "../platform";
import { hooks, schedulerKeys } from "../store";
import type { Tx } from "../store";
import { urlFault } from "./addresses";
import { hookPurpose, type HooksDeps } from "./deps";
import { hookView } from "./queries";
import { newSigningSecret } from "./signature";

const MOST_ENDPOINTS = 50;
/** For how long the secret before signs beside a new one. */
const CHANGE_OVER_MS = 24 * 3_600_000;

type Done = { version: number | null; message: string };

export function hookCommands(deps: HooksDeps) {
  const { store, clock, seal } = deps;
  const subject = (action: AuditAction, project: ProjectRef, name: string, reason?: string) => ({ action, objectKind: "hook", objectId: name, object: name, projectId: project.id, ...(reason === undefined ? {} : { reason }) });
  const checkUrl = (url: string): void => {
    const fault = urlFault(url, deps.env.HOOKS_ALLOW_PRIVATE);
    if (fault) refuseNow("invalid_input", fault.message, fault.remedy, [{ path: "url", ...fault }]);
  };
  const checkEvents = (events: readonly string[]): void => {
    const odd = events.find((e) => !hookEventNames.includes(e));
    if (odd !== undefined) refuseNow("invalid_input", `There is no event '${odd}'.`, "Choose from the list; 'rollout.*' means every event of rollouts.", [{ path: "events", message: `'${odd}' is not known`, remedy: "Choose from the list." }]);
  };
  const found = async (tx: Tx, project: ProjectRef, name: string): Promise<hooks.HookEndpointRecord> =>
    (await hooks.byName(tx.client, project.id, name, true)) ?? refuseNow("not_found", `There is no webhook '${name}' in this project.`, "Look at the list of webhooks again.");

  return {
    /** Makes an endpoint and gives its signing secret out once. */
    create(actor: Actor, project: ProjectRef, input: { name: string; url: string; format: HookFormat; events: string[] }) {
      return auditedCommand(store, actor, subject("hook.create", project, input.name), async (tx, note) => {
        checkUrl(input.url);
        checkEvents(input.events);
        if (await hooks.byName(tx.client, project.id, input.name)) refuseNow("already_exists", `There is a webhook '${input.name}' already.`, "Choose another name, or change that one.", [{ path: "name", message: "taken", remedy: "Choose another name." }]);
        if ((await hooks.list(tx.client, project.id)).length >= MOST_ENDPOINTS) refuseNow("too_large", `A project has at most ${MOST_ENDPOINTS} webhooks.`, "Remove one that is no longer needed.");
        const id = newId("hook");
        const secret = newSigningSecret();
        await hooks.insert(tx.client, { id, projectId: project.id, ...input, sealedSecret: seal.seal(secret, hookPurpose(id)), createdBy: actor.name, nowMs: clock.nowMs() });
        const made = (await hooks.list(tx.client, project.id)).find((h) => h.id === id);
        if (!made) throw new Error("the endpoint that was just made is not there");
        note({ after: { url: input.url, format: input.format, events: input.events } });
        tx.changes.add("hook", input.name, project.id);
        return { ...hookView(made), secret };
      });
    },

    /** Changes where, how and of what it is told; also turns it off and on again. */
    update(actor: Actor, project: ProjectRef, input: { name: string; version: number; url?: string | undefined; format?: HookFormat | undefined; events?: string[] | undefined; state?: "active" | "off" | undefined }): Promise<Done> {
      return auditedCommand(store, actor, subject("hook.update", project, input.name), async (tx, note) => {
        const before = await found(tx, project, input.name);
        if (input.url !== undefined) checkUrl(input.url);
        if (input.events !== undefined) checkEvents(input.events);
        const { url, format, events, state } = input;
        const patch = { ...(url === undefined ? {} : { url }), ...(format === undefined ? {} : { format }), ...(events === undefined ? {} : { events }), ...(state === undefined ? {} : { state, stateReason: `Turned off by ${actor.name}.` }) };
        if (!(await hooks.save(tx.client, before.id, input.version, patch, clock.nowMs()))) refuseNow("stale_version", `The webhook '${input.name}' was changed meanwhile.`, "Look at it again, then repeat your change.");
        note({ before: { url: before.url, format: before.format, events: before.events, state: before.state }, after: { url: url ?? before.url, format: format ?? before.format, events: events ?? before.events, state: state ?? before.state } });
        if (state === "active") await nudge(tx, before.id, clock.nowMs());
        tx.changes.add("hook", input.name, project.id);
        return { version: input.version + 1, message: state === "off" ? `${input.name} is told nothing more; what was on its way waits.` : `${input.name} is changed.` };
      });
    },

    remove(actor: Actor, project: ProjectRef, input: { name: string }): Promise<Done> {
      return auditedCommand(store, actor, subject("hook.remove", project, input.name), async (tx, note) => {
        const before = await found(tx, project, input.name);
        note({ before: { url: before.url, format: before.format, events: before.events } });
        await hooks.remove(tx.client, before.id);
        tx.changes.add("hook", input.name, project.id);
        return { version: null, message: `${input.name} is removed, with what was on its way to it.` };
      });
    },

    /** A new signing secret; the one before signs beside it for a day. */
    rotate(actor: Actor, project: ProjectRef, input: { name: string }): Promise<Done & { secret: string }> {
      return auditedCommand(store, actor, subject("hook.rotate", project, input.name), async (tx) => {
        const before = await found(tx, project, input.name);
        const secret = newSigningSecret();
        const nowMs = clock.nowMs();
        await hooks.rotate(tx.client, before.id, seal.seal(secret, hookPurpose(before.id)), nowMs + CHANGE_OVER_MS, nowMs);
        tx.changes.add("hook", input.name, project.id);
        return { version: before.version + 1, message: "Both secrets sign for the next 24 hours; give the new one to the receiver until then.", secret };
      });
    },

    /** Sends a test, whatever the endpoint asked to be told of. */
    test(actor: Actor, project: ProjectRef, input: { name: string }): Promise<Done> {
      const what = subject("hook.test", project, input.name);
      return auditedCommand(store, actor, what, async (tx, note) => {
        const endpoint = await found(tx, project, input.name);
        if (endpoint.state === "off") refuseNow("illegal_transition", `The webhook '${input.name}' is off.`, "Turn it on first.");
        // The test tells of its own entry, so the entry is written here and not by the wrapper.
        note({ nothing: true });
        const { seq } = await appendAudit(tx, { ...what, actor, outcome: "done" });
        if (!endpoint.events.some((e) => e === "hook.*" || e === "hook.test")) await hooks.tell(tx.client, endpoint.id, seq);
        await nudge(tx, endpoint.id, clock.nowMs());
        tx.changes.add("hook", input.name, project.id);
        return { version: endpoint.version, message: "A test is on its way; its outcome is in the list of deliveries." };
      });
    },

    /** Puts dead letters back on their way: one, or all of the endpoint. */
    sendAgain(actor: Actor, project: ProjectRef, input: { name: string; delivery?: string | undefined }): Promise<Done> {
      return auditedCommand(store, actor, subject("hook.sendAgain", project, input.name), async (tx, note) => {
        const endpoint = await found(tx, project, input.name);
        const count = await hooks.sendAgain(tx.client, endpoint.id, input.delivery === undefined ? null : Number(input.delivery), clock.nowMs());
        if (count === 0) refuseNow("not_found", "There is nothing to send again.", "Look at the list of deliveries again.");
        note({ after: { deliveries: count } });
        await nudge(tx, endpoint.id, clock.nowMs());
        tx.changes.add("hook", input.name, project.id);
        return { version: endpoint.version, message: `${count === 1 ? "One event is" : `${count} events are`} on the way again.` };
      });
    },
  };
}

async function nudge(tx: Tx, endpointId: string, nowMs: number): Promise<void> {
  await schedulerKeys.touch(tx.client, "hook", [endpointId], nowMs);
  tx.notify("holdfast_keys", `hook:${endpointId}`);
}
