import { readFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sketchCount, sketchFromBase64, sketchQuantile } from "../../server/core/telemetry/sketch";
import { localNode, serviceEndpoints } from "../../server/protocol/local-api";
import { AgentProcess, unitOf, until, webHealth, webServer } from "../testing/harness";
import { agentWorld, healthy } from "../testing/world";

const world = agentWorld();
const portOf = (data: string): number => Number(readFileSync(join(data, "state", "local-port"), "utf8"));
const tokenOf = (pid: number | null): string => /HOLDFAST_UNIT_TOKEN=([^\0]+)/.exec(readFileSync(`/proc/${pid}/environ`, "utf8"))?.[1] ?? "";
const served = (id: string) => unitOf(id, webServer(id), { template: { health: webHealth } });

describe("the local interface", () => {
  // Guarantee: telemetry is taken from units only, booked under the unit whose token it carries, and its quantiles hold.
  it("takes telemetry from units and from nobody else", async () => {
    const g = await world.gateway();
    const data = world.data();
    const first = world.agent([...g.enrolFlags(), "--data", data]);
    g.desire(1, [served("a1")]);
    const unit = await healthy(g, "a1");
    const url = `http://127.0.0.1:${portOf(data)}`;
    const post = (body: unknown, token: string) => fetch(`${url}/v1/telemetry`, { method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: typeof body === "string" ? body : JSON.stringify(body) });
    const token = tokenOf(unit.pid);
    const requests = Array.from({ length: 1_000 }, (_, i) => ({ latencyMs: 1 + i / 10, ok: i % 100 !== 0 }));
    expect((await post({ requests, predictions: [{ id: "p1", predicted: "7", confidence: 0.9, atMs: 1 }], labels: [{ id: "p0", workload: "digits", label: "3", atMs: 2 }] }, token)).status).toBe(204);
    const all = () => g.reports.map((r) => r.body);
    await until("it is reported", () => all().some((b) => b.requests.length > 0) && all().some((b) => b.predictions.length > 0));
    const minute = all().flatMap((b) => b.requests)[0];
    expect(minute).toMatchObject({ assignmentId: "a1", workload: "digits", generation: 1, count: 1_000, errors: 10 });
    const sketch = sketchFromBase64(minute?.sketch ?? "");
    expect(sketch && sketchCount(sketch)).toBe(1_000);
    expect(Math.abs((sketch ? (sketchQuantile(sketch, 0.99) ?? 0) : 0) / 99.9 - 1)).toBeLessThan(0.011);
    expect(all().flatMap((b) => b.predictions)).toEqual([{ id: "p1", assignmentId: "a1", workload: "digits", generation: 1, atMs: 1, predicted: "7", confidence: 0.9 }]);
    expect(all().flatMap((b) => b.labels)).toEqual([{ id: "p0", workload: "digits", atMs: 2, label: "3" }]);
    expect((await post({}, "wrong")).status).toBe(401);
    const bad = await post({ requests: [{ latencyMs: -1, ok: true }] }, token);
    expect(bad.status).toBe(422);
    expect(await bad.json()).toMatchObject({ error: { code: "invalid_input", field: "requests.0.latencyMs" } });
    expect((await post("{", token)).status).toBe(422);
    expect((await post(`"${"x".repeat(5_000_000)}"`, token)).status).toBe(413);
    // The token stands in a running process, so it holds after the agent was killed.
    await first.end("SIGKILL");
    world.agent(["--data", data]);
    await until("the next agent takes it too, at the same port", () => post({}, token).then((r) => r.status === 204, () => false));
  });

  // Guarantee: endpoints of a service are those that are ready, this node's first and as they are now; others' as last told.
  it("tells the endpoints of a service, also while cut off", async () => {
    const g = await world.gateway();
    const data = world.data();
    world.agent([...g.enrolFlags(), "--data", data]);
    const remote = { service: "digits", unit: "digits-9", assignmentId: "z", node: "other", site: "berlin", generation: 1, address: "192.0.2.7", port: 80, portName: "http" };
    g.desire(1, [served("a1"), unitOf("a2", "process.exit(1)", { template: { health: webHealth } })], [remote, { ...remote, node: "edge-1", assignmentId: "stale" }, { ...remote, service: "another" }]);
    const unit = await healthy(g, "a1");
    const ask = async (path: string): Promise<unknown> => (await fetch(`http://127.0.0.1:${portOf(data)}${path}`)).json();
    const told = serviceEndpoints.parse(await ask("/v1/services/digits"));
    expect(told.endpoints.map((e) => [e.local, e.address, e.port])).toEqual([[true, "127.0.0.1", unit.ports.http], [false, "192.0.2.7", 80]]);
    await g.close();
    await until("it is cut off", async () => !localNode.parse(await ask("/v1/node")).connected);
    expect(serviceEndpoints.parse(await ask("/v1/services/digits"))).toEqual(told);
    process.kill(unit.pid ?? 0, "SIGSTOP");
    world.cleanup(() => void process.kill(unit.pid ?? 0, "SIGCONT"));
    await until("a unit that does not answer is left out", async () => serviceEndpoints.parse(await ask("/v1/services/digits")).endpoints.every((e) => !e.local));
    expect(serviceEndpoints.parse(await ask("/v1/services/nothing")).endpoints).toEqual([]);
  });

  // Guarantee: a web page in a browser on the machine cannot use it (its requests carry another Host).
  it("refuses requests by another name", async () => {
    const g = await world.gateway();
    const data = world.data();
    world.agent([...g.enrolFlags(), "--data", data]);
    await until("connected", () => g.connected);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const r = request({ host: "127.0.0.1", port: portOf(data), path: "/v1/node", headers: { host: "rebound.example.org" } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      r.on("error", reject).end();
    });
    expect(status).toBe(403);
  });

  // Guarantee: units that outlived the agent reach it again although somebody took its port in between.
  it("takes its port back", async () => {
    const g = await world.gateway();
    const data = world.data();
    const first = world.agent([...g.enrolFlags(), "--data", data]);
    await until("connected", () => g.connected);
    const port = portOf(data);
    await first.end("SIGKILL");
    const thief = createServer();
    await until("the port is taken", () => new Promise<boolean>((resolve) => thief.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true))));
    const second = world.agent(["--data", data]);
    await until("it uses another", () => second.events("local.portTaken").length === 1);
    thief.close();
    await until("it is taken back", () => second.events("local.portTakenBack").length === 1);
    expect((await fetch(`http://127.0.0.1:${port}/v1/health`)).status).toBe(200);
  });
});

describe("the local command line", () => {
  const run = async (...args: string[]): Promise<string> => {
    const p = new AgentProcess(world.bundle(), args);
    expect(await p.exited, p.output).toBe(0);
    return p.output;
  };
  // Guarantee: people on the machine see node, units and logs while connected, while cut off, and without any agent.
  it("works connected, cut off and without an agent", async () => {
    const g = await world.gateway();
    const data = world.data();
    const a = world.agent([...g.enrolFlags(), "--data", data]);
    g.desire(1, [served("a1")]);
    const unit = await healthy(g, "a1");
    expect(await run("status", "--data", data)).toMatch(/edge-1[\s\S]*connected for/);
    expect(await run("units", "--data", data)).toMatch(new RegExp(`a1-unit +1 +running +healthy +${unit.pid}`));
    await g.close();
    await until("it is cut off", async () => (await run("status", "--data", data)).includes("cut off for"));
    expect(await run("logs", "a1-unit", "--data", data)).toContain("listening a1");
    await a.end("SIGKILL");
    expect(await run("status", "--data", data)).toContain("not running");
    expect(await run("units", "--data", data)).toMatch(/a1-unit +1 +running/);
    expect(JSON.parse(await run("units", "--data", data, "--json"))).toMatchObject([{ unit: "a1-unit", running: true }]);
    expect(await run("stop-units", "--data", data)).toContain("1 units stopped");
    expect(await run("units", "--data", data)).toContain("not running");
    const missing = new AgentProcess(world.bundle(), ["logs", "nobody", "--data", data]);
    expect(await missing.exited).toBe(13);
    expect(missing.output).toContain("no unit named nobody");
  });
});
