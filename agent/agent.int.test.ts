import { describe, expect, it } from "vitest";
import { alive, answerOf, unitOf, until, webHealth, webServer } from "./testing/harness";
import { agentWorld, healthy } from "./testing/world";

const world = agentWorld();

describe("an agent and a gateway", () => {
  // Guarantee: an enrolled agent runs what is desired, tells it healthy, and reports the generation as applied.
  it("enrols, connects, runs a unit and stops it", async () => {
    const g = await world.gateway();
    const a = world.agent([...g.enrolFlags(), "--data", world.data()]);
    const unit = unitOf("a1", webServer("one"), { template: { health: webHealth } });
    g.desire(3, [unit]);
    const status = await healthy(g, "a1");
    expect(await answerOf(status.ports.http ?? 0)).toBe(`one ${status.pid}`);
    await until("the generation is applied", () => g.observed.at(-1)?.appliedGeneration === 3);
    const events = await until("the start is reported", () => {
      const all = g.reports.flatMap((r) => r.body.events);
      return all.some((e) => e.kind === "unit.healthy") ? all : null;
    });
    expect(events.map((e) => e.kind)).toEqual(expect.arrayContaining(["agent.started", "unit.started", "unit.healthy"]));
    await until("usage is reported", () => g.reports.some((r) => r.body.usage.length > 0) && g.reports.some((r) => r.body.unitUsage.some((u) => (u.memoryBytes ?? 0) > 1_000_000)));
    g.desire(4, [{ ...unit, action: "stop" }]);
    await until("it is stopped", () => g.statuses("a1").some((s) => s.phase === "stopped") && g.observed.at(-1)?.appliedGeneration === 4);
    expect(alive(status.pid ?? 0)).toBe(false);
    g.desire(5, []);
    await until("it is forgotten", () => g.observed.at(-1)?.appliedGeneration === 5 && g.observed.at(-1)?.units.length === 0);
    expect(g.malformed).toEqual([]);
    expect(await a.end()).toBe(0);
  });
});
