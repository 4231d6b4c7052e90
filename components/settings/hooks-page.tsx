"use client";

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { parseAsString, useQueryState } from "nuqs";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { useProject } from "@/components/shell/project-context";
import { Age, StateMark } from "@/components/state";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm";
import { Command } from "@/components/ui/copy-button";
import { Dialog, DialogContent } from "@/components/ui/dialog";
import { PageBody, Section } from "@/components/ui/page";
import { PlainTable, type PlainColumn } from "@/components/ui/plain-table";
import { hookFormatText } from "@/server/core/hooks/events";
import { HookDeliveries } from "./hook-deliveries";
import { HookDialog } from "./hook-dialog";
import { hookStateOf, hookStateWord, type Hook } from "./hook-words";
import { ShownOnce } from "./once";
import { Part } from "./part";
import { useOutcome } from "./use-outcome";

const COLUMNS: PlainColumn<Hook>[] = [
  { head: "Name", bare: true, className: "font-medium", cell: (hook) => hook.name },
  { head: "State", bare: true, className: "whitespace-nowrap", cell: (hook) => <StateMark state={hookStateOf(hook)} word={hookStateWord(hook)} /> },
  { head: "Told of", cell: (hook) => hook.events.join(", ") },
  {
    head: "Sent to",
    className: "max-w-80 truncate",
    cell: (hook) => (
      <span title={hook.url}>
        {new URL(hook.url).host} <span className="text-muted-foreground">{hookFormatText[hook.format]}</span>
      </span>
    ),
  },
  { head: "Waiting", numeric: true, cell: (hook) => hook.waiting },
  { head: "Dead letters", numeric: true, className: (hook) => (hook.dead > 0 ? "text-failing" : undefined), cell: (hook) => hook.dead },
  { head: "Last delivered", numeric: true, cell: (hook) => <Age at={hook.lastDeliveredAtMs} className="min-w-0" /> },
];

/** Where the project's events are sent to, and what became of them. */
export function HooksPage() {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const hooks = useQuery(trpc.hooks.list.queryOptions({ project }));
  const [open, setOpen] = useQueryState("hook", parseAsString.withOptions({ history: "replace" }));
  const [creating, setCreating] = useState(false);
  const [editing, setEditing] = useState<Hook | null>(null);
  const shown = hooks.data?.find((hook) => hook.name === open);
  return (
    <PageBody>
      <Section
        title="Webhooks"
        hint="what happens in this project, told to other systems"
        aside={
          <Button variant="primary" size="sm" disabledReason={why("hooks.manage")} onClick={() => setCreating(true)}>
            <Plus aria-hidden /> Make a webhook
          </Button>
        }
        flush
      >
        <Part query={hooks} what="webhooks" permission="hooks.manage">
          {(rows) =>
            rows.length === 0 ? (
              <p className="max-w-prose px-3 py-3 text-sm text-muted-foreground">
                There is no webhook. One tells a chat, an incident tool or a pipeline of every stage of a rollout: asked for approval, rolled back and
                why, done. Each request is signed.
              </p>
            ) : (
              <PlainTable
                label="Webhooks"
                rows={rows}
                keyOf={(hook) => hook.name}
                columns={COLUMNS}
                commands={(hook) => (
                  <>
                    <Button size="sm" variant="ghost" onClick={() => void setOpen(hook.name)} aria-pressed={hook.name === open}>
                      Deliveries
                    </Button>
                    <Button size="sm" variant="ghost" disabledReason={why("hooks.manage")} onClick={() => setEditing(hook)}>
                      Change
                    </Button>
                  </>
                )}
              />
            )
          }
        </Part>
      </Section>
      {shown ? <OneHook hook={shown} onGone={() => void setOpen(null)} /> : null}
      {creating ? <HookDialog onClose={() => setCreating(false)} /> : null}
      {editing ? <HookDialog hook={editing} onClose={() => setEditing(null)} /> : null}
    </PageBody>
  );
}

function OneHook({ hook, onGone }: { hook: Hook; onGone: () => void }) {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const [asking, setAsking] = useState<"remove" | "rotate" | null>(null);
  const outcome = useOutcome(trpc.hooks.pathFilter());
  const test = useMutation(trpc.hooks.test.mutationOptions(outcome));
  const again = useMutation(trpc.hooks.sendAgain.mutationOptions(outcome));
  const turn = useMutation(trpc.hooks.update.mutationOptions(outcome));
  const rotate = useMutation(trpc.hooks.rotate.mutationOptions({ onSettled: outcome.onSettled, onError: outcome.onError }));
  const remove = useMutation(
    trpc.hooks.remove.mutationOptions(
      useOutcome(trpc.hooks.pathFilter(), () => {
        setAsking(null);
        onGone();
      }),
    ),
  );
  const mayNot = why("hooks.manage");
  return (
    <Section
      title={`Deliveries of ${hook.name}`}
      hint={hook.stateReason ?? undefined}
      aside={
        <span className="flex flex-wrap gap-1">
          <Button size="sm" busy={test.isPending} disabledReason={mayNot ?? (hook.state === "off" ? "It is off." : null)} onClick={() => test.mutate({ project, name: hook.name })}>
            Send a test
          </Button>
          <Button size="sm" busy={again.isPending} disabledReason={mayNot ?? (hook.dead === 0 ? "There are no dead letters." : null)} onClick={() => again.mutate({ project, name: hook.name })}>
            Send dead letters again
          </Button>
          <Button size="sm" busy={turn.isPending} disabledReason={mayNot} onClick={() => turn.mutate({ project, name: hook.name, version: hook.version, state: hook.state === "active" ? "off" : "active" })}>
            {hook.state === "active" ? "Turn off" : "Turn on"}
          </Button>
          <Button size="sm" disabledReason={mayNot} onClick={() => setAsking("rotate")}>
            New secret
          </Button>
          <Button size="sm" variant="ghost" disabledReason={mayNot} onClick={() => setAsking("remove")}>
            Remove
          </Button>
        </span>
      }
      flush
    >
      <HookDeliveries hook={hook} />
      <Confirm
        open={asking === "remove"}
        onOpenChange={(open) => !open && setAsking(null)}
        title={`Remove the webhook ${hook.name}?`}
        consequences={<p>Nothing more is sent to it. What was on its way ({hook.waiting}) and its dead letters ({hook.dead}) go with it; the audit log keeps every event.</p>}
        action="Remove webhook"
        destructive
        busy={remove.isPending}
        error={remove.error ? explain(remove.error).message : null}
        command={<Command label="The same at the command line" text={`holdfast hook rm ${hook.name} --project ${project}`} />}
        onConfirm={() => remove.mutate({ project, name: hook.name })}
      />
      {asking === "rotate" ? (
        <Dialog open onOpenChange={(open) => !open && setAsking(null)}>
          <DialogContent
            title={rotate.data ? `The new secret of ${hook.name}` : `A new signing secret for ${hook.name}?`}
            description={rotate.data ? undefined : "For 24 hours every request carries both signatures, so that the receiver can change over without missing anything."}
            footer={
              rotate.data ? (
                <Button variant="primary" onClick={() => setAsking(null)}>
                  Done
                </Button>
              ) : (
                <Button variant="primary" busy={rotate.isPending} onClick={() => rotate.mutate({ project, name: hook.name })}>
                  Make a new secret
                </Button>
              )
            }
          >
            {rotate.data ? <ShownOnce what="secret" text={rotate.data.secret} kept="It is sealed here and cannot be shown again." /> : <Command label="The same at the command line" text={`holdfast hook rotate ${hook.name} --project ${project}`} />}
          </DialogContent>
        </Dialog>
      ) : null}
    </Section>
  );
}
