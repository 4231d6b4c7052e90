import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { routes } from "../store";
import { testDatabase } from "../testing/database";
import { DEFAULT_PROJECT } from "../testing/fleet-rows";
import { assign, makeWorkload, startTestGateway } from "../testing/test-gateway";
import type { TestGateway } from "../testing/test-gateway";
import { until } from "../testing/until";

const db = testDatabase();
let gate: TestGateway;
beforeAll(async () => {
  gate = await startTestGateway(db);
});
afterAll(() => gate.gateway.stop());

describe("routes", () => {
  // Guarantee: how a service is divided at a site reaches every node of that site and no other, changes as it is changed, and goes when it is cleared.
  it("reach the nodes of their site", async () => {
    const kiel = await gate.agent("kiel-1", { site: "edge-kiel" });
    const oslo = await gate.agent("oslo-1", { site: "edge-oslo" });
    const workload = await makeWorkload(db, "routed");
    const spec = (await db.asOwner<{ spec: object }>("select spec from objects where id = $1", [workload]))[0]?.spec;
    expect(spec).toMatchObject({ template: { ports: [{ name: "http" }] } });
    await assign(db, { workload, node: kiel.nodeId });
    await assign(db, { workload, node: oslo.nodeId });
    await kiel.connect();
    await oslo.connect();
    await until("both know what to run", () => [kiel, oslo].every((a) => (a.desired?.units.length ?? 0) === 1));
    const [site] = await db.asOwner<{ id: string }>("select id from sites where name = 'edge-kiel'");
    const at = { projectId: DEFAULT_PROJECT.id, workloadId: workload, siteIds: [site?.id ?? ""] };
    await db.store.inTransaction((tx) => routes.set(tx, at, { weights: [{ generation: 1, weight: 90 }, { generation: 2, weight: 10 }], sticky: { by: "cookie", name: "user" } }));
    await until("the site is told", () => kiel.desired?.routes.length === 1);
    expect(kiel.desired?.routes[0]).toMatchObject({ service: "routed", portName: "http", weights: [{ generation: 1, weight: 90 }, { generation: 2, weight: 10 }], sticky: { by: "cookie", name: "user" }, retries: { attempts: 1, budgetPercent: 20 }, spread: "site" });
    await db.store.inTransaction((tx) => routes.set(tx, at, { weights: [{ generation: 2, weight: 100 }] }));
    await until("the new weights are told, and the rest stays", () => kiel.desired?.routes[0]?.weights.length === 1 && kiel.desired.routes[0].sticky !== null);
    await db.store.inTransaction((tx) => routes.clear(tx, at));
    await until("it is gone", () => kiel.desired?.routes.length === 0);
    expect(oslo.all("desired").every((d) => d.routes.length === 0)).toBe(true);
    await kiel.close();
    await oslo.close();
  });
});
