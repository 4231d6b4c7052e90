"use client";

import { useState } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { parseAsBoolean, useQueryState } from "nuqs";
import { UserPlus } from "lucide-react";
import { explain, fieldMessage } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { useProject } from "@/components/shell/project-context";
import { Age, StateMark, Until } from "@/components/state";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm";
import { Dialog, DialogContent } from "@/components/ui/dialog";
import { Input } from "@/components/ui/input";
import { Field } from "@/components/ui/label";
import { PageBody, Section } from "@/components/ui/page";
import { PlainTable, type PlainColumn } from "@/components/ui/plain-table";
import type { Role } from "@/server/core/access/roles";
import type { RouterOutputs } from "@/server/trpc";
import { ShownOnce } from "./once";
import { Part } from "./part";
import { RoleChecks, RoleSelect } from "./role-fields";
import { useOutcome } from "./use-outcome";

type Person = RouterOutputs["people"]["list"][number];
type Invitation = RouterOutputs["invitations"]["list"][number];

const INVITATIONS: PlainColumn<Invitation>[] = [
  { head: "Login", bare: true, className: "font-medium", cell: (invitation) => invitation.login },
  { head: "Role", cell: (invitation) => <Badge>{invitation.role}</Badge> },
  { head: "Invited by", cell: (invitation) => invitation.createdBy },
  { head: "Made", numeric: true, cell: (invitation) => <Age at={invitation.createdAtMs} className="min-w-0" /> },
  { head: "State", bare: true, className: "whitespace-nowrap", cell: (invitation) => (invitation.state === "open" ? <>open, <Until at={invitation.expiresAtMs} /></> : invitation.state) },
];

/** Who may sign in, with which roles here; and invitations that are open. */
export function PeoplePage() {
  const { project, why, me } = useProject();
  const trpc = useTRPC();
  const people = useQuery(trpc.people.list.queryOptions({ project }));
  const invitations = useQuery(trpc.invitations.list.queryOptions({ project }));
  const [inviting, setInviting] = useQueryState("invite", parseAsBoolean.withDefault(false));
  const [editing, setEditing] = useState<Person | null>(null);
  const [switching, setSwitching] = useState<Person | null>(null);
  const revoke = useMutation(trpc.invitations.revoke.mutationOptions(useOutcome(trpc.invitations.pathFilter())));
  const peopleColumns: PlainColumn<Person>[] = [
    {
      head: "Name",
      bare: true,
      className: "whitespace-nowrap font-medium",
      cell: (person) => (
        <>
          {person.name} {person.id === me?.id ? <span className="font-normal text-muted-foreground">(you)</span> : null}
        </>
      ),
    },
    { head: "Login", className: "whitespace-nowrap", cell: (person) => person.login },
    { head: "Roles here", cell: (person) => <Roles roles={rolesOf(person, project)} /> },
    { head: "Signs in by", className: "whitespace-nowrap", cell: (person) => (person.signIn === "oidc" ? "identity provider" : person.signIn === "password" ? "password" : "cannot sign in") },
    { head: "Last sign-in", numeric: true, cell: (person) => <Age at={person.lastSignInMs} className="min-w-0" /> },
    { head: "Sessions", numeric: true, cell: (person) => person.sessions },
    { head: "State", bare: true, cell: (person) => <StateMark state={person.active ? "healthy" : "silent"} word={person.active ? "active" : "deactivated"} /> },
  ];
  return (
    <PageBody>
      <Section
        title="People"
        hint="with their roles in this project"
        aside={
          <Button variant="primary" size="sm" disabledReason={why("people.manage")} onClick={() => void setInviting(true)}>
            <UserPlus aria-hidden /> Invite a person
          </Button>
        }
        flush
      >
        <Part query={people} what="people" permission="people.read">
          {(rows) => (
            <PlainTable
              label="People"
              rows={rows}
              keyOf={(person) => person.id}
              columns={peopleColumns}
              commands={(person) => (
                <>
                  <Button size="sm" variant="ghost" disabledReason={why("people.manage")} onClick={() => setEditing(person)}>
                    Change roles
                  </Button>
                  <Button
                    size="sm"
                    variant="ghost"
                    disabledReason={why("people.manage") ?? (person.id === me?.id ? "You cannot deactivate yourself." : null)}
                    onClick={() => setSwitching(person)}
                  >
                    {person.active ? "Deactivate" : "Activate"}
                  </Button>
                </>
              )}
            />
          )}
        </Part>
      </Section>
      <Section title="Invitations" hint="a link that can be used once" flush>
        <Part query={invitations} what="invitations" permission="people.read">
          {(rows) =>
            rows.length === 0 ? (
              <p className="px-3 py-2 text-sm text-muted-foreground">Nobody is invited now. An invited person opens the link, chooses a password, and has the role from then on.</p>
            ) : (
              <PlainTable
                label="Invitations"
                rows={rows}
                keyOf={(invitation) => invitation.id}
                columns={INVITATIONS}
                commands={(invitation) => (
                  <Button
                    size="sm"
                    variant="ghost"
                    busy={revoke.isPending && revoke.variables.id === invitation.id}
                    disabledReason={why("people.manage") ?? (invitation.state !== "open" ? `It is ${invitation.state}.` : null)}
                    onClick={() => revoke.mutate({ project, id: invitation.id })}
                  >
                    Revoke
                  </Button>
                )}
              />
            )
          }
        </Part>
      </Section>
      {inviting ? <InviteDialog onClose={() => void setInviting(null)} /> : null}
      {editing ? <RolesDialog person={editing} onClose={() => setEditing(null)} /> : null}
      {switching ? <SwitchDialog person={switching} onClose={() => setSwitching(null)} /> : null}
    </PageBody>
  );
}

function rolesOf(person: Person, project: string): Role[] {
  return person.roles.filter((entry) => entry.project === project).map((entry) => entry.role);
}

function Roles({ roles }: { roles: readonly Role[] }) {
  return <span className="flex flex-wrap gap-1">{roles.length === 0 ? <span className="text-muted-foreground">none</span> : roles.map((role) => <Badge key={role}>{role}</Badge>)}</span>;
}

function InviteDialog({ onClose }: { onClose: () => void }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [login, setLogin] = useState("");
  const [role, setRole] = useState<Role | undefined>(undefined);
  const invite = useMutation(trpc.people.invite.mutationOptions({ onSettled: () => void queries.invalidateQueries(trpc.invitations.pathFilter()) }));
  const wrong = login.trim().length < 2 ? "Write the login, at least two characters." : role === undefined ? "Choose a role." : null;
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()}>
      <DialogContent
        title={invite.data ? `${invite.data.login} is invited` : "Invite a person"}
        description={invite.data ? "Give them this link by a way you trust." : "They get a link that works once, choose a password, and have the role in this project."}
        footer={
          invite.data ? (
            <Button variant="primary" onClick={onClose}>
              Done
            </Button>
          ) : (
            <Button
              variant="primary"
              busy={invite.isPending}
              disabledReason={wrong}
              onClick={() => role && invite.mutate({ project, login: login.trim(), role })}
            >
              Make the invitation
            </Button>
          )
        }
      >
        {invite.data ? (
          <ShownOnce what="link" text={invite.data.url}>
            <p className="text-sm text-muted-foreground">
              <Until at={invite.data.expiresAtMs} />
            </p>
          </ShownOnce>
        ) : (
          <div className="flex flex-col gap-3">
            <Field label="Login" help="A short name or an e-mail address; it is what they sign in with." error={fieldMessage(invite.error, "login")}>
              <Input value={login} onChange={(event) => setLogin(event.target.value)} autoComplete="off" spellCheck={false} autoFocus />
            </Field>
            <RoleSelect value={role} onChange={setRole} />
            {invite.error && !fieldMessage(invite.error, "login") ? <p role="alert" className="text-sm text-failing">{explain(invite.error).message}</p> : null}
          </div>
        )}
      </DialogContent>
    </Dialog>
  );
}

function RolesDialog({ person, onClose }: { person: Person; onClose: () => void }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const [roles, setRoles] = useState<Role[]>(rolesOf(person, project));
  const save = useMutation(trpc.people.setRoles.mutationOptions(useOutcome(trpc.people.pathFilter(), onClose)));
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()}>
      <DialogContent
        title={`Roles of ${person.name}`}
        description={`In the project ${project}. They take effect at once, also in sessions that are open.`}
        footer={
          <Button variant="primary" busy={save.isPending} onClick={() => save.mutate({ project, id: person.id, version: person.version, roles, everywhere: false })}>
            Save the roles
          </Button>
        }
      >
        <RoleChecks roles={roles} onChange={setRoles} />
        {save.error ? <p role="alert" className="mt-3 text-sm text-failing">{explain(save.error).message}</p> : null}
      </DialogContent>
    </Dialog>
  );
}

function SwitchDialog({ person, onClose }: { person: Person; onClose: () => void }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const finished = useOutcome(trpc.people.pathFilter(), onClose);
  const deactivate = useMutation(trpc.people.deactivate.mutationOptions(finished));
  const activate = useMutation(trpc.people.activate.mutationOptions(finished));
  const action = person.active ? deactivate : activate;
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={`${person.active ? "Deactivate" : "Activate"} ${person.name}?`}
      consequences={
        <p>
          {person.active
            ? `${person.name} is signed out everywhere at once (${person.sessions} ${person.sessions === 1 ? "session" : "sessions"}) and cannot sign in again. What they did stays in the audit log.`
            : `${person.name} can sign in again, with the roles they had.`}
        </p>
      }
      action={`${person.active ? "Deactivate" : "Activate"} person`}
      destructive={person.active}
      reason="required"
      busy={action.isPending}
      error={action.error ? explain(action.error).message : null}
      onConfirm={(reason) => action.mutate({ project, id: person.id, version: person.version, reason })}
    />
  );
}
