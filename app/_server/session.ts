import { cookies, headers } from "next/headers";
import { notFound, redirect } from "next/navigation";
import { cache } from "react";
import type { Permission } from "@/server/core/access/permissions";
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
 * Every page behind the sign-in begins with this (a page, not a layout: layouts are not run again on navigation).
 * Sends whoever is not signed in to the sign-in page, and whoever must change the password there too. This is for the
 * person's comfort; what protects data is the check in every procedure.
 */
export async function requireSession(returnTo?: string): Promise<PageSession> {
  const session = await currentSession();
  const back = returnTo === undefined ? "" : `callbackUrl=${encodeURIComponent(returnTo)}`;
  if (!session) redirect(`/sign-in${back ? `?${back}` : ""}`);
  if (session.me.mustChangePassword) redirect(`/sign-in?change=password${back ? `&${back}` : ""}`);
  return session;
}

/** As `requireSession`, for a page of one project: a project in which one has no role is not there. */
export async function requireProject(project: string, permission?: Permission): Promise<PageSession & { roles: MeView["projects"][number]["roles"]; permissions: string[]; may: boolean }> {
  const session = await requireSession(`/p/${project}`);
  const mine = session.me.projects.find((p) => p.name === project);
  if (!mine) notFound();
  return { ...session, roles: mine.roles, permissions: mine.permissions, may: permission === undefined || mine.permissions.includes(permission) };
}

/** The nonce that the content security policy of this answer lets scripts run with. */
export async function pageNonce(): Promise<string | undefined> {
  return (await headers()).get("x-nonce") ?? undefined;
}
