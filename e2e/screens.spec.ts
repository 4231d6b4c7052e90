import { mkdirSync } from "node:fs";
import path from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { expect, test, type Browser, type Page } from "@playwright/test";
import { Deployment } from "./deployment/deployment";
import { invite, signIn } from "./deployment/people";
import { until } from "./deployment/until";
import { buildWorld, gateStep, PROJECT } from "./deployment/world";

/**
 * Guarantee: every screen is there, empty, with data, silent and broken, in light and dark, at 1440 and 390 px, and axe
 * finds nothing serious on it. With HOLDFAST_SCREENS_OUT set each one is kept as a picture (`npm run screens`).
 */
const out = process.env["HOLDFAST_SCREENS_OUT"];
const base = `/p/${PROJECT}`;
const lists = ["", "/fleet", "/topology", "/capacity", "/queue", "/quotas", "/workloads", "/policies", "/policies?kind=RolloutStrategy", "/rollouts", "/approvals", "/approvals?show=decided", "/freezes", "/audit", "/settings/people", "/settings/join", "/settings/tokens", "/settings/identity", "/settings/secrets", "/settings/hooks", "/settings/about"];
const details = [
  "/fleet/nodes/node-edge-hamburg", "/fleet/sites/edge-hamburg", "/fleet?node=node-cloud-frankfurt", "/workloads/digits", "/workloads/digits?tab=telemetry", "/workloads/digits?tab=decisions", "/workloads/digits?tab=decisions&as=now&node=node-edge-hamburg", "/workloads/digits/change?unit=digits-1&node=node-edge-hamburg", "/workloads/digits?tab=logs",
  "/workloads/digits?tab=revisions", "/workloads/digits?tab=manifest", "/workloads/new", "/policies/one-a-node", "/policies/new?kind=AnalysisTemplate", "/what-if?do=drainSite&site=edge-hamburg", "/what-if?do=price&site=edge-hamburg&egress=2", "/capacity?of=devices&as=table", "/rollouts/1", "/rollouts/1/analysis", "/rollouts/1/rollback", "/rollouts/new?workload=digits&revision=1&strategy=canary",
];
const all = [
  { theme: "light", width: 1440, height: 900 },
  { theme: "dark", width: 390, height: 844 },
  { theme: "dark", width: 1440, height: 900 },
  { theme: "light", width: 390, height: 844 },
] as const;
// Each theme and each width once in `npm test`; every pair of them in the long run and when pictures are made.
const variants = out || process.env["HOLDFAST_LONG"] === "1" ? all : all.slice(0, 2);

test.describe.configure({ mode: "serial" });
test.setTimeout(900_000);
// Pictures are made here on purpose; traces of hundreds of pages would only cost time.
test.use({ trace: "off", screenshot: "off" });
const d = new Deployment();
let admin: { login: string; password: string };
test.beforeAll(async () => {
  test.setTimeout(300_000);
  await d.start({ screens: true });
  admin = await invite(d, "ada", "Ada Lovelace", "administrator");
});
test.afterAll(async () => {
  await d.stop();
});

/** Looks at addresses in every variant: no error page, nothing wider than the screen, nothing serious by axe. */
async function look(browser: Browser, state: string, addresses: readonly string[], before: (page: Page) => Promise<void> = async () => undefined): Promise<void> {
  const faults: string[] = [];
  for (const v of variants) {
    const page = await signIn(browser, d, admin, { viewport: { width: v.width, height: v.height }, colorScheme: v.theme, reducedMotion: "reduce" });
    await page.evaluate((theme) => localStorage.setItem("theme", theme), v.theme);
    await before(page);
    for (const address of addresses) {
      await page.goto(base + address);
      // By element and not by role: on a phone an open pane is modal and takes the rest out of the accessibility tree.
      await page.locator("h1").first().waitFor({ state: "attached" });
      // Skeletons are looked at as such nowhere else: here the screen has to get past them.
      await expect(page.locator("[aria-busy=true]")).toHaveCount(0, { timeout: 20_000 });
      const where = `${state} ${v.theme} ${v.width} ${address || "/"}`;
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 1) faults.push(`${where}: ${wide} px wider than the screen`);
      const axe = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]).analyze();
      for (const x of axe.violations.filter((y) => y.impact === "serious" || y.impact === "critical")) faults.push(`${where}: ${x.id}: ${x.help}: ${x.nodes.slice(0, 3).map((n) => n.target.join(" ")).join(" | ")}`);
      if (out) {
        const folder = path.join(out, state, `${v.theme}-${v.width}`);
        mkdirSync(folder, { recursive: true });
        await page.screenshot({ path: path.join(folder, `${(address || "home").replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "")}.png`) });
      }
    }
    await page.context().close();
  }
  expect(faults).toEqual([]);
}

test("empty", async ({ browser }) => look(browser, "empty", lists));

test("with data", async ({ browser }) => {
  const world = await buildWorld(d, { gate: gateStep() });
  await world.api.manifests.applyText.mutate({ project: PROJECT, text: world.digits("v2"), dryRun: false, reason: "better model" });
  await until("the gate", async () => (await world.api.rollouts.get.query({ project: PROJECT, number: 1 })).phase === "awaitingApproval", 240_000);
  await look(browser, "data", [...lists, ...details]);
});

test("silent: a site is cut off", async ({ browser }) => {
  d.agents.get("node-edge-hamburg")?.link.cut();
  await until("silence", async () => (await d.api().fleet.node.query({ project: PROJECT, name: "node-edge-hamburg" })).state.state === "silent", 20_000);
  await look(browser, "silent", ["", "/fleet", "/topology", "/workloads", "/rollouts/1", "/rollouts/1/rollback", "/approvals", ...details.slice(0, 4)]);
});

test("frozen: a freeze holds, and the glass is broken", async ({ browser }) => {
  await d.api().rollouts.freeze.mutate({ project: PROJECT, reason: "stocktaking at the harbour" });
  await d.api().rollouts.breakGlass.mutate({ project: PROJECT, number: 1, reason: "a fix that cannot wait", minutes: 60 });
  await look(browser, "frozen", ["", "/rollouts/1", "/approvals", "/freezes"]);
});

test("broken: the server answers with faults", async ({ browser }) => {
  await look(browser, "broken", [...lists.slice(0, 13), ...details.slice(0, 4), "/rollouts/1", "/rollouts/1/analysis", "/rollouts/1/rollback"], async (page) => {
    await page.route("**/api/trpc/**", (route) => route.fulfill({ status: 500, contentType: "application/json", body: "{}" }));
  });
});

test("signing in", async ({ browser }) => {
  for (const v of variants) {
    const page = await (await browser.newContext({ baseURL: d.url, viewport: { width: v.width, height: v.height }, colorScheme: v.theme })).newPage();
    await page.goto("/sign-in");
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    const axe = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa"]).analyze();
    expect(axe.violations.filter((x) => x.impact === "serious" || x.impact === "critical")).toEqual([]);
    if (out) await page.screenshot({ path: path.join(out, `sign-in-${v.theme}-${v.width}.png`) });
    await page.context().close();
  }
});
