import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { importAnalysis } from "../core/analysis/import";
import { silentLogger } from "../platform";
import { testDatabase } from "../testing/database";
import { person, project, seedWorld, type World } from "../testing/rollout-world";
import { createRolloutReconciler, createRollouts } from "./index";

const db = testDatabase();
const strategy = { waves: [{ name: "canary", selector: 'site.name == "edge-kiel"', steps: [{ do: "update", percent: 100 }, { do: "analysis", template: "quality", deadline: "1h" }] }, { name: "everywhere", steps: [{ do: "update", percent: 100 }] }], healthTimeout: "2h" };
const argo = `apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: success-rate}
spec:
  args: [{name: revision}]
  metrics:
  - name: success-rate
    interval: 1m
    count: 5
    successCondition: result[0] >= 0.95
    provider: {prometheus: {query: 'good{workload="digits",revision="{{args.revision}}"}'}}
`;
/** The share that the server tells of revision 2; null: it is out of order. */
let share: number | null = 1;
const queries = new Set<string>();
let server: Server;
let address = "";
let ahead = 0;
let world: World;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => (body += part)).on("end", () => {
      const form = new URLSearchParams(body);
      queries.add(form.get("query") ?? "");
      if (share === null) return void response.writeHead(503).end(JSON.stringify({ status: "error", error: "starting" }));
      const [from, to, step] = ["start", "end", "step"].map((k) => Number(form.get(k))) as [number, number, number];
      const values = Array.from({ length: Math.max(0, Math.floor((to - from) / step + 1e-9) + 1) }, (_, i) => [from + i * step, String(share)]);
      response.end(JSON.stringify({ status: "success", data: { resultType: "matrix", result: [{ metric: {}, values }] } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  return new Promise<void>((resolve) => server.close(() => resolve()));
});

const deps = () => ({ store: db.store, clock: { nowMs: () => Date.now() + ahead }, log: silentLogger, silentAfterMs: 45_000, openSecret: (_: string, name: string) => Promise.resolve(name === "main" ? address : null) });
const id = async (): Promise<string> => (await db.asOwner<{ id: string }>("select id from rollouts order by number desc limit 1"))[0]?.id ?? "";
const look = async (): Promise<void> => void (await createRolloutReconciler(deps()).reconcile(await id()));
const detail = async () => createRollouts(deps()).queries.get(project, { number: (await db.asOwner<{ n: number }>("select max(number) as n from rollouts"))[0]?.n ?? 0 }, person("grace", "approver"));

beforeEach(async () => {
  await db.asOwner("truncate approvals, rollout_events, rollouts, observations, assignments, predictions, nodes, sites, object_revisions, objects, audit_entries, history cascade");
  const imported = importAnalysis(argo, { provider: "main", args: { revision: "{{revision}}" }, canaryArgs: {}, stableArgs: {} });
  world = await seedWorld(db, { units: [{ unit: "digits-0", site: "edge-kiel" }, { unit: "digits-1", site: "cloud-fra" }], strategy, template: imported.manifests[0]?.spec });
  ahead = 0;
  await createRollouts(deps()).commands.create(person("ada", "operator"), project, { workload: "digits", generation: 2, strategy: "canary", reason: "better model" });
  await look();
  await world.obey();
  await look();
});

describe("a rollout judged by a template that was brought along", () => {
  // Guarantee: an imported Argo template asks the project's Prometheus for the canary's revision and rolls back by its answer.
  it("rolls back when the measurements fail", async () => {
    share = 0.5;
    ahead = 10 * 60_000;
    await look();
    expect((await detail()).phase).toBe("rollingBack");
    expect((await detail()).reason).toContain("success-rate is failed: 0 successful, 1 failed");
    expect(queries).toContain('good{workload="digits",revision="2"}');
  });

  it("goes on when they succeed, and only holds its breath while the server is away", async () => {
    share = null;
    ahead = 10 * 60_000;
    await look();
    expect(await detail()).toMatchObject({ phase: "running", verdict: { verdict: "notEnoughEvidence", judge: "argo" } });
    expect((await detail()).verdict?.sentence).toContain("Nothing is decided without it.");
    share = 0.99;
    ahead = 12 * 60_000;
    await look();
    await look();
    expect(await world.generations()).toEqual({ "digits-0": 2, "digits-1": 2 });
  });
});
