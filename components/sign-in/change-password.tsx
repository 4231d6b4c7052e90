"use client";

import { useState } from "react";
import { useMutation } from "@tanstack/react-query";
import { explain, fieldMessage } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Field } from "@/components/ui/label";
import { PASSWORD_MIN, passwordFault } from "@/server/core/access/password-rules";

/** A new password: by choice, or because somebody else set the present one. */
export function ChangePassword({ login, forced, back }: { login: string; forced: boolean; back: string }) {
  const trpc = useTRPC();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const change = useMutation(trpc.me.changePassword.mutationOptions({ onSuccess: () => window.location.assign(back) }));
  const fault = next === "" ? null : passwordFault(next, login, "next");
  const differs = again !== "" && again !== next ? "The two are not the same." : null;
  const wrong = current === "" ? "Write the present password." : next === "" ? "Write the new password." : fault ? fault.message : again !== next ? "Write the new password twice." : null;
  return (
    <form
      className="flex flex-col gap-3.5"
      onSubmit={(event) => {
        event.preventDefault();
        if (wrong === null && !change.isPending) change.mutate({ current, next });
      }}
    >
      <div>
        <h1 className="text-lg">{forced ? "Choose your own password" : "Change your password"}</h1>
        <p className="mt-1 text-sm text-muted-foreground">
          {forced ? "The present one was set for you and is known to somebody else." : "Your other sessions are ended."}
        </p>
      </div>
      <input type="text" name="username" autoComplete="username" value={login} readOnly hidden />
      <Field label={forced ? "The password you were given" : "Present password"} error={fieldMessage(change.error, "current")}>
        <Input type="password" value={current} onChange={(event) => setCurrent(event.target.value)} autoComplete="current-password" className="h-9" autoFocus />
      </Field>
      <Field label="New password" help={`At least ${PASSWORD_MIN} characters; a sentence is good.`} error={next.length >= PASSWORD_MIN ? fault?.message : fieldMessage(change.error, "next")}>
        <Input type="password" value={next} onChange={(event) => setNext(event.target.value)} autoComplete="new-password" className="h-9" />
      </Field>
      <Field label="New password again" error={differs}>
        <Input type="password" value={again} onChange={(event) => setAgain(event.target.value)} autoComplete="new-password" className="h-9" />
      </Field>
      {change.error ? (
        <p role="alert" className="rounded-md bg-failing-soft px-2.5 py-2 text-sm text-failing">
          {explain(change.error).message}
        </p>
      ) : null}
      <Button type="submit" variant="primary" size="lg" busy={change.isPending} disabledReason={wrong}>
        Set the password
      </Button>
    </form>
  );
}
