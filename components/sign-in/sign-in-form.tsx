"use client";

import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Field } from "@/components/ui/label";
import { identityProviderUrl, signInWithPassword } from "./next-auth";

/** What a refused sign-in means and what to do; the codes are those of the product's refusals and of next-auth. */
const meanings: Record<string, string> = {
  unauthenticated: "The login or the password is wrong, or the account is deactivated.",
  throttled: "There were too many tries. Wait a minute and try again.",
  forbidden: "This account may not sign in. Ask an administrator.",
  credentials: "The login or the password is wrong, or the account is deactivated.",
  AccessDenied: "The identity provider’s answer was refused. Ask an administrator whether your account is known here.",
  Configuration: "The identity provider could not be reached or did not answer as it should. Sign in with a password, or try again.",
  OAuthCallbackError: "The identity provider ended the sign-in. Try again.",
};

/** Signing in with a local account or through the identity provider. */
export function SignInForm({ provider, back, error }: { provider: string | null; back: string; error: string | null }) {
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState<"no" | "password" | "provider">("no");
  const [refused, setRefused] = useState(error);
  // Before the script is there a press would send the form as a plain one.
  const [ready, setReady] = useState(false);
  useEffect(() => setReady(true), []);

  const submit = async () => {
    setBusy("password");
    setRefused(null);
    try {
      const code = await signInWithPassword(login.trim(), password);
      if (code === null) {
        window.location.assign(back);
        return;
      }
      setRefused(code);
    } catch {
      setRefused("unreachable");
    }
    setBusy("no");
  };
  const message = refused === null ? null : refused === "unreachable" ? "Holdfast did not answer. Nothing was changed; try again." : (meanings[refused] ?? "The sign-in was refused. Try again, or ask an administrator.");
  return (
    <form
      method="post"
      onSubmit={(event) => {
        event.preventDefault();
        if (busy === "no" && login.trim() !== "" && password !== "") void submit();
      }}
      className="flex flex-col gap-3.5"
    >
      <h1 className="text-lg">Sign in</h1>
      {message ? (
        <p role="alert" className="rounded-md bg-failing-soft px-2.5 py-2 text-sm text-failing">
          {message}
        </p>
      ) : null}
      <Field label="Login">
        <Input name="login" value={login} onChange={(event) => setLogin(event.target.value)} autoComplete="username" autoCapitalize="off" spellCheck={false} autoFocus className="h-9" />
      </Field>
      <Field label="Password">
        <Input name="password" type="password" value={password} onChange={(event) => setPassword(event.target.value)} autoComplete="current-password" className="h-9" />
      </Field>
      <Button type="submit" variant="primary" size="lg" busy={busy === "password"} disabled={!ready}>
        Sign in
      </Button>
      {provider ? (
        <>
          <div className="flex items-center gap-3 text-xs text-muted-foreground">
            <span className="h-px flex-1 bg-border" /> or <span className="h-px flex-1 bg-border" />
          </div>
          <Button
            size="lg"
            busy={busy === "provider"}
            disabled={!ready}
            onClick={() => {
              setBusy("provider");
              identityProviderUrl(back).then(
                (url) => window.location.assign(url),
                () => {
                  setBusy("no");
                  setRefused("Configuration");
                },
              );
            }}
          >
            Sign in with {provider}
          </Button>
        </>
      ) : null}
    </form>
  );
}
