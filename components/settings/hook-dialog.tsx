"use client";

import { useState } from "react";
import { useMutation } from "@tanstack/react-query";
import { explain, fieldMessage } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { useProject } from "@/components/shell/project-context";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import { Command } from "@/components/ui/copy-button";
import { Dialog, DialogContent } from "@/components/ui/dialog";
import { Input } from "@/components/ui/input";
import { Field } from "@/components/ui/label";
import { Select } from "@/components/ui/select";
import { hookFormats, hookFormatText, type HookFormat } from "@/server/core/hooks/events";
import type { Hook } from "./hook-words";
import { ShownOnce } from "./once";
import { useOutcome } from "./use-outcome";

/** What people usually want to be told of; anything else is written as its action code. */
const usual = [
  { event: "rollout.*", text: "Rollouts: every stage" },
  { event: "rollout.rollBack", text: "Rollouts: only when one is rolled back" },
  { event: "rollout.askApproval", text: "Rollouts: only when an approval is asked for" },
  { event: "approval.*", text: "Approvals that became void or expired" },
  { event: "manifest.*", text: "Manifests applied or removed" },
  { event: "node.*", text: "Nodes: enrolled, cordoned, drained, revoked" },
  { event: "person.*", text: "People: invited, roles, deactivated" },
] as const;

/** Makes a webhook, or changes one. */
export function HookDialog({ hook, onClose }: { hook?: Hook; onClose: () => void }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const [name, setName] = useState(hook?.name ?? "");
  const [url, setUrl] = useState(hook?.url ?? "");
  const [format, setFormat] = useState<HookFormat>(hook?.format ?? "structured");
  const [events, setEvents] = useState<readonly string[]>(hook?.events ?? ["rollout.*", "approval.*"]);
  const [more, setMore] = useState((hook?.events ?? []).filter((event) => !usual.some((u) => u.event === event)).join(", "));
  const outcome = useOutcome(trpc.hooks.pathFilter(), onClose);
  const create = useMutation(trpc.hooks.create.mutationOptions({ onSettled: outcome.onSettled }));
  const update = useMutation(trpc.hooks.update.mutationOptions(outcome));
  const wanted = [...new Set([...events.filter((event) => usual.some((u) => u.event === event)), ...more.split(",").map((event) => event.trim()).filter((event) => event !== "")])];
  const wrong = name.trim() === "" ? "Give it a name." : url.trim() === "" ? "Give the address." : wanted.length === 0 ? "Choose at least one event." : null;
  const error = create.error ?? update.error;
  const fault = (field: string) => fieldMessage(error, field);
  const save = () => (hook ? update.mutate({ project, name: hook.name, version: hook.version, url: url.trim(), format, events: wanted }) : create.mutate({ project, name: name.trim(), url: url.trim(), format, events: wanted }));
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()}>
      <DialogContent
        title={create.data ? `The webhook ${create.data.name}` : hook ? `Change the webhook ${hook.name}` : "Make a webhook"}
        description={create.data ? undefined : "Each event is sent at least once, signed, and tried again for a day while the receiver is away."}
        footer={
          create.data ? (
            <Button variant="primary" onClick={onClose}>
              Done
            </Button>
          ) : (
            <Button variant="primary" busy={create.isPending || update.isPending} disabledReason={wrong} onClick={save}>
              {hook ? "Save changes" : "Make the webhook"}
            </Button>
          )
        }
      >
        {create.data ? (
          <ShownOnce what="signing secret" text={create.data.secret} kept="The receiver checks signatures with it. It is sealed here and cannot be shown again." />
        ) : (
          <div className="flex flex-col gap-3">
            {hook ? null : (
              <Field label="Name" help="Lower-case letters, digits and dashes." error={fault("name")}>
                <Input value={name} onChange={(event) => setName(event.target.value)} autoComplete="off" spellCheck={false} autoFocus />
              </Field>
            )}
            <Field label="Address" help="Events are posted to it. An https address, reachable from the server." error={fault("url")}>
              <Input type="url" value={url} onChange={(event) => setUrl(event.target.value)} placeholder="https://" autoComplete="off" spellCheck={false} />
            </Field>
            <Field label="Format">
              <Select value={format} onValueChange={setFormat} options={hookFormats.map((value) => ({ value, label: hookFormatText[value] }))} />
            </Field>
            <fieldset className="flex flex-col gap-1.5">
              <legend className="mb-1 text-sm font-medium">Told of</legend>
              {usual.map(({ event, text }) => (
                <label key={event} className="flex items-center gap-2 text-sm">
                  <Checkbox checked={events.includes(event)} onCheckedChange={(checked) => setEvents(checked === true ? [...events, event] : events.filter((e) => e !== event))} />
                  {text}
                </label>
              ))}
            </fieldset>
            <Field label="Other events" help="Action codes of the audit log, separated by commas, such as secret.set." error={fault("events")}>
              <Input value={more} onChange={(event) => setMore(event.target.value)} autoComplete="off" spellCheck={false} />
            </Field>
            {error && !fault("name") && !fault("url") && !fault("events") ? <p role="alert" className="text-sm text-failing">{explain(error).message}</p> : null}
            {hook ? null : <Command label="The same at the command line" text={`holdfast hook create ${name || "NAME"} --url ${url || "URL"} --format ${format} --events ${wanted.join(",")} --project ${project}`} />}
          </div>
        )}
      </DialogContent>
    </Dialog>
  );
}
