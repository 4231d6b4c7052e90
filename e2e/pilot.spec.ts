import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test, type Page } from "@playwright/test";
import { ROOT } from "../tools/lib/paths.mjs";
import { Deployment } from "./deployment/deployment";
import { invite, signIn } from "./deployment/people";
import { until } from "./deployment/until";
import { explain, healthyUnits, PROJECT } from "./deployment/world";

/**
 * Guarantee: in the product with the pilot, a policy that is edited in a browser says beside the editor which units would
 * move, writes nothing by that, and when it is saved exactly those units move and no other; who waits for room sees who
 * makes way, and has it then; the decision panel says why a node refuses a unit, and what it proposes, done in the
 * browser, places the unit there; a drain says what would move before it is confirmed.
 */
test.describe.configure({ mode: "serial" });
test.setTimeout(180_000);

const d = new Deployment();
let ada: Page;
const intake = readFileSync(path.join(ROOT, "pilot", "manifests", "intake-policy.yaml"), "utf8");
const atTheEdge = intake.replace('rule: site.kind != "edge"', 'rule: site.kind == "edge"').replace("edge sites have cameras of their own", "scans come in at the edge");

/** Fills Lyon with what may stop, and takes its time to stop: who makes way can be looked at meanwhile. */
const work = (name: string, o: { replicas: number; priority: number; command: string }): string => `apiVersion: holdfast.dev/v1
kind: Workload
metadata: { name: ${name} }
spec:
  kind: service
  replicas: ${o.replicas}
  policy: at-lyon
  priority: ${o.priority}
  template:
    engine: { type: process, command: [/bin/sh, -c, "${o.command}"] }
    resources: { cpuMillis: 100, memory: 32Mi, disk: 8Mi }
    stop: { signal: SIGTERM, grace: 10s }
`;
const archive = `apiVersion: holdfast.dev/v1
kind: PlacementPolicy
metadata: { name: at-lyon }
spec: { residency: [FR] }
---
${work("archive", { replicas: 2, priority: 10, command: "trap '' TERM; while :; do sleep 1; done" })}`;
const alarm = work("alarm", { replicas: 1, priority: 900, command: "exec sleep infinity" });

/** What should run where, one line a unit. */
const placed = async (): Promise<string[]> => (await d.api().fleet.units.query({ project: PROJECT, limit: 100 })).items.filter((u) => u.desired.action === "run").map((u) => `${u.unit} ${u.node}`).sort();
const placedOf = async (workload: string): Promise<string[]> => (await placed()).filter((line) => line.startsWith(`${workload}-`));
const preview = (change: { text: string } | { drainNode: string }) => d.api().placement.preview.query({ project: PROJECT, ...change });
type Move = { unit: string; from: string; becomes: string; to: string };
/** What would run after the moves of a preview. */
function after(before: readonly string[], moves: readonly Move[]): string[] {
  const left = before.filter((line) => !moves.some((m) => `${m.unit} ${m.from}` === line));
  return [...left, ...moves.map((m) => `${m.becomes} ${m.to}`)].sort();
}
/** Everything that the pilot runs, moved as previews said: nothing else may ever change its node. */
let pilots: string[] = [];
const ofPilot = (lines: readonly string[]) => lines.filter((line) => line.startsWith("digits"));

test.beforeAll(async ({ browser }) => {
  await d.start({ screens: true, env: { AGENT_HEARTBEAT_MS: "2000", AGENT_SILENT_AFTER_MS: "8000" } });
  await d.startPilot();
  await until("every unit of the pilot to serve", async () => (await healthyUnits(d.api())) === 15, 60_000, () => explain(d));
  ada = await signIn(browser, d, await invite(d, "ada", "Ada Lovelace", "administrator"));
  pilots = await placed();
});
test.afterAll(async () => {
  await d.stop();
});

test("edits a policy, sees what would move, saves it, and exactly that moves", async () => {
  await ada.goto("/p/default/policies/digits-intake-sites?kind=PlacementPolicy");
  const panel = ada.locator("section").filter({ has: ada.getByRole("heading", { name: "What would happen" }) });
  await expect(panel.getByText("All 15 units stay where they are.")).toBeVisible();

  // While the text is wrong the last answer stays, marked; when it is right again the panel names the moves.
  const editor = ada.getByRole("textbox", { name: "Manifest" });
  const write = async (text: string) => {
    await editor.click();
    await ada.keyboard.press("ControlOrMeta+a");
    await ada.keyboard.insertText(text);
  };
  await write(atTheEdge.replace("maxSkew: 1", "maxSkew: 0"));
  await expect(ada.getByText("1 error")).toBeVisible();
  await expect(panel.getByText("of an earlier text")).toBeVisible();
  await write(atTheEdge);
  const rows = panel.getByRole("row").filter({ hasText: "moves" });
  await expect(rows).toHaveCount(3);
  await expect(panel.getByText("of an earlier text")).toHaveCount(0);
  const said = await preview({ text: atTheEdge });
  await expect(panel.getByText(said.sentence)).toBeVisible();
  expect(said.moves.map((m) => `${m.unit} ${m.from}`).sort()).toEqual(pilots.filter((line) => line.startsWith("digits-intake-")));
  expect(said.moves.map((m) => m.to).sort()).toEqual(["edge-hamburg-1", "edge-nairobi-1", "edge-tromso-1"]);
  for (const m of said.moves) await expect(rows.filter({ hasText: m.unit })).toContainText(new RegExp(`${m.from}.*scans come in at the edge.*${m.from}.*${m.to}`, "s"));
  // Asking has moved nothing.
  expect(await placed()).toEqual(pilots);

  await ada.getByRole("button", { name: "See what would change" }).click();
  await ada.getByLabel("Reason").fill("scans come in at the edge");
  await ada.getByRole("button", { name: "Apply", exact: true }).click();
  const followed = ada.getByRole("table", { name: "Moves as they happen" });
  for (const m of said.moves) await expect(followed.getByRole("row").filter({ hasText: m.unit })).toContainText(`runs on ${m.to}`, { timeout: 90_000 });
  await expect(ada.getByText("Everything runs where the preview said: it has the same digest now.")).toBeVisible();
  await expect(ada.getByText("Not in the preview")).toHaveCount(0);
  pilots = after(pilots, said.moves);
  expect(await placed()).toEqual(pilots);
});

test("sees in the queue who makes way for whom, and the unit placed when they have stopped", async () => {
  const api = d.api();
  const apply = (text: string) => api.manifests.applyText.mutate({ project: PROJECT, text, dryRun: false });
  await apply(archive);
  await until("the archive to run at Lyon", async () => (await healthyUnits(api)) === 17, 60_000, () => explain(d));
  await ada.keyboard.press("g");
  await ada.keyboard.press("q");
  await ada.waitForURL(/\/queue$/);
  await expect(ada.getByText("Nothing waits", { exact: true })).toBeVisible();
  await apply(alarm);
  // The queue follows without a reload: a unit of the archive makes way, and the archive itself waits behind.
  await ada.getByRole("row").filter({ hasText: "alarm" }).getByText("900").click();
  const chain = ada.getByRole("table", { name: "Units that make way for alarm" });
  const victim = chain.getByRole("row").filter({ hasText: /archive-\d/ });
  await expect(victim).toContainText(/archive-\d.*10.*onprem-lyon-\d.*alarm-1.*its workload waits at turn 2/s);
  await expect(ada.getByText(/archive-\d of priority 10 has to stop on onprem-lyon-\d first/).first()).toBeVisible();
  const node = /onprem-lyon-\d/.exec(await victim.innerText())?.[0] ?? "";
  await expect(ada.getByText("alarm does not wait: every unit that it asks for has a node.")).toBeVisible({ timeout: 60_000 });
  expect(await placedOf("alarm")).toEqual([`alarm-1 ${node}`]);
  expect(await placedOf("archive")).toHaveLength(1);
  expect(ofPilot(await placed())).toEqual(pilots);
});

/** The unit of the archive that has made way, and waits since; and the node of Virginia that would be chosen: the two are alike. */
async function asked(): Promise<{ unit: string; node: string }> {
  const unit = (await d.api().placement.queue.query({ project: PROJECT })).items[0]?.unit ?? "";
  const answers = await Promise.all(["cloud-virginia-1", "cloud-virginia-2"].map((node) => d.api().placement.whyNot.query({ project: PROJECT, unit, node })));
  return { unit, node: answers.map((a) => a.flip?.goesTo).find((to) => to !== undefined) ?? "" };
}

test("is told why a node refuses a unit at the command line, with the manifest to apply", async () => {
  const { unit, node } = await asked();
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(ROOT, "dist", "cli", "holdfast.cjs"), "explain", unit, "--node", node], { env: { PATH: process.env["PATH"], HOME: d.folder, HOLDFAST_SERVER: d.url, HOLDFAST_TOKEN: d.adminToken } as unknown as NodeJS.ProcessEnv });
  expect(stdout).toContain(`${node} refuses ${unit}: ${node} is in US, and policy at-lyon allows FR.`);
  expect(stdout).toContain(`What would send it there: Allow the jurisdiction US: then it goes to ${node}.`);
  expect(stdout).toMatch(/kind: PlacementPolicy[^]*residency:\n\s+- FR\n\s+- US/);
});

test("reads in the decision panel why a node refuses it, does what the flip says, and sees the unit placed there", async () => {
  const { unit, node } = await asked();
  await ada.goto("/p/default/queue");
  await expect(ada.getByText("1 unit of 1 workload waits for room.")).toBeVisible();
  await ada.getByRole("link", { name: "Why", exact: true }).click();
  await expect(ada.getByRole("heading", { name: `Nothing fits: why ${unit} is nowhere` })).toBeVisible();
  await ada.getByText("7 nodes are outside the jurisdictions allowed").click();
  const field = ada.getByRole("combobox", { name: "Node to ask about" });
  await field.fill(node);
  await ada.getByRole("option", { name: new RegExp(`^${node}`) }).click();
  await expect(ada.getByText(`${node} refuses ${unit}: ${node} is in US, and policy at-lyon allows FR.`)).toBeVisible();
  const flip = ada.getByRole("group", { name: "The smallest change that turns it round" }).filter({ hasText: "What would send it there" });
  await expect(flip).toContainText(`Allow the jurisdiction US: then it goes to ${node}.`);
  await flip.getByRole("link", { name: "Open in the editor" }).click();

  await expect(ada.getByRole("heading", { level: 1, name: `Send ${unit} to ${node}` })).toBeVisible();
  await ada.getByRole("button", { name: "See what would change" }).click();
  await expect(ada.getByText("spec.residency").first()).toBeVisible();
  await ada.getByLabel("Reason").fill("the archive may be in Virginia too");
  await ada.getByRole("button", { name: "Apply", exact: true }).click();

  await expect(ada.getByRole("heading", { name: `Why ${unit} is on ${node}` })).toBeVisible();
  expect(await placedOf("archive")).toContain(`${unit} ${node}`);
  expect(ofPilot(await placed())).toEqual(pilots);
  await ada.goto("/p/default/queue");
  await expect(ada.getByText("Nothing waits", { exact: true })).toBeVisible();
});

test("drains a node of the pilot, told before what would move; and in all this time nothing else has moved", async () => {
  const before = await placed();
  await ada.goto("/p/default/fleet/nodes/cloud-frankfurt-1");
  await ada.getByRole("button", { name: "More commands for this node" }).click();
  await ada.getByRole("menuitem", { name: "Drain node" }).click();
  const dialog = ada.getByRole("alertdialog");
  await expect(dialog.getByText(/If node cloud-frankfurt-1 is drained: 1 unit would move\./)).toBeVisible();
  const said = await preview({ drainNode: "cloud-frankfurt-1" });
  expect(said.moves.map((m) => `${m.unit} ${m.from}`)).toEqual(before.filter((line) => line.endsWith(" cloud-frankfurt-1")));
  for (const m of said.moves) await expect(dialog.getByRole("row").filter({ hasText: m.unit }).first()).toContainText(m.to);
  expect(await placed()).toEqual(before);
  await dialog.getByLabel("Reason").fill("its disk is failing");
  await dialog.getByRole("button", { name: "Drain node" }).click();
  await expect(ada.getByText("Everything runs where the preview said: it has the same digest now.")).toBeVisible({ timeout: 60_000 });
  expect(await placed()).toEqual(after(before, said.moves));
  pilots = after(pilots, said.moves);
  expect(ofPilot(await placed())).toEqual(pilots);
});
