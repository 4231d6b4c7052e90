import { expect, test, type Page } from "@playwright/test";
import { Deployment } from "./deployment/deployment";
import { invite, signIn } from "./deployment/people";
import { until } from "./deployment/until";
import { explain, healthyUnits, PROJECT } from "./deployment/world";

/**
 * Guarantee: a policy that is edited in a browser says beside the editor which units would move, writes nothing by that,
 * and when it is saved exactly those units move and no other; a drain says the same before it is confirmed.
 * On real agents and the real scheduler.
 */
test.describe.configure({ mode: "serial" });
test.setTimeout(180_000);

const d = new Deployment();
let ada: Page;

const site = (name: string, jurisdiction: string): string => `apiVersion: holdfast.dev/v1
kind: Site
metadata: { name: ${name} }
spec: { kind: cloud-region, jurisdiction: ${jurisdiction}, uplink: { class: fiber } }
`;
const policy = (residency: string): string => `apiVersion: holdfast.dev/v1
kind: PlacementPolicy
metadata: { name: eu }
spec:
  residency: [${residency}]
  spread:
    - { over: site, maxSkew: 1 }
`;
const workload = (name: string, more: string): string => `apiVersion: holdfast.dev/v1
kind: Workload
metadata: { name: ${name} }
spec:
  kind: service
  replicas: 2
${more}  template:
    engine: { type: process, command: ["\${node}", "-e", "setInterval(() => {}, 1000)"] }
    resources: { cpuMillis: 50, memory: 64Mi, disk: 8Mi }
    stop: { signal: SIGTERM, grace: 2s }
`;

/** What should run where, one line a unit. */
const placed = async (): Promise<string[]> => (await d.api().fleet.units.query({ project: PROJECT, limit: 100 })).items.filter((u) => u.desired.action === "run").map((u) => `${u.unit} ${u.node}`).sort();
const preview = (change: { text: string } | { drainNode: string }) => d.api().placement.preview.query({ project: PROJECT, ...change });
/** What would run after the moves of a preview. */
function after(before: readonly string[], moves: readonly { unit: string; from: string; becomes: string; to: string }[]): string[] {
  const left = before.filter((line) => !moves.some((m) => `${m.unit} ${m.from}` === line));
  return [...left, ...moves.map((m) => `${m.becomes} ${m.to}`)].sort();
}

test.beforeAll(async ({ browser }) => {
  await d.start({ screens: true });
  const api = d.api();
  const apply = (text: string) => api.manifests.applyText.mutate({ project: PROJECT, text, dryRun: false });
  await apply(`${site("kiel", "DE")}---\n${site("lyon", "FR")}`);
  await Promise.all([d.addAgent("kiel-1", "kiel"), d.addAgent("lyon-1", "lyon"), d.addAgent("lyon-2", "lyon")]);
  ada = await signIn(browser, d, await invite(d, "ada", "Ada Lovelace", "administrator"));
  await until("all agents to be in contact", async () => (await api.fleet.nodes.query({ project: PROJECT, limit: 10 })).items.filter((n) => n.state.state === "healthy").length === 3, 60_000);
  await apply(`${policy("DE, FR")}---\n${workload("web", "  policy: eu\n")}---\n${workload("other", "")}`);
  await until("all units to run", async () => (await healthyUnits(api)) === 4, 60_000, () => explain(d));
});
test.afterAll(async () => {
  await d.stop();
});

test("edits a policy, sees what would move, saves it, and exactly that moves", async () => {
  const before = await placed();
  const web = before.find((line) => /^web-\d+ kiel-1$/.test(line))?.split(" ")[0] ?? "";
  expect(web, before.join(", ")).not.toBe("");
  await ada.goto("/p/default/policies/eu?kind=PlacementPolicy");
  const panel = ada.locator("section").filter({ has: ada.getByRole("heading", { name: "What would happen" }) });
  await expect(panel.getByText("All 4 units stay where they are.")).toBeVisible();

  // While the text is wrong the last answer stays, marked; when it is right again the panel names the moves.
  const editor = ada.getByRole("textbox", { name: "Manifest" });
  const write = async (text: string) => {
    await editor.click();
    await ada.keyboard.press("ControlOrMeta+a");
    await ada.keyboard.insertText(text);
  };
  await write(policy("FR").replace("maxSkew: 1", "maxSkew: 0"));
  await expect(ada.getByText("1 error")).toBeVisible();
  await expect(panel.getByText("of an earlier text")).toBeVisible();
  await write(policy("FR"));
  const row = panel.getByRole("row").filter({ hasText: web });
  await expect(row).toContainText(/moves.*kiel-1 is in DE, and policy eu allows FR.*kiel-1.*lyon-\d/s);
  await expect(panel.getByText("of an earlier text")).toHaveCount(0);
  const said = await preview({ text: policy("FR") });
  expect(said.moves.map((m) => m.unit)).toEqual([web]);
  await expect(panel.getByRole("row")).toHaveCount(1 + said.moves.length);
  await expect(panel.getByText(said.sentence)).toBeVisible();
  // Asking has moved nothing.
  expect(await placed()).toEqual(before);

  await ada.getByRole("button", { name: "See what would change" }).click();
  await ada.getByLabel("Reason").fill("data stays in France");
  await ada.getByRole("button", { name: "Apply", exact: true }).click();
  const followed = ada.getByRole("table", { name: "Moves as they happen" });
  await expect(followed.getByRole("row").filter({ hasText: web })).toContainText(`runs on ${said.moves[0]?.to}`, { timeout: 60_000 });
  await expect(ada.getByText("Everything runs where the preview said: it has the same digest now.")).toBeVisible();
  await expect(ada.getByText("Not in the preview")).toHaveCount(0);
  expect(await placed()).toEqual(after(before, said.moves));
});

test("drains a node, told before what would move", async () => {
  const before = await placed();
  await ada.goto("/p/default/fleet/nodes/lyon-1");
  await ada.getByRole("button", { name: "More commands for this node" }).click();
  await ada.getByRole("menuitem", { name: "Drain node" }).click();
  const dialog = ada.getByRole("alertdialog");
  await expect(dialog.getByText(/If node lyon-1 is drained: /)).toBeVisible();
  const said = await preview({ drainNode: "lyon-1" });
  for (const m of said.moves) await expect(dialog.getByRole("row").filter({ hasText: m.unit }).first()).toContainText(m.to);
  expect(await placed()).toEqual(before);
  await dialog.getByLabel("Reason").fill("its disk is failing");
  await dialog.getByRole("button", { name: "Drain node" }).click();
  await expect(ada.getByText("Everything runs where the preview said: it has the same digest now.")).toBeVisible({ timeout: 60_000 });
  expect(await placed()).toEqual(after(before, said.moves));
});
