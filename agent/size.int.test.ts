import { readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { unitOf, until, webHealth, webServer } from "./testing/harness";
import { agentWorld, healthy } from "./testing/world";

const world = agentWorld();
const kib = (pid: number, field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? NaN);

describe("the agent's size", () => {
  // Guarantee: the bundle is under 2 MB, needs nothing beside Node, and the agent rests under 80 MB of memory.
  it("is a bundle under 2 MB and under 80 MB of memory at rest", async () => {
    expect(statSync(world.bundle()).size).toBeLessThan(2_000_000);
    const g = await world.gateway();
    const a = world.agent([...g.enrolFlags(), "--data", world.data()]);
    g.desire(1, [1, 2, 3].map((n) => unitOf(`a${n}`, webServer("x"), { template: { health: webHealth } })));
    await healthy(g, "a3");
    // Sixty reports and some dozen health checks on, allocation has reached its usual height.
    await until("it has worked for a while", () => g.storedTo >= 60, 50_000);
    const megabytes = kib(a.pid, "VmRSS") / 1_000;
    console.log(`agent at rest: ${megabytes.toFixed(1)} MB resident, bundle ${(statSync(world.bundle()).size / 1_000).toFixed(0)} kB`);
    expect(megabytes).toBeLessThan(80);
  });
});
