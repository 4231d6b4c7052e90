import { AxeBuilder } from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import { Deployment } from "./deployment/deployment";
import { invite, signIn } from "./deployment/people";
import { until } from "./deployment/until";
import { explain } from "./deployment/world";

/**
 * Guarantee: in the product with real agents, a gang that fits nowhere on a fragmented fleet is placed after the repair plan
 * that the screen shows is run from there: the moves are exactly those that were shown, and no unit stops serving for it.
 */
test.describe.configure({ mode: "serial" });
test.setTimeout(180_000);

const PROJECT = "default";
const NODES = ["node-1", "node-2", "node-3"];
const d = new Deployment();
let ada: Page;
let viewer: Page;

const workload = (name: string, replicas: number, cpu: number, more: string) => `apiVersion: holdfast.dev/v1
kind: Workload
metadata: { name: ${name} }
spec:
  kind: service
  replicas: ${replicas}
${more}  template:
    engine: { type: process, command: [/bin/sleep, infinity] }
    resources: { cpuMillis: ${cpu}, memory: 16Mi, disk: 8Mi }
    stop: { signal: SIGTERM, grace: 2s }
`;
const unitsOf = async (name: string) => (await d.api().fleet.units.query({ project: PROJECT, workload: name, limit: 20 })).items;
const healthy = async (name: string) => (await unitsOf(name)).filter((u) => u.state.state === "healthy");

test.beforeAll(async ({ browser }) => {
  await d.start({ screens: true });
  const api = d.api();
  const apply = (text: string) => api.manifests.applyText.mutate({ project: PROJECT, text, dryRun: false });
  await apply("apiVersion: holdfast.dev/v1\nkind: Site\nmetadata: { name: kiel, title: Kiel }\nspec: { kind: edge, jurisdiction: DE, uplink: { class: fiber } }\n");
  await Promise.all(NODES.map((n) => d.addAgent(n, "kiel", "cpu=300m,memory=256Mi,disk=128Mi")));
  await until("all agents to be in contact", async () => (await api.fleet.nodes.query({ project: PROJECT, limit: 10 })).items.filter((n) => n.state.state === "healthy").length === NODES.length, 60_000);
  await apply(`apiVersion: holdfast.dev/v1\nkind: PlacementPolicy\nmetadata: { name: apart }\nspec: { prefer: [{ by: spread, over: node, weight: 10 }] }\n---\n${workload("web", 3, 100, "  policy: apart\n")}`);
  await until("web to serve, a unit on each node", async () => new Set((await healthy("web")).map((u) => u.node)).size === 3, 60_000, () => explain(d));
  await apply(workload("llm", 2, 250, "  gang: { minMember: 2 }\n  preemption: never\n"));
  await until("the scheduler to have looked", async () => ((await api.placement.queue.query({ project: PROJECT })).items[0]?.blocker ?? "").includes("CPU"), 30_000, () => explain(d));
  ada = await signIn(browser, d, await invite(d, "ada", "Ada Lovelace", "operator"));
  viewer = await signIn(browser, d, await invite(d, "vera", "Vera Example", "viewer"), { viewport: { width: 390, height: 844 } });
});
test.afterAll(async () => {
  await d.stop();
});

test("a plan in words, with its price, from the keyboard", async () => {
  await ada.keyboard.press("g");
  await ada.keyboard.press("c");
  await ada.waitForURL(/\/capacity/);
  const row = ada.getByRole("row", { name: /llm/ }).filter({ has: ada.getByRole("button", { name: "Plan a repair" }) });
  await row.getByRole("button", { name: "Plan a repair" }).press("Enter");
  await expect(ada).toHaveURL(/repair=llm/);
  const plan = ada.locator("#repair-plan");
  await expect(plan).toContainText(/2 moves, [\d.]+ s of warm starts in all, make room for the 2 units that llm waits for; now there is room for 0\./);
  await expect(plan).toContainText("No plan costs fewer seconds.");
  await ada.getByRole("link", { name: /^node-1: 0\.1 of 0\.3 cores in use/ }).focus();
  await ada.keyboard.press("ArrowRight");
  await expect(ada.getByRole("link", { name: /^node-2: / })).toBeFocused();
});

test("who may not operate the fleet can read the plan and not run it", async () => {
  await viewer.goto("/p/default/capacity?repair=llm");
  await expect(viewer.locator("#repair-plan")).toContainText("2 moves");
  expect((await new AxeBuilder({ page: viewer }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]).analyze()).violations).toEqual([]);
  const run = viewer.locator("#repair-plan").getByRole("button", { name: "Run this plan" });
  await expect(run).toHaveAttribute("aria-disabled", "true");
  expect(await viewer.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(1);
});

test("run from the screen, it makes the gang placeable, and nobody stops serving", async () => {
  const before = await d.api().placement.repairPlan.query({ project: PROJECT, workload: "llm" });
  await ada.locator("#repair-plan").getByRole("button", { name: "Run this plan" }).click();
  const dialog = ada.getByRole("alertdialog");
  await dialog.getByLabel("Reason").fill("llm has waited long enough");
  await dialog.getByRole("button", { name: "Run this plan" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(ada.getByRole("list", { name: "Moves of the repair for llm" }).getByRole("listitem")).toHaveCount(2);
  let least = 3;
  await until(
    "the gang to be placed",
    async () => {
      least = Math.min(least, (await healthy("web")).length);
      return (await d.api().placement.repairs.query({ project: PROJECT }))[0]?.outcome === "placed";
    },
    60_000,
    () => explain(d),
  );
  expect(least).toBe(3);
  await until("the gang to serve", async () => (await healthy("llm")).length === 2, 30_000, () => explain(d));
  await expect(ada.getByText("Every move of the plan is done, and those that waited have their nodes.")).toBeVisible();
  await expect(ada.getByText("Nothing waits: every unit that is asked for has a node.").first()).toBeVisible();
  const to = before.moves.map((m) => m.to);
  expect((await unitsOf("web")).map((u) => u.node)).toEqual([to[0], to[0], to[0]]);
});
