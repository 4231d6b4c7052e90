"use client";

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { explain, fieldMessage } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { useProject } from "@/components/shell/project-context";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm";
import { Command } from "@/components/ui/copy-button";
import { Input } from "@/components/ui/input";
import { Field } from "@/components/ui/label";
import { Facts, PageBody, Section } from "@/components/ui/page";
import { useOrigin } from "@/components/ui/use-origin";
import type { RouterOutputs } from "@/server/trpc";
import { Part } from "./part";
import { useOutcome } from "./use-outcome";

type Provider = RouterOutputs["settings"]["identityProvider"];

/** Signing in through the organisation's own identity provider (OpenID Connect). */
export function IdentityPage() {
  const { project } = useProject();
  const trpc = useTRPC();
  const origin = useOrigin();
  const provider = useQuery(trpc.settings.identityProvider.queryOptions({ project }));
  return (
    <PageBody className="max-w-180">
      <Section title="Identity provider" hint="OpenID Connect; local accounts go on beside it" flush>
        <Part query={provider} what="identity provider" permission="settings.manage">
          {(data) => (
            <div className="flex flex-col gap-4 p-3">
              {data.source === "environment" ? (
                <>
                  <Alert title="It is set in the environment of the web process">Change it there; what is set here would not be used.</Alert>
                  <Facts items={[{ name: "Name", value: data.name }, { name: "Issuer", value: data.issuer }, { name: "Client", value: data.clientId }]} />
                </>
              ) : (
                <ProviderForm key={`${data.issuer}${data.clientId}`} provider={data} />
              )}
              <Command label="Redirect address to enter at the provider" text={`${origin}/api/auth/callback/oidc`} />
            </div>
          )}
        </Part>
      </Section>
    </PageBody>
  );
}

function ProviderForm({ provider }: { provider: Provider }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const [form, setForm] = useState({ name: provider.name ?? "", issuer: provider.issuer ?? "", clientId: provider.clientId ?? "", clientSecret: "" });
  const [removing, setRemoving] = useState(false);
  const save = useMutation(trpc.settings.setIdentityProvider.mutationOptions(useOutcome(trpc.settings.pathFilter(), () => setRemoving(false))));
  const set = (key: keyof typeof form) => (event: { target: { value: string } }) => setForm({ ...form, [key]: event.target.value });
  const wrong =
    form.name.trim() === "" || form.issuer.trim() === "" || form.clientId.trim() === "" ? "Fill in name, issuer and client." : !provider.configured && form.clientSecret === "" ? "Fill in the client secret." : null;
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (wrong) return;
        save.mutate({
          project,
          name: form.name.trim(),
          issuer: form.issuer.trim(),
          clientId: form.clientId.trim(),
          ...(form.clientSecret === "" ? {} : { clientSecret: form.clientSecret }),
          remove: false,
        });
      }}
    >
      <p className="text-sm text-muted-foreground">
        {provider.configured
          ? "People can sign in through it. Who signs in for the first time has no role until an administrator gives one; an account is never taken over because an e-mail address matches."
          : "None is set: people sign in with local accounts. Fill this in to add a button for your organisation’s sign-in."}
      </p>
      <Field label="Name on the button" error={fieldMessage(save.error, "name")}>
        <Input value={form.name} onChange={set("name")} placeholder="Example Corp" />
      </Field>
      <Field label="Issuer" help="Its address, as in its discovery document." error={fieldMessage(save.error, "issuer")}>
        <Input type="url" value={form.issuer} onChange={set("issuer")} placeholder="https://login.example.org" spellCheck={false} />
      </Field>
      <Field label="Client" error={fieldMessage(save.error, "clientId")}>
        <Input value={form.clientId} onChange={set("clientId")} spellCheck={false} autoComplete="off" />
      </Field>
      <Field label="Client secret" help={provider.configured ? "Leave it empty to keep the one that is set. It is sealed and never shown." : "It is sealed and never shown again."} error={fieldMessage(save.error, "clientSecret")}>
        <Input type="password" value={form.clientSecret} onChange={set("clientSecret")} autoComplete="new-password" />
      </Field>
      {save.error && !removing ? <p role="alert" className="text-sm text-failing">{explain(save.error).message}</p> : null}
      <div className="flex gap-2">
        <Button type="submit" variant="primary" busy={save.isPending} disabledReason={wrong}>
          Save the identity provider
        </Button>
        {provider.configured ? (
          <Button variant="ghost" onClick={() => setRemoving(true)}>
            Remove it
          </Button>
        ) : null}
      </div>
      <Confirm
        open={removing}
        onOpenChange={setRemoving}
        title="Remove the identity provider?"
        consequences={<p>Nobody can sign in through it any more. Sessions that are open go on until they end; make sure that an administrator has a local password.</p>}
        action="Remove identity provider"
        destructive
        busy={save.isPending}
        error={save.error ? explain(save.error).message : null}
        onConfirm={() =>
          save.mutate({ project, name: provider.name ?? form.name, issuer: provider.issuer ?? form.issuer, clientId: provider.clientId ?? form.clientId, remove: true })
        }
      />
    </form>
  );
}
