import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { currentSession, signInProvider } from "@/app/_server/session";
import { routes } from "@/components/routes";
import { ChangePassword } from "@/components/sign-in/change-password";
import { SignInForm } from "@/components/sign-in/sign-in-form";
import { SignInFrame } from "@/components/sign-in/sign-in-frame";
import { AcceptInvitation } from "@/components/sign-in/accept-invitation";

export const metadata: Metadata = { title: "Sign in" };

type Query = { callbackUrl?: string; change?: string; invitation?: string; error?: string; code?: string };

/** Signing in, accepting an invitation, and changing a password that somebody else has set. */
export default async function Page({ searchParams }: { searchParams: Promise<Query> }) {
  const query = await searchParams;
  const back = ownPath(query.callbackUrl);
  if (query.invitation) {
    return (
      <SignInFrame>
        <AcceptInvitation token={query.invitation} />
      </SignInFrame>
    );
  }
  const session = await currentSession();
  if (session && (query.change === "password" || session.me.mustChangePassword)) {
    return (
      <SignInFrame>
        <ChangePassword login={session.me.login} forced={session.me.mustChangePassword} back={back} />
      </SignInFrame>
    );
  }
  if (session) redirect(back);
  const provider = await signInProvider();
  return (
    <SignInFrame>
      <SignInForm provider={provider} back={back} error={query.code ?? query.error ?? null} />
    </SignInFrame>
  );
}

/** Only a path of our own is gone back to, whatever the address says. */
function ownPath(url: string | undefined): string {
  if (url === undefined) return routes.root();
  try {
    const parsed = new URL(url, "http://own.invalid");
    const relative = parsed.pathname + parsed.search;
    // The parsed path counts, not the text: "/.//elsewhere" only becomes "//elsewhere" when it is read.
    return url.startsWith("/") && parsed.origin === "http://own.invalid" && !relative.startsWith("//") ? relative : routes.root();
  } catch {
    return routes.root();
  }
}
