import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test, type Page } from "@playwright/test";
import { ROOT } from "../tools/lib/paths.mjs";
import { Deployment } from "./deployment/deployment";
import { invite, signIn } from "./deployment/people";
import { until } from "./deployment/until";

/**
 * Guarantee: in the product with real agents, a unit that fits nowhere stands in the queue; the decision panel says why a
 * named node refuses it, and what it proposes, done in the browser, places the unit on exactly that node.
 */
test.describe.configure({ mode: "serial" });
test.setTimeout(180_000);

const PROJECT = "default";
const d = new Deployment();
let ada: Page;

const site = (name: string, jurisdiction: string) => `apiVersion: holdfast.dev/v1
kind: Site
metadata: { name: ${name} }
spec: { kind: edge, jurisdiction: ${jurisdiction}, uplink: { class: fiber } }
`;
// Kiel may take it and is too small, Lyon is large enough and may not.
const wanted = `apiVersion: holdfast.dev/v1
kind: PlacementPolicy
metadata: { name: in-germany }
spec: { residency: [DE] }
---
apiVersion: holdfast.dev/v1
kind: Workload
metadata: { name: reader }
spec:
  kind: service
  replicas: 1
  policy: in-germany
  template:
    engine: { type: process, command: [/bin/sleep, infinity] }
    resources: { cpuMillis: 300, memory: 32Mi, disk: 8Mi }
`;

test.beforeAll(async ({ browser }) => {
  await d.start({ screens: true });
  const api = d.api();
  const apply = (text: string) => api.manifests.applyText.mutate({ project: PROJECT, text, dryRun: false });
  await apply(`${site("kiel", "DE")}---\n${site("lyon", "FR")}`);
  await Promise.all([d.addAgent("node-kiel", "kiel", "cpu=100m,memory=128Mi,disk=64Mi"), d.addAgent("node-lyon", "lyon")]);
  await until("both agents to be in contact", async () => (await api.fleet.nodes.query({ project: PROJECT, limit: 10 })).items.filter((n) => n.state.state === "healthy").length === 2, 60_000);
  await apply(wanted);
  await until("the scheduler to have looked", async () => Boolean((await api.placement.queue.query({ project: PROJECT })).items[0]?.decision), 30_000);
  ada = await signIn(browser, d, await invite(d, "ada", "Ada Lovelace", "operator"));
});
test.afterAll(async () => {
  await d.stop();
});

test("finds in the queue who waits, and why", async () => {
  await ada.keyboard.press("g");
  await ada.keyboard.press("q");
  await ada.waitForURL(/\/queue$/);
  await expect(ada.getByText("1 unit of 1 workload waits for room.")).toBeVisible();
  await expect(ada.getByText("nobody can tell")).toBeVisible();
  await ada.getByRole("link", { name: "Why", exact: true }).click();
  await expect(ada.getByRole("heading", { name: "Nothing fits: why reader-1 is nowhere" })).toBeVisible();
});

test("is told the same at the command line, with the manifest to apply", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(ROOT, "dist", "cli", "holdfast.cjs"), "explain", "reader-1", "--node", "node-lyon"], { env: { PATH: process.env["PATH"], HOME: d.folder, HOLDFAST_SERVER: d.url, HOLDFAST_TOKEN: d.adminToken } as unknown as NodeJS.ProcessEnv });
  expect(stdout).toContain("node-lyon refuses reader-1: node-lyon is in FR, and policy in-germany allows DE.");
  expect(stdout).toContain("What would send it there: Allow the jurisdiction FR: then it goes to node-lyon.");
  expect(stdout).toMatch(/kind: PlacementPolicy[^]*residency:\n\s+- DE\n\s+- FR/);
});

test("reads why a named node refuses it, does what the flip says, and sees the unit placed there", async () => {
  await ada.getByText("1 node is outside the jurisdictions allowed").click();
  const field = ada.getByRole("combobox", { name: "Node to ask about" });
  await field.fill("lyon");
  await ada.getByRole("option", { name: /^node-lyon/ }).click();
  await expect(ada.getByText("node-lyon refuses reader-1: node-lyon is in FR, and policy in-germany allows DE.")).toBeVisible();
  const flip = ada.getByRole("group", { name: "The smallest change that turns it round" }).filter({ hasText: "What would send it there" });
  await expect(flip).toContainText("Allow the jurisdiction FR: then it goes to node-lyon.");
  expect(new URL(ada.url()).searchParams.get("node")).toBe("node-lyon");
  await flip.getByRole("link", { name: "Open in the editor" }).click();

  await expect(ada.getByRole("heading", { level: 1, name: "Send reader-1 to node-lyon" })).toBeVisible();
  await ada.getByRole("button", { name: "See what would change" }).click();
  await expect(ada.getByText("spec.residency").first()).toBeVisible();
  await ada.getByLabel("Reason").fill("Lyon may read too");
  await ada.getByRole("button", { name: "Apply", exact: true }).click();

  await expect(ada.getByRole("heading", { name: "Why reader-1 is on node-lyon" })).toBeVisible();
  await expect(ada.getByText("reader-1 runs on node-lyon, and would be put there again.")).toBeVisible();
  const units = (await d.api().fleet.units.query({ project: PROJECT, workload: "reader", limit: 10 })).items;
  expect(units.map((u) => [u.unit, u.node, u.desired.action])).toEqual([["reader-1", "node-lyon", "run"]]);
  await ada.goto(`/p/${PROJECT}/queue`);
  await expect(ada.getByText("Nothing waits", { exact: true })).toBeVisible();
});
