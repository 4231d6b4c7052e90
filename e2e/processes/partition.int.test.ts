import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setTimeout as delay } from "node:timers/promises";
import { Deployment, type Api } from "../deployment/deployment";
import { until } from "../deployment/until";
import { buildWorld, explain, PROJECT } from "../deployment/world";

/** How long the site is cut off: two minutes in `npm run test:long`, shorter in `npm test`. */
const CUT_MS = process.env["HOLDFAST_LONG"] === "1" ? 120_000 : 40_000;
const SITE = "edge-hamburg";
const NODE = `node-${SITE}`;

/**
 * Guarantee: a site that is cut off (its sockets blackholed, not closed) goes on serving, is shown silent with its age
 * and never as healthy, and after the heal its buffered reports arrive in order, each once.
 */
const d = new Deployment();
let api: Api;
beforeAll(async () => {
  await d.start();
  await buildWorld(d);
  api = d.api();
}, 300_000);
afterAll(() => d.stop(), 60_000);

const node = () => api.fleet.node.query({ project: PROJECT, name: NODE });
const served = async (fromMs: number, toMs: number): Promise<number> => {
  const [chart] = await api.telemetry.workload.query({ project: PROJECT, name: "digits", metric: "requestsPerSecond", by: "site", range: { fromMs, toMs } });
  const points = chart?.series.find((s) => s.site === SITE)?.points ?? [];
  return points.filter((p) => p[1] !== null && p[1] > 0).length;
};

describe("a site that is cut off", () => {
  it("keeps serving, is shown silent with its age, and brings its reports in order after the heal", async () => {
    const link = d.agents.get(NODE)?.link;
    if (!link) throw new Error("there is no link");
    await until("requests of the site to be measured", async () => (await served(Date.now() - 300_000, Date.now())) > 0, 120_000, () => explain(d));
    const cutAt = Date.now();
    link.cut();

    await until("the node to be shown silent", async () => (await node()).state.state === "silent", 10_000, () => explain(d));
    expect(Date.now() - cutAt, "silent within the stated time, 3 s here, and one refresh").toBeLessThan(8_000);
    const pids = (await node()).unitsHere.map((u) => u.assignmentId).sort();
    let looks = 0;
    while (Date.now() - cutAt < CUT_MS) {
      const n = await node();
      // Never shown as healthy while nobody knows, neither the node nor what runs on it.
      expect(n.state.state).toBe("silent");
      expect(n.state.sinceMs).not.toBeNull();
      expect(n.unitsHere.map((u) => u.state.state)).not.toContain("healthy");
      expect((await api.home.get.query({ project: PROJECT })).needsMe.some((x) => x.text.includes("silent"))).toBe(true);
      looks++;
      await delay(2_000);
    }
    expect(looks).toBeGreaterThan(5);
    // No unit was replaced: the default is to wait for ever.
    expect((await node()).unitsHere.map((u) => u.assignmentId).sort()).toEqual(pids);
    const healAt = Date.now();
    link.heal();

    await until("the node to be back", async () => (await node()).state.state === "healthy", 60_000, () => explain(d));
    await until("its backlog to be stored", async () => (await node()).journalDepth === 0, 60_000, () => explain(d));
    // It served the whole time: every whole minute of the cut has requests that were measured at the site.
    const from = Math.ceil(cutAt / 60_000) * 60_000;
    const whole = Math.floor((Math.floor(healAt / 60_000) * 60_000 - from) / 60_000);
    expect(await served(cutAt - 60_000, healAt)).toBeGreaterThanOrEqual(Math.max(1, whole));
    const n = await node();
    const spell = n.spells[0];
    expect(spell).toMatchObject({ reportsDropped: 0 });
    expect(spell?.toMs).not.toBeNull();
    expect(spell?.reportsReceived).toBeGreaterThan(0);
    expect(spell?.corrections).toBeGreaterThanOrEqual(0);
    // Events of the time without contact came with the time at which they happened, and in that order.
    const units = n.unitsHere.filter((u) => u.desired.action === "run");
    expect(units.every((u) => u.state.state === "healthy")).toBe(true);
    expect(units.every((u) => (u.observed?.restarts ?? 0) === 0), "no unit was restarted by the cut or the heal").toBe(true);
  }, 400_000);
});
