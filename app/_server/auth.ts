import NextAuth, { CredentialsSignin } from "next-auth";
import type { NextAuthConfig } from "next-auth";
import { NextRequest } from "next/server";
import { isRefused } from "@/server/core/base/refusal";
import { webContainer } from "@/server/trpc/container";
import type { StartedSession } from "@/server/trpc/container";

/** Id of the one OpenID Connect provider; its redirect address is `<public address>/api/auth/callback/oidc`. */
const PROVIDER = "oidc";

/** A refused sign-in, with our own code in the address: the sign-in page says what to do about it. */
class RefusedSignIn extends CredentialsSignin {
  constructor(code: string) {
    super();
    this.code = code;
  }
}

type Origin = { address: string | null; userAgent: string | null; requestId: string };
function originOf(headers: Headers): Origin {
  return { address: headers.get("x-holdfast-address") || null, userAgent: headers.get("user-agent"), requestId: headers.get("x-holdfast-request") ?? webContainer().newRequestId() };
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const textOrNull = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

/**
 * next-auth does the browser's sign-in: the forms, the OpenID Connect code flow with state, nonce and PKCE, and the
 * cookie. It keeps no session of its own: its token is replaced by ours, an opaque one whose hash is a row in our store,
 * so that a session ends the moment we end it. Made anew for each request, because the provider is a setting.
 */
async function configFor(origin: Origin): Promise<NextAuthConfig> {
  const web = webContainer();
  const provider = await web.identityProvider();
  /** Sessions that were started in this request, on their way into the cookie. */
  let started: StartedSession | null = null;
  return {
    secret: web.authSecret,
    trustHost: true,
    basePath: "/api/auth",
    pages: { signIn: "/sign-in", error: "/sign-in" },
    useSecureCookies: web.secure,
    session: { strategy: "jwt", maxAge: web.sessionSeconds },
    cookies: { sessionToken: { name: web.sessionCookie, options: { httpOnly: true, sameSite: "lax", path: "/", secure: web.secure } } },
    providers: [
      {
        id: "credentials",
        name: "Password",
        type: "credentials",
        credentials: { login: {}, password: { type: "password" } },
        authorize: async (credentials) => {
          try {
            started = await web.signInWithPassword({ login: text(credentials.login), password: text(credentials.password) }, origin);
            return { id: started.personId, name: started.name };
          } catch (error) {
            if (isRefused(error)) throw new RefusedSignIn(error.holdfastRefusal.code);
            throw error;
          }
        },
      },
      ...(provider
        ? [{ id: PROVIDER, name: provider.name, type: "oidc" as const, issuer: provider.issuer, clientId: provider.clientId, clientSecret: provider.clientSecret, checks: ["pkce" as const, "state" as const, "nonce" as const], authorization: { params: { scope: "openid profile email" } }, profile: (p: Record<string, unknown>) => ({ id: text(p.sub), name: textOrNull(p.name) }) }]
        : []),
    ],
    callbacks: {
      signIn: async ({ account, profile }) => {
        if (account?.provider !== PROVIDER) return started !== null;
        if (!provider || typeof profile?.sub !== "string") return false;
        try {
          started = await web.signInWithIdentity({ issuer: provider.issuer, subject: profile.sub, name: textOrNull(profile.name), email: textOrNull(profile.email), preferredLogin: textOrNull(profile.preferred_username) }, origin);
          return true;
        } catch (error) {
          if (isRefused(error)) return `/sign-in?error=AccessDenied&code=${error.holdfastRefusal.code}`;
          throw error;
        }
      },
      jwt: ({ token }) => (started ? { name: started.name, holdfast: started.token } : token),
      session: ({ session }) => session,
      // Only to places of our own, whatever a link asks for.
      redirect: ({ url, baseUrl }) => {
        const to = new URL(url, baseUrl);
        return to.origin === baseUrl ? to.href : baseUrl;
      },
    },
    jwt: {
      encode: ({ token }) => text(token?.holdfast),
      decode: async ({ token }) => {
        const found = token ? await web.authenticate(token) : null;
        return found && token ? { sub: found.actor.id, name: found.actor.name, holdfast: token } : null;
      },
    },
    events: {
      signOut: async (message) => {
        const token = "token" in message ? text(message.token?.holdfast) : "";
        const found = token ? await web.authenticate(token) : null;
        if (found) await web.endSession(found.actor);
      },
    },
    logger: {
      error: (error) => web.logSignIn(error.name === "CredentialsSignin" || error.name === "JWTSessionError" ? "info" : "warn", "next-auth refused a request", { kind: error.name, reason: error.message, cause: error.cause instanceof Error ? error.cause.message : (error.cause as { err?: Error } | undefined)?.err?.message }),
      warn: () => undefined,
      debug: () => undefined,
    },
  };
}

/** Answers a request below /api/auth under our public origin, whatever name or proxy it came through. */
export async function answerAuth(request: NextRequest): Promise<Response> {
  const { handlers } = NextAuth(await configFor(originOf(request.headers)));
  const url = new URL(request.nextUrl.pathname + request.nextUrl.search, webContainer().publicOrigin);
  const { method } = request;
  const asked = new NextRequest(url, { method, headers: request.headers, ...(method === "POST" ? { body: await request.text() } : {}) });
  return method === "POST" ? handlers.POST(asked) : handlers.GET(asked);
}
