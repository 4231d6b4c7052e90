import { describe, expect, it } from "vitest";
import { silentLogger } from "./log";
import { createMetrics, serveOps } from "./metrics";

describe("the operations server", () => {
  it("answers metrics, liveness and readiness, and nothing else", async () => {
    let ready = false;
    const ops = await serveOps({ port: 0, registry: createMetrics("scheduler"), log: silentLogger, health: () => ({ ready, details: { database: "reachable" } }) });
    const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${ops.port}${path}`, init);
    try {
      expect(await (await get("/metrics")).text()).toContain('process="scheduler"');
      expect((await get("/live")).status).toBe(200);
      expect((await get("/ready")).status).toBe(503);
      ready = true;
      const answer = await get("/ready");
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual({ ready: true, details: { database: "reachable" } });
      expect((await get("/")).status).toBe(404);
      expect((await get("/metrics", { method: "POST" })).status).toBe(405);
    } finally {
      await ops.close();
    }
  });
  it("is not ready when the check itself fails", async () => {
    const ops = await serveOps({ port: 0, registry: createMetrics("gateway"), log: silentLogger, health: () => Promise.reject(new Error("database away")) });
    try {
      expect((await fetch(`http://127.0.0.1:${ops.port}/ready`)).status).toBe(503);
    } finally {
      await ops.close();
    }
  });
});
