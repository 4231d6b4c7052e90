/**
 * The two calls of next-auth's own HTTP interface that signing in needs. Both ask it to answer with the address to go
 * to next instead of a redirect.
 */
async function post(path: string, fields: Record<string, string>): Promise<URL> {
  const csrf = (await (await fetch("/api/auth/csrf", { cache: "no-store" })).json()) as { csrfToken: string };
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", "x-auth-return-redirect": "1" },
    body: new URLSearchParams({ csrfToken: csrf.csrfToken, ...fields }),
  });
  const { url } = (await answer.json()) as { url: string };
  return new URL(url, window.location.origin);
}

/** Signs in with a password; the code of the refusal, or null when a session was started. */
export async function signInWithPassword(login: string, password: string): Promise<string | null> {
  const url = await post("/api/auth/callback/credentials", { login, password, callbackUrl: "/" });
  return url.searchParams.has("error") ? (url.searchParams.get("code") ?? url.searchParams.get("error")) : null;
}

/** The address of the identity provider to go to; it comes back to `back`. */
export async function identityProviderUrl(back: string): Promise<string> {
  return (await post("/api/auth/signin/oidc", { callbackUrl: back })).href;
}
