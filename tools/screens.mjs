/**
 * `npm run screens`: a picture of every screen into screens-out/ (ignored by Git): light, dark and 390 px; with data,
 * empty, and stale (cut off from the server).
 *
 *   --url U --login L --password P   of an installation that runs; without them two of its own are started, one with the
 *                                    pilot and one without, and stopped at the end
 *   --only PART                      only screens whose name contains this
 */
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { CHROMIUM_FLAGS, ensureChromium } from "./lib/browser.mjs";
import { DIST, inRoot } from "./lib/paths.mjs";
import { phases } from "./lib/phases.mjs";
import { startWorld } from "./testing/world.mjs";

/** @typedef {import("@playwright/test").Page} Page */

const OUT = inRoot("screens-out");
const PROJECT = "/p/default";
const OWN_PASSWORD = "a sentence that only screens know";

/** Screens that every installation has, by name. */
const PAGES = {
  home: "", fleet: "/fleet", topology: "/topology", workloads: "/workloads", "workload-new": "/workloads/new", policies: "/policies", "policy-new": "/policies/new",
  rollouts: "/rollouts", "rollout-new": "/rollouts/new", approvals: "/approvals", audit: "/audit",
  "settings-people": "/settings/people", "settings-join": "/settings/join", "settings-tokens": "/settings/tokens", "settings-identity": "/settings/identity", "settings-secrets": "/settings/secrets", "settings-about": "/settings/about",
};
/** Screens of one thing: the list they are found on, and what the link looks like. */
const DETAILS = {
  node: ["/fleet", /\/fleet\/nodes\/[^/?]+$/], site: ["/fleet", /\/fleet\/sites\/[^/?]+$/], "site-from-topology": ["/topology", /\/fleet\/sites\/[^/?]+$/],
  workload: ["/workloads", /\/workloads\/(?!new)[^/?]+$/], policy: ["/policies", /\/policies\/(?!new)[^/?]+$/], rollout: ["/rollouts", /\/rollouts\/\d+$/],
  approval: ["/approvals", /\/approvals\/[^/?]+$/], "audit-entry": ["/audit", /\/audit\/\d+$/],
};
const LOOKS = /** @type {const} */ ([
  { name: "light", width: 1440, height: 900, colorScheme: "light" },
  { name: "dark", width: 1440, height: 900, colorScheme: "dark" },
  { name: "390", width: 390, height: 844, colorScheme: "light" },
]);

/** Waits until nothing is loading any more: the network is at rest, but for the event stream, and no skeleton is shown. @param {Page} page */
async function settled(page) {
  await page.waitForLoadState("load");
  await page.locator('main, [role="main"]').first().waitFor({ timeout: 15_000 }).catch(() => undefined);
  await page.waitForFunction(() => document.querySelectorAll('[aria-busy="true"], [data-slot="skeleton"]').length === 0, undefined, { timeout: 10_000 }).catch(() => undefined);
  await page.evaluate(() => document.fonts.ready);
}

/** Signs in, and chooses a password if the present one is for one use. @param {Page} page @param {{ url: string, login: string, password: string }} who */
async function signIn(page, { url, login, password }) {
  await page.goto(`${url}/sign-in`);
  await page.getByLabel("Login").fill(login);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  const given = page.getByLabel("The password you were given");
  const inside = page.getByRole("navigation").first();
  await given.or(inside).first().waitFor({ timeout: 30_000 });
  if (await given.isVisible()) {
    await given.fill(password);
    await page.getByLabel("New password", { exact: true }).fill(OWN_PASSWORD);
    await page.getByLabel("New password again").fill(OWN_PASSWORD);
    await page.getByRole("button", { name: /password/i }).last().click();
    await inside.waitFor({ timeout: 30_000 });
  }
}

/** Addresses of the screens of one thing, as far as this installation has such a thing. @param {Page} page @param {string} url */
async function findDetails(page, url) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const [name, [list, pattern]] of Object.entries(DETAILS)) {
    await page.goto(`${url}${PROJECT}${list}`);
    await settled(page);
    const links = await page.locator("a[href]").evaluateAll((all) => all.map((one) => new URL(/** @type {HTMLAnchorElement} */ (one).href).pathname));
    const link = links.find((href) => /** @type {RegExp} */ (pattern).test(href));
    if (link) found[name] = link;
  }
  return found;
}

/**
 * @param {import("@playwright/test").Browser} browser @param {{ url: string, login: string, password: string }} who
 * @param {"data" | "empty"} state @param {string | undefined} only @param {(text: string) => void} note
 */
async function takeAll(browser, who, state, only, note) {
  const first = await browser.newContext({ locale: "en-GB", timezoneId: "UTC" });
  const page = await first.newPage();
  await page.goto(`${who.url}/sign-in`);
  await settled(page);
  if (state === "data") await page.screenshot({ path: path.join(OUT, "sign-in.light.png") });
  await signIn(page, who);
  const details = state === "data" ? await findDetails(page, who.url) : {};
  const storageState = await first.storageState();
  await first.close();
  const addresses = { ...Object.fromEntries(Object.entries(PAGES).map(([name, at]) => [name, `${PROJECT}${at}`])), ...details };
  const wanted = Object.entries(addresses).filter(([name]) => !only || name.includes(only));
  let count = 0;
  for (const look of LOOKS) {
    const context = await browser.newContext({ storageState, locale: "en-GB", timezoneId: "UTC", colorScheme: look.colorScheme, viewport: { width: look.width, height: look.height } });
    for (const [name, address] of wanted) {
      const tab = await context.newPage();
      await tab.goto(`${who.url}${address}`);
      await settled(tab);
      await tab.screenshot({ path: path.join(OUT, `${name}.${state}.${look.name}.png`) });
      count += 1;
      if (state === "data") {
        // Cut off: what is on the screen stays, and has to say that it grows old.
        await context.setOffline(true);
        await tab.getByText(/stale|offline|old|not connected|cut off|reconnect/i).first().waitFor({ timeout: 20_000 }).catch(() => undefined);
        await tab.screenshot({ path: path.join(OUT, `${name}.stale.${look.name}.png`) });
        count += 1;
        await context.setOffline(false);
      }
      await tab.close();
      note(`${count} pictures, ${name}`);
    }
    await context.close();
  }
  note(`${count} pictures`);
}

async function main() {
  const { values } = parseArgs({ options: { url: { type: "string" }, login: { type: "string" }, password: { type: "string" }, only: { type: "string" } } });
  const show = phases();
  const found = await show.run("a browser", (note) => ensureChromium({ logFolder: path.join(DIST, "logs"), note }));
  const { chromium } = await import("@playwright/test");
  fs.mkdirSync(OUT, { recursive: true });
  const browser = await chromium.launch({ executablePath: found.path, args: CHROMIUM_FLAGS });
  try {
    if (values.url) {
      const who = { url: values.url, login: values.login ?? "admin", password: values.password ?? "" };
      await show.run("screens with data, and stale", (note) => takeAll(browser, who, "data", values.only, note));
      return;
    }
    for (const [state, pilot] of /** @type {const} */ ([["data", true], ["empty", false]])) {
      const world = await show.run(pilot ? "an installation with the pilot" : "an empty installation", () => startWorld({ pilot }));
      try {
        await show.run(pilot ? "screens with data, and stale" : "empty screens", (note) => takeAll(browser, world, state, values.only, note));
      } finally {
        await world.remove();
      }
    }
  } finally {
    await browser.close();
    show.say(`pictures are in ${OUT}`);
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${/** @type {Error} */ (error).message}\n`);
  process.exitCode = 1;
}
