import type { Browser, Page } from "@playwright/test";
import type { Deployment } from "./deployment";

const PASSWORD = "a sentence that nobody guesses";

/** Invites a person with a role, accepts the invitation, and returns how they sign in. */
export async function invite(d: Deployment, login: string, name: string, role: "administrator" | "operator" | "approver" | "auditor" | "viewer"): Promise<{ login: string; password: string }> {
  const { token } = await d.api().people.invite.mutate({ project: "default", login, role });
  await d.api().access.acceptInvitation.mutate({ token, name, password: PASSWORD });
  return { login, password: PASSWORD };
}

/** A browser of one person, signed in through the form. */
export async function signIn(browser: Browser, d: Deployment, who: { login: string; password: string }, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
  const context = await browser.newContext({ baseURL: d.url, locale: "en-GB", timezoneId: "UTC", viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  await page.goto("/");
  await page.getByLabel("Login").fill(who.login);
  await page.getByLabel("Password").fill(who.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL(/\/p\//);
  await page.locator("h1").first().waitFor();
  return page;
}
