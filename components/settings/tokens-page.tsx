"use client";

import { useState } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { explain, fieldMessage } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { useProject } from "@/components/shell/project-context";
import { Age, StateMark, Until, type State } from "@/components/state";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm";
import { Command } from "@/components/ui/copy-button";
import { Dialog, DialogContent } from "@/components/ui/dialog";
import { Input } from "@/components/ui/input";
import { Field } from "@/components/ui/label";
import { PageBody, Section } from "@/components/ui/page";
import { PlainTable, type PlainColumn } from "@/components/ui/plain-table";
import type { Role } from "@/server/core/access/roles";
import type { RouterOutputs } from "@/server/trpc";
import { ShownOnce } from "./once";
import { Part } from "./part";
import { RoleSelect } from "./role-fields";
import { useOutcome } from "./use-outcome";

type Token = RouterOutputs["tokens"]["list"][number];
const stateOf: Record<Token["state"], State> = { active: "healthy", expired: "silent", revoked: "failing" };

const COLUMNS: PlainColumn<Token>[] = [
  { head: "Name", bare: true, className: "font-medium", cell: (token) => token.name },
  { head: "Role", cell: (token) => <Badge>{token.role}</Badge> },
  { head: "State", bare: true, className: "whitespace-nowrap", cell: (token) => <StateMark state={stateOf[token.state]} word={token.state} age={token.state === "active" ? <Until at={token.expiresAtMs} /> : null} /> },
  { head: "Last used", numeric: true, cell: (token) => <Age at={token.lastUsedMs} className="min-w-0" /> },
  { head: "Made by", cell: (token) => token.createdBy },
  { head: "Made", numeric: true, cell: (token) => <Age at={token.createdAtMs} className="min-w-0" /> },
];

/** Tokens for the CLI and for CI: one role in this project, until a day. */
export function TokensPage() {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const tokens = useQuery(trpc.tokens.list.queryOptions({ project }));
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  return (
    <PageBody>
      <Section
        title="Service tokens"
        hint="for the CLI and CI; each has one role in this project"
        aside={
          <Button variant="primary" size="sm" disabledReason={why("tokens.manage")} onClick={() => setCreating(true)}>
            <Plus aria-hidden /> Make a token
          </Button>
        }
        flush
      >
        <Part query={tokens} what="service tokens" permission="tokens.manage">
          {(rows) =>
            rows.length === 0 ? (
              <p className="max-w-prose px-3 py-3 text-sm text-muted-foreground">
                There is no service token. A pipeline that applies manifests uses one with the role operator; what it does stands in the audit log under
                the token’s name.
              </p>
            ) : (
              <PlainTable
                label="Service tokens"
                rows={rows}
                keyOf={(token) => token.id}
                columns={COLUMNS}
                commands={(token) => (
                  <Button size="sm" variant="ghost" disabledReason={why("tokens.manage") ?? (token.state !== "active" ? `It is ${token.state}.` : null)} onClick={() => setRevoking(token)}>
                    Revoke
                  </Button>
                )}
              />
            )
          }
        </Part>
      </Section>
      {creating ? <CreateDialog onClose={() => setCreating(false)} /> : null}
      {revoking ? <RevokeDialog token={revoking} onClose={() => setRevoking(null)} /> : null}
    </PageBody>
  );
}

function CreateDialog({ onClose }: { onClose: () => void }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role | undefined>(undefined);
  const [days, setDays] = useState("90");
  const create = useMutation(trpc.tokens.create.mutationOptions({ onSettled: () => void queries.invalidateQueries(trpc.tokens.pathFilter()) }));
  const expiresInDays = Number(days);
  const wrong =
    name.trim() === "" ? "Give it a name." : role === undefined ? "Choose a role." : !Number.isInteger(expiresInDays) || expiresInDays < 1 || expiresInDays > 366 ? "It lives 1 to 366 days." : null;
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()}>
      <DialogContent
        title={create.data ? `The token ${create.data.name}` : "Make a service token"}
        description={create.data ? undefined : "It acts under its own name, with one role in this project, until it expires or is revoked."}
        footer={
          create.data ? (
            <Button variant="primary" onClick={onClose}>
              Done
            </Button>
          ) : (
            <Button variant="primary" busy={create.isPending} disabledReason={wrong} onClick={() => role && create.mutate({ project, name: name.trim(), role, expiresInDays })}>
              Make the token
            </Button>
          )
        }
      >
        {create.data ? (
          <ShownOnce what="token" text={create.data.token}>
            <Command label="In a pipeline" text={`export HOLDFAST_SERVER=${window.location.origin}\nexport HOLDFAST_TOKEN=…\nexport HOLDFAST_PROJECT=${project}\nholdfast get nodes`} />
          </ShownOnce>
        ) : (
          <div className="flex flex-col gap-3">
            <Field label="Name" help="Lower-case letters, digits and dashes; it stands in the audit log." error={fieldMessage(create.error, "name")}>
              <Input value={name} onChange={(event) => setName(event.target.value)} autoComplete="off" spellCheck={false} autoFocus />
            </Field>
            <RoleSelect value={role} onChange={setRole} />
            <Field label="Days until it expires">
              <Input type="number" min={1} max={366} value={days} onChange={(event) => setDays(event.target.value)} className="w-28" />
            </Field>
            {create.error && !fieldMessage(create.error, "name") ? <p role="alert" className="text-sm text-failing">{explain(create.error).message}</p> : null}
          </div>
        )}
      </DialogContent>
    </Dialog>
  );
}

function RevokeDialog({ token, onClose }: { token: Token; onClose: () => void }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const revoke = useMutation(trpc.tokens.revoke.mutationOptions(useOutcome(trpc.tokens.pathFilter(), onClose)));
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Revoke the token ${token.name}?`}
      consequences={<p>Whatever uses it is refused from now on. It cannot be made valid again; make another token instead.</p>}
      action="Revoke token"
      destructive
      busy={revoke.isPending}
      error={revoke.error ? explain(revoke.error).message : null}
      command={<Command label="The same at the command line" text={`holdfast token revoke ${token.id} --project ${project}`} />}
      onConfirm={() => revoke.mutate({ project, id: token.id })}
    />
  );
}
