"use client";

import { useState } from "react";
import { useMutation } from "@tanstack/react-query";
import { explain, fieldMessage, refusalOf } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Field } from "@/components/ui/label";
import { PASSWORD_MIN, passwordFault } from "@/server/core/access/password-rules";
import { signInWithPassword } from "./next-auth";

/** An invited person gives their name and chooses a password, and is signed in. */
export function AcceptInvitation({ token }: { token: string }) {
  const trpc = useTRPC();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const accept = useMutation(
    trpc.access.acceptInvitation.mutationOptions({
      onSuccess: async ({ login }) => {
        const refused = await signInWithPassword(login, password).catch(() => "unreachable");
        window.location.assign(refused === null ? routes.root() : routes.signIn());
      },
    }),
  );
  const fault = password === "" ? null : passwordFault(password, "", "password");
  const wrong = name.trim() === "" ? "Write your name." : password === "" ? "Choose a password." : (fault?.message ?? null);
  const gone = ["not_found", "expired", "already_used", "revoked"].includes(refusalOf(accept.error)?.code ?? "");
  return (
    <form
      className="flex flex-col gap-3.5"
      onSubmit={(event) => {
        event.preventDefault();
        if (wrong === null && !accept.isPending) accept.mutate({ token, name: name.trim(), password });
      }}
    >
      <div>
        <h1 className="text-lg">Accept the invitation</h1>
        <p className="mt-1 text-sm text-muted-foreground">The link works once. Your login was set by whoever invited you; it is shown once you are in.</p>
      </div>
      <Field label="Your name" error={fieldMessage(accept.error, "name")}>
        <Input value={name} onChange={(event) => setName(event.target.value)} autoComplete="name" className="h-9" autoFocus />
      </Field>
      <Field label="Password" help={`At least ${PASSWORD_MIN} characters; a sentence is good.`} error={password.length >= PASSWORD_MIN ? fault?.message : fieldMessage(accept.error, "password")}>
        <Input type="password" value={password} onChange={(event) => setPassword(event.target.value)} autoComplete="new-password" className="h-9" />
      </Field>
      {accept.error ? (
        <p role="alert" className="rounded-md bg-failing-soft px-2.5 py-2 text-sm text-failing">
          {explain(accept.error).message}
        </p>
      ) : null}
      <Button type="submit" variant="primary" size="lg" busy={accept.isPending} disabledReason={gone ? "This invitation cannot be used any more; ask for another one." : wrong}>
        Accept and sign in
      </Button>
    </form>
  );
}
