"use client";

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import Link from "@/components/ui/link";
import { Plus } from "lucide-react";
import { explain, fieldMessage } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age } from "@/components/state";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm";
import { Command } from "@/components/ui/copy-button";
import { Dialog, DialogContent } from "@/components/ui/dialog";
import { Input, Textarea } from "@/components/ui/input";
import { Field } from "@/components/ui/label";
import { PageBody, Section } from "@/components/ui/page";
import { PlainTable, type PlainColumn } from "@/components/ui/plain-table";
import type { RouterOutputs } from "@/server/trpc";
import { Part } from "./part";
import { useOutcome } from "./use-outcome";

type Secret = RouterOutputs["secrets"]["list"][number];

/** Values that workloads get in their environment: set here, sealed in the store, never shown again. */
export function SecretsPage() {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const secrets = useQuery(trpc.secrets.list.queryOptions({ project }));
  const [setting, setSetting] = useState<{ name: string } | null>(null);
  const [removing, setRemoving] = useState<Secret | null>(null);
  const columns: PlainColumn<Secret>[] = [
    { head: "Name", bare: true, className: "font-medium", cell: (secret) => secret.name },
    { head: "Version", numeric: true, cell: (secret) => secret.version },
    {
      head: "Used by",
      cell: (secret) =>
        secret.usedBy.length === 0 ? (
          <span className="text-muted-foreground">nothing</span>
        ) : (
          <span className="flex flex-wrap gap-x-2">
            {secret.usedBy.map((workload) => (
              <Link key={workload} href={routes.workload(project, workload)} className="link">
                {workload}
              </Link>
            ))}
          </span>
        ),
    },
    { head: "Set by", cell: (secret) => secret.updatedBy },
    { head: "Set", numeric: true, cell: (secret) => <Age at={secret.updatedAtMs} className="min-w-0" /> },
  ];
  return (
    <PageBody>
      <Section
        title="Secrets"
        hint="values are sealed and never shown"
        aside={
          <Button variant="primary" size="sm" disabledReason={why("secrets.write")} onClick={() => setSetting({ name: "" })}>
            <Plus aria-hidden /> Set a secret
          </Button>
        }
        flush
      >
        <Part query={secrets} what="secrets" permission="secrets.read">
          {(rows) =>
            rows.length === 0 ? (
              <p className="max-w-prose px-3 py-3 text-sm text-muted-foreground">
                There is no secret. A workload names one in its environment (<code>secret: NAME</code>); its units get the value, and no screen, log or
                audit entry ever has it.
              </p>
            ) : (
              <PlainTable
                label="Secrets"
                rows={rows}
                keyOf={(secret) => secret.name}
                columns={columns}
                commands={(secret) => (
                  <>
                    <Button size="sm" variant="ghost" disabledReason={why("secrets.write")} onClick={() => setSetting({ name: secret.name })}>
                      Set anew
                    </Button>
                    <Button
                      size="sm"
                      variant="ghost"
                      disabledReason={why("secrets.write") ?? (secret.usedBy.length > 0 ? `It is used by ${secret.usedBy.join(", ")}.` : null)}
                      onClick={() => setRemoving(secret)}
                    >
                      Remove
                    </Button>
                  </>
                )}
              />
            )
          }
        </Part>
      </Section>
      {setting ? <SetDialog name={setting.name} onClose={() => setSetting(null)} /> : null}
      {removing ? <RemoveDialog secret={removing} onClose={() => setRemoving(null)} /> : null}
    </PageBody>
  );
}

function SetDialog({ name: given, onClose }: { name: string; onClose: () => void }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const [name, setName] = useState(given);
  const [value, setValue] = useState("");
  const set = useMutation(trpc.secrets.set.mutationOptions(useOutcome(trpc.secrets.pathFilter(), onClose)));
  const wrong = name.trim() === "" ? "Give it a name." : value === "" ? "Write the value." : null;
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()}>
      <DialogContent
        title={given ? `Set ${given} anew` : "Set a secret"}
        description={given ? "Units that use it get the new value when they are started next." : "It is sealed before it is stored and never shown again."}
        footer={
          <Button variant="primary" busy={set.isPending} disabledReason={wrong} onClick={() => set.mutate({ project, name: name.trim(), value })}>
            Set the secret
          </Button>
        }
      >
        <div className="flex flex-col gap-3">
          <Field label="Name" help="Lower-case letters, digits and dashes." error={fieldMessage(set.error, "name")}>
            <Input value={name} onChange={(event) => setName(event.target.value)} readOnly={given !== ""} autoComplete="off" spellCheck={false} />
          </Field>
          <Field label="Value" error={fieldMessage(set.error, "value")}>
            <Textarea rows={4} value={value} onChange={(event) => setValue(event.target.value)} autoComplete="off" spellCheck={false} className="font-mono text-xs" />
          </Field>
          {set.error ? <p role="alert" className="text-sm text-failing">{explain(set.error).message}</p> : null}
          <Command label="The same at the command line" text={`holdfast secret set ${name || "NAME"} --project ${project} < FILE`} />
        </div>
      </DialogContent>
    </Dialog>
  );
}

function RemoveDialog({ secret, onClose }: { secret: Secret; onClose: () => void }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const remove = useMutation(trpc.secrets.remove.mutationOptions(useOutcome(trpc.secrets.pathFilter(), onClose)));
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Remove the secret ${secret.name}?`}
      consequences={<p>Its value is destroyed. No workload uses it now.</p>}
      action="Remove secret"
      destructive
      busy={remove.isPending}
      error={remove.error ? explain(remove.error).message : null}
      command={<Command label="The same at the command line" text={`holdfast secret rm ${secret.name} --project ${project}`} />}
      onConfirm={() => remove.mutate({ project, name: secret.name })}
    />
  );
}
