import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { join } from "node:path";
import { TestGateway } from "./testing/gateway";
import { AgentProcess, alive, answerOf, bundleAgent, Scratch, unitOf, until, webHealth, webServer } from "./testing/harness";

let bundle = "";
const release = new Scratch();
beforeAll(async () => {
  bundle = await bundleAgent(release.folder);
});
afterAll(() => release.remove());

const cleanups: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const c of cleanups.splice(0).reverse()) await c();
});

function scratch(): string {
  const s = new Scratch();
  cleanups.push(() => s.remove());
  return join(s.folder, "data");
}
async function gateway(o: Parameters<typeof TestGateway.start>[0] = {}): Promise<TestGateway> {
  const g = await TestGateway.start(o);
  cleanups.push(() => g.close());
  return g;
}
/** Starts an agent whose units are taken down with it at the end of the test. */
function agent(args: string[]): AgentProcess {
  const a = new AgentProcess(bundle, [...args, "--report-every", "200ms", "--sample-every", "500ms", "--reconnect-max", "500ms"]);
  cleanups.push(() => a.end("SIGKILL"));
  return a;
}
const stopUnits = (g: TestGateway, data: string): void => {
  cleanups.push(async () => {
    const last = new AgentProcess(bundle, ["--data", data, "--stop-units-on-exit"]);
    await until("the last agent started", () => last.events("agent.started").length > 0 || last.output.includes("data_in_use"));
    await last.end();
    void g;
  });
};

describe("an agent and a gateway", () => {
  // Guarantee: an enrolled agent runs what is desired, tells it healthy, and reports the generation as applied.
  it("enrols, connects and runs a unit", async () => {
    const g = await gateway();
    const data = scratch();
    stopUnits(g, data);
    const a = agent([...g.enrolFlags(), "--data", data]);
    g.desire(3, [unitOf("a1", webServer("one"), { template: { health: webHealth } })]);
    const status = await until("the unit is healthy", () => g.statuses("a1").find((s) => s.health === "healthy"));
    expect(await answerOf(status.ports.http ?? 0)).toBe(`one ${status.pid}`);
    await until("the generation is applied", () => g.observed.at(-1)?.appliedGeneration === 3);
    await until("the start is reported", () => g.reports.flatMap((r) => r.body.events).some((e) => e.kind === "unit.healthy" && e.assignmentId === "a1"));
    expect(g.malformed).toEqual([]);
    expect(await a.end()).toBe(0);
    expect(alive(status.pid ?? 0)).toBe(true);
  });
});
