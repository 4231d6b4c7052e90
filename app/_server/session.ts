import { cookies } from "next/headers";
import { redirect } from "next/navigation";
import { cache } from "react";
import type { MeView } from "@/server/core/views";
import { webContainer } from "@/server/trpc/container";

export type PageSession = { me: MeView; token: string; expiresAtMs: number };

/** The session of the page that is being rendered, or null. Looked up once a render, in the store. */
export const currentSession = cache(async (): Promise<PageSession | null> => {
  const web = webContainer();
  const token = (await cookies()).get(web.sessionCookie)?.value;
  const found = token ? await web.authenticate(token) : null;
  if (!found || !token) return null;
  return { me: await web.me(found.actor), token, expiresAtMs: found.expiresAtMs };
});

/**
 * For pages behind the sign-in: sends whoever is not signed in to the sign-in page, and whoever must change the password
 * there too. This is for the person's comfort; what protects data is the check in every procedure.
 */
export async function requireSession(returnTo?: string): Promise<PageSession> {
  const session = await currentSession();
  const back = returnTo === undefined ? "" : `callbackUrl=${encodeURIComponent(returnTo)}`;
  if (!session) redirect(`/sign-in${back ? `?${back}` : ""}`);
  if (session.me.mustChangePassword) redirect(`/sign-in?change=password${back ? `&${back}` : ""}`);
  return session;
}

/** Name of the identity provider that one may sign in with; null where there is none. */
export async function signInProvider(): Promise<string | null> {
  return (await webContainer().signInOptions()).identityProvider?.name ?? null;
}
