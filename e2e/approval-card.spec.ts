import { AxeBuilder } from "@axe-core/playwright";
import { expect, test, type Browser, type Locator, type Page } from "@playwright/test";
import { Deployment } from "./deployment/deployment";
import { invite, signIn } from "./deployment/people";
import { until } from "./deployment/until";
import { buildWorld, gateStep, PROJECT, type World } from "./deployment/world";

/**
 * Guarantee: on a 390 px screen the approval card alone answers what, where, how many, the worst case, what the evidence
 * says, who else has to agree and until when; nothing is preselected; its author is refused with the reason; an approval
 * is void when a leaf changes and names it; the remark stays on the record. On a real rollout of real agents.
 */
test.describe.configure({ mode: "serial" });
test.setTimeout(480_000);

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, reducedMotion: "reduce" } as const;
const d = new Deployment();
let world: World;
let ada: Page;
let grace: Page;
let linus: Page;

// Two groups have to agree: whoever may approve, and Linus by name.
const GROUPS = "[{ name: Operations, roles: [approver, administrator] }, { name: Product, people: [linus] }]";

const phone = (browser: Browser, who: { login: string; password: string }) => signIn(browser, d, who, PHONE);
/** The value beside a name on the card. */
const row = (card: Locator, name: string): Locator => card.locator("dt", { hasText: new RegExp(`^${name}$`) }).locator("xpath=following-sibling::dd[1]");
const cardOf = (page: Page): Locator => page.getByRole("article", { name: /^digits r2, gate canary: Beyond the canary$/ });

test.beforeAll(async ({ browser }) => {
  test.setTimeout(420_000);
  await d.start({ screens: true });
  const people = [await invite(d, "ada", "Ada Lovelace", "administrator"), await invite(d, "grace", "Grace Hopper", "approver"), await invite(d, "linus", "Linus Example", "approver")] as const;
  world = await buildWorld(d, { gate: gateStep(GROUPS) });
  [ada, grace, linus] = [await phone(browser, people[0]), await phone(browser, people[1]), await phone(browser, people[2])];
  // Ada writes the revision as herself, in her browser: she is the author that may not consent.
  await ada.goto("/p/default/workloads/digits?tab=manifest");
  const editor = ada.getByRole("textbox", { name: "Manifest" });
  await editor.click();
  await ada.keyboard.press("ControlOrMeta+a");
  await ada.keyboard.insertText(world.digits("v2"));
  await ada.getByRole("button", { name: "See what would change" }).click();
  await ada.getByLabel("Reason").fill("better model");
  await ada.getByRole("button", { name: "Apply", exact: true }).click();
  await ada.waitForURL(/\/rollouts\/\d+$/);
  await until("the gate", async () => (await world.api.rollouts.get.query({ project: PROJECT, number: 1 })).phase === "awaitingApproval", 240_000);
});
test.afterAll(async () => {
  await d.stop();
});

test("the card alone answers everything on a phone", async () => {
  await grace.goto("/p/default/approvals");
  const card = cardOf(grace);
  await expect(row(card, "What")).toHaveText(/model becomes digits-v2/);
  await expect(row(card, "Where")).toHaveText(/3 sites: cloud-frankfurt, cloud-virginia and edge-hamburg/);
  await expect(row(card, "How many")).toHaveText(/3 of 3 units on 3 nodes/);
  await expect(row(card, "If agreed")).toHaveText(/wave everywhere/i);
  await expect(row(card, "Worst case")).toHaveText(/up to 3 of 3 units/);
  await expect(row(card, "Evidence")).toHaveText(/^Promote\..*accuracy.*\d+ on the canary, \d+ on stable/is);
  await expect(row(card, "Who agrees")).toHaveText(/Still needed: 1 of Operations .* and 1 of Product \(linus\)\. Not Ada Lovelace/);
  await expect(row(card, "Until")).toHaveText(/23 h left/);
  await expect(row(card, "Bound to")).toHaveText(/exactly this plan.*sha256:/s);
  await expect(card).toContainText("waits for you");
  // The whole card fits the width, so nothing has to be found sideways; and it was reached without opening anything else.
  expect(await grace.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(1);
});

test("nothing is preselected, both answers look alike, and axe finds nothing", async () => {
  const card = cardOf(grace);
  await expect(card.locator("input:checked, [aria-checked=true], [aria-pressed=true], option:checked")).toHaveCount(0);
  await expect(card.getByLabel("Remark")).toHaveValue("");
  const answers = [card.getByRole("button", { name: "Approve this plan" }), card.getByRole("button", { name: "Reject and roll back" })];
  for (const a of answers) await expect(a).toHaveAttribute("aria-disabled", "true");
  const looks = await Promise.all(answers.map((a) => a.getAttribute("class")));
  expect(looks[0]).toBe(looks[1]);
  expect(await grace.evaluate(() => document.activeElement?.closest("article"))).toBeNull();
  const axe = await new AxeBuilder({ page: grace }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]).analyze();
  expect(axe.violations).toEqual([]);
});

test("refuses its author, with the reason and without a form", async () => {
  await ada.goto("/p/default/approvals");
  const card = cardOf(ada);
  await expect(card).toContainText("You cannot answer this.");
  await expect(card).toContainText(/another person has to decide/);
  await expect(card).toContainText("waits for others");
  await expect(card.getByLabel("Remark")).toHaveCount(0);
  await expect(card.getByRole("button", { name: "Approve this plan" })).toHaveAttribute("aria-disabled", "true");
});

test("void when a leaf changes, naming it; the question is asked anew", async () => {
  await world.api.manifests.applyText.mutate({ project: PROJECT, dryRun: false, text: "apiVersion: holdfast.dev/v1\nkind: PlacementPolicy\nmetadata: { name: one-a-node }\nspec: { spread: [{ over: node, maxSkew: 2 }] }\n" });
  await until("the approval to be void", async () => (await world.api.approvals.list.query({ project: PROJECT, limit: 20, state: "void" })).total > 0, 60_000);
  const gone = (await world.api.approvals.list.query({ project: PROJECT, limit: 20, state: "void" })).items[0];
  await grace.goto(`/p/default/approvals/${gone?.id}`);
  await expect(cardOf(grace)).toContainText(/Void: .*policy/);
  await expect(cardOf(grace).getByRole("button", { name: "Approve this plan" })).toHaveCount(0);
  await until("the question to be asked anew", async () => (await world.api.approvals.list.query({ project: PROJECT, limit: 20, state: "pending" })).total === 1, 120_000);
});

test("two groups agree with a remark each, and the record keeps both", async () => {
  await grace.goto("/p/default/approvals");
  await cardOf(grace).getByLabel("Remark").fill("evidence is good");
  await cardOf(grace).getByRole("button", { name: "Approve this plan" }).click();
  await expect(cardOf(grace)).toContainText("Still needed: 1 of Product (linus)");
  await expect(cardOf(grace)).toContainText(/You agreed already/);

  await linus.goto("/p/default/approvals");
  await expect(row(cardOf(linus), "Who agrees")).toHaveText(/agreed.*evidence is good.*Still needed: 1 of Product/s);
  await cardOf(linus).getByLabel("Remark").fill("product agrees");
  await cardOf(linus).getByRole("button", { name: "Approve this plan" }).click();
  await expect(linus.getByText("Nothing waits for an approval")).toBeVisible();

  await linus.goto("/p/default/approvals?show=decided");
  await expect(linus.getByText("evidence is good").first()).toBeVisible();
  await expect(linus.getByText("product agrees").first()).toBeVisible();
  await until("the rollout to end", async () => (await world.api.rollouts.get.query({ project: PROJECT, number: 1 })).phase === "succeeded", 120_000);
});
