// A real OpenID provider in a process of its own: `node oidc-provider.mjs PORT REDIRECT_URI`. Whoever logs in with a name is
// vouched for under that name. Speaks plain HTTP, for tests only.
import Provider from "oidc-provider";

const [port, redirectUri] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "console", client_secret: "secret-secret-secret-secret-secret1", redirect_uris: [redirectUri], grant_types: ["authorization_code"], response_types: ["code"] }],
  cookies: { keys: ["only for tests"] },
  claims: { openid: ["sub"], email: ["email"], profile: ["name", "preferred_username"] },
  conformIdTokenClaims: false,
  findAccount: (_context, id) => ({ accountId: id, claims: async () => ({ sub: `subject-of-${id}`, email: `${id}@example.org`, name: `${id} of the provider`, preferred_username: id }) }),
});
provider.listen(Number(port), "127.0.0.1", () => process.stdout.write("listening\n"));
