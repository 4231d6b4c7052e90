import { expect, test, type Page } from "@playwright/test";
import { Deployment } from "./deployment/deployment";
import { invite, signIn } from "./deployment/people";
import { buildWorld, gateStep, type World } from "./deployment/world";

/**
 * Guarantee: the whole loop can be told in a browser on real agents: find a node, see why a unit is where it is, send a
 * better model out as a canary over a cloud region and an edge site, be refused as its author, approve as another
 * person, see it everywhere; then a worse one, caught on its first wave by measured accuracy; the auditor finds it all.
 */
test.describe.configure({ mode: "serial" });
test.setTimeout(480_000);

const d = new Deployment();
let world: World;
let ada: Page;
let grace: Page;
let uma: Page;

test.beforeAll(async ({ browser }) => {
  test.setTimeout(300_000);
  await d.start({ screens: true });
  world = await buildWorld(d, { gate: gateStep() });
  // Ada may apply and also holds the role approver: that she is the author must be what stops her.
  const operator = await invite(d, "ada", "Ada Lovelace", "administrator");
  const approver = await invite(d, "grace", "Grace Hopper", "approver");
  const auditor = await invite(d, "uma", "Uma Auditor", "auditor");
  ada = await signIn(browser, d, operator);
  grace = await signIn(browser, d, approver);
  uma = await signIn(browser, d, auditor);
});
test.afterAll(async () => {
  await d.stop();
});

/** Applies a model through the manifest editor, as Ada, and lands on its rollout. */
async function applyModel(model: "v2" | "v3", reason: string): Promise<void> {
  await ada.goto("/p/default/workloads/digits?tab=manifest");
  const editor = ada.getByRole("textbox", { name: "Manifest" });
  await editor.click();
  await ada.keyboard.press("ControlOrMeta+a");
  await ada.keyboard.insertText(world.digits(model));
  await expect(ada.getByText("The manifest is valid")).toBeVisible();
  await ada.getByRole("button", { name: "See what would change" }).click();
  await expect(ada.getByText(world.artifacts[model]).first()).toBeVisible();
  await ada.getByLabel("Reason").fill(reason);
  await ada.getByRole("button", { name: "Apply", exact: true }).click();
  await ada.waitForURL(/\/rollouts\/\d+$/);
}

const unitsOn = async (node: string) => (await d.api().fleet.units.query({ project: "default", workload: "digits", node, limit: 10 })).items;

test("finds a node by search and sees why a unit is where it is", async () => {
  await ada.goto("/p/default");
  await expect(ada.getByRole("heading", { level: 1 })).toBeVisible();
  await ada.keyboard.press("ControlOrMeta+k");
  await ada.getByPlaceholder("Find a node, site, workload, rollout, or a command").fill("hamburg");
  await ada.getByRole("option", { name: /^node-edge-hamburg/ }).click();
  await expect(ada.getByRole("heading", { level: 1, name: /node-edge-hamburg/ })).toBeVisible();
  await ada.getByRole("link", { name: "Explain" }).first().click();
  await expect(ada.getByRole("heading", { name: /Why .* is on/ })).toBeVisible();
  await expect(ada.getByText("Where it could run")).toBeVisible();
});

test("sends the better model out as a canary while an edge site is cut off; its author may not approve it, another person may", async () => {
  await applyModel("v2", "better model");
  const waves = ada.getByRole("list", { name: /Units of wave canary/ });
  await expect(waves.getByRole("listitem")).toHaveCount(2);
  await expect(ada.getByRole("article", { name: /gate canary: Beyond the canary/ })).toBeVisible({ timeout: 240_000 });
  // The evidence that is to be approved: measured accuracy with its sample.
  const evidence = ada.getByRole("table", { name: "Metrics of the verdict" });
  await expect(evidence.getByRole("row", { name: /accuracy/ }).first()).toContainText("kept");
  await expect(ada.getByText(/another person has to decide/).first()).toBeVisible();
  const approve = ada.getByRole("button", { name: "Approve this plan" }).first();
  await expect(approve).toHaveAttribute("aria-disabled", "true");
  // The edge site is cut off while people decide: it is shown apart, and what it runs is said to be unknown.
  const hamburg = d.agents.get("node-edge-hamburg");
  hamburg?.link.cut();
  await expect(ada.getByRole("list", { name: "Silent units of wave canary" }).getByRole("listitem")).toHaveCount(1);
  await expect(ada.getByText("1 silent: what they run is not known.").first()).toBeVisible();

  await grace.goto("/p/default/approvals");
  const card = grace.getByRole("article", { name: /digits r2/ });
  await expect(card).toContainText("Worst case");
  await expect(card.getByRole("button", { name: "Approve this plan" })).toHaveAttribute("aria-disabled", "true");
  await card.getByLabel("Remark").fill("evidence is good");
  await card.getByRole("button", { name: "Approve this plan" }).click();
  await expect(grace.getByText("Nothing waits for an approval")).toBeVisible();

  // It goes on in the cloud, is not called done by silence, and is once the site is back.
  await expect.poll(async () => (await unitsOn("node-cloud-virginia"))[0]?.observed?.generation, { timeout: 120_000 }).toBe(2);
  await expect(ada.getByText("All 3 units run r2 and are healthy.")).toHaveCount(0);
  hamburg?.link.heal();
  await expect(ada.getByText("All 3 units run r2 and are healthy.").first()).toBeVisible({ timeout: 180_000 });
  await ada.goto("/p/default/workloads/digits");
  await expect(ada.getByText("run r2").first()).toBeVisible();
});

test("catches the worse model on its first wave by measured accuracy and rolls it back everywhere", async () => {
  await applyModel("v3", "smaller model");
  await expect(ada.getByText(/Accuracy of r3 was 0\.\d+ \(\d+ labels\).* in wave canary, below the limit 0\.915/).first()).toBeVisible({ timeout: 240_000 });
  await expect(ada.getByText(/All 3 units run r2 again/).first()).toBeVisible({ timeout: 180_000 });
  await ada.goto("/p/default/workloads/digits?tab=revisions&revision=3");
  await expect(ada.getByText(/Held: rolled back by rollout/)).toBeVisible();
});

test("lets the auditor find all of it, by actor, in order", async () => {
  await uma.goto("/p/default/audit?actor=Grace+Hopper");
  const table = uma.getByRole("table", { name: "entries" });
  await expect(table.getByText(/Grace Hopper approved rollout 1 of digits/).first()).toBeVisible();
  await uma.goto("/p/default/audit?actor=Ada+Lovelace");
  await expect(table.getByText(/Ada Lovelace applied/).first()).toBeVisible();
  await uma.goto("/p/default/audit?object=of+digits");
  await expect(table.getByText(/settled rollout 2 of digits/)).toBeVisible();
  const sentences = (await table.getByRole("link").allInnerTexts()).reverse();
  const order = [/created rollout 1 of digits/, /approved rollout 1 of digits/, /finished rollout 1 of digits/, /created rollout 2 of digits/, /failed rollout 2 of digits/, /settled rollout 2 of digits/];
  let at = -1;
  for (const wanted of order) {
    const next = sentences.findIndex((s, i) => i > at && wanted.test(s));
    expect(next, `${wanted} after entry ${at} of\n${sentences.join("\n")}`).toBeGreaterThan(at);
    at = next;
  }
});
