import { setTimeout as delay } from "node:timers/promises";
import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { alive, answerOf, unitOf, until, webHealth, webServer } from "./testing/harness";
import { agentWorld, healthy, isShell, processesWith } from "./testing/world";

const world = agentWorld();
const served = (name: string, o: Parameters<typeof unitOf>[2] = {}) => unitOf(name, webServer(name), { ...o, template: { health: webHealth, ...o.template } });

describe("units outlive their agent", () => {
  // Guarantee: kill -9 of the agent stops no unit; the next agent finds the same process again and starts no second one.
  it("finds its units again after kill -9, not doubled, with their log and ports", async () => {
    const g = await world.gateway();
    const data = world.data();
    const first = world.agent([...g.enrolFlags(), "--data", data]);
    g.desire(1, [served("a1")]);
    const before = await healthy(g, "a1");
    await first.end("SIGKILL");
    expect(await answerOf(before.ports.http ?? 0)).toBe(`a1 ${before.pid}`);
    g.observed.length = 0;
    const second = world.agent(["--data", data]);
    const after = await healthy(g, "a1");
    expect({ pid: after.pid, ports: after.ports, restarts: after.restarts, startedAtMs: after.startedAtMs }).toEqual({ pid: before.pid, ports: before.ports, restarts: 0, startedAtMs: before.startedAtMs });
    expect(processesWith(data).filter((p) => p !== second.pid)).toHaveLength(1);
    await until("the adoption is reported", () => g.reports.flatMap((r) => r.body.events).some((e) => e.kind === "unit.adopted" && e.assignmentId === "a1"));
    // It is still supervised: its end is noticed although it is nobody's child here, and it is started again.
    process.kill(before.pid ?? 0, "SIGKILL");
    const again = await until("it was started again", () => g.statuses("a1").find((s) => s.health === "healthy" && s.restarts === 1));
    expect(again.pid).not.toBe(before.pid);
    expect(again.ports).toEqual(before.ports);
    const exits = await until("its end is reported", () => g.reports.flatMap((r) => r.body.events).find((e) => e.kind === "unit.exited"));
    expect(exits.message).toContain("SIGKILL");
  });

  // Guarantee: whenever the agent is killed, a unit runs at most once, and once in the end.
  it("never runs a unit twice, at whatever moment the agent is killed", async () => {
    const g = await world.gateway();
    const data = world.data();
    const tags = ["a1", "a2"].map((name) => ({ name, tag: `${name}-${randomUUID()}` }));
    g.desire(1, tags.map(({ name, tag }) => unitOf(name, webServer(tag), { template: { health: webHealth } })));
    // The programs alone are counted: the shells around them have the same words in their arguments, and so has a fork until its exec.
    const runners = (): number[] => tags.map(({ tag }) => processesWith(tag).filter((pid) => !isShell(pid)).length);
    let killed = 0;
    for (const afterMs of [150, 190, 220, 240, 260, 280, 300, 330, 370, 420]) {
      const a = world.agent([...(killed === 0 ? g.enrolFlags() : []), "--data", data]);
      if (killed === 0) await until("it is enrolled", () => a.events("agent.enrolled").length > 0);
      await delay(afterMs);
      await a.end("SIGKILL");
      killed += 1;
      expect(Math.max(...runners())).toBeLessThanOrEqual(1);
    }
    g.observed.length = 0;
    world.agent(["--data", data]);
    await healthy(g, "a1");
    await healthy(g, "a2");
    expect(runners()).toEqual([1, 1]);
  });

  // Guarantee: after a reboot everything desired is started again from the state file, without a gateway.
  it("starts its units again after a reboot without a gateway", async () => {
    const g = await world.gateway();
    const data = world.data();
    const first = world.agent([...g.enrolFlags(), "--data", data, "--boot-id", "boot-1"]);
    g.desire(4, [served("a1"), served("a2", { action: "stop" })]);
    const before = await healthy(g, "a1");
    await until("applied", () => g.observed.at(-1)?.appliedGeneration === 4);
    await first.end("SIGKILL");
    await g.close();
    for (const pid of processesWith(`${data}/units`)) process.kill(-pid, "SIGKILL");
    await until("everything is gone", () => !alive(before.pid ?? 0));
    const second = world.agent(["--data", data, "--boot-id", "boot-2"]);
    await until("it answers again", () => answerOf(before.ports.http ?? 0).then((t) => t.startsWith("a1 "), () => false));
    expect(second.events("agent.started")[0]).toMatchObject({ units: 2 });
    expect(processesWith(`${data}/units`)).toHaveLength(1);
  });

  // Guarantee: SIGTERM leaves units running; with --stop-units-on-exit it drains them, and no process is left.
  it("leaves its units running on SIGTERM, and takes them along when told to", async () => {
    const g = await world.gateway();
    const data = world.data();
    const first = world.agent([...g.enrolFlags(), "--data", data]);
    g.desire(1, [served("a1")]);
    const unit = await healthy(g, "a1");
    expect(await first.end("SIGTERM")).toBe(0);
    expect(alive(unit.pid ?? 0)).toBe(true);
    g.observed.length = 0;
    const second = world.agent(["--data", data, "--stop-units-on-exit"]);
    await healthy(g, "a1");
    expect(await second.end("SIGTERM")).toBe(0);
    expect(alive(unit.pid ?? 0)).toBe(false);
    expect(processesWith(`${data}/units`)).toEqual([]);
    g.observed.length = 0;
    world.agent(["--data", data]);
    expect(await healthy(g, "a1")).toMatchObject({ restarts: 0 });
  });
});

describe("a new revision", () => {
  // Guarantee: the new revision is healthy before the old one is drained; requests never find nobody.
  it("takes over only when it is healthy, and the old one drains", async () => {
    const g = await world.gateway();
    const a = world.agent([...g.enrolFlags(), "--data", world.data()]);
    g.desire(1, [served("a1")]);
    const old = await healthy(g, "a1", 1);
    g.desire(2, [served("a1", { generation: 2 })]);
    const next = await healthy(g, "a1", 2);
    await until("only the new one is left", () => g.statuses("a1").length === 1 && g.observed.at(-1)?.appliedGeneration === 2);
    const both = g.observed.filter((o) => o.units.some((u) => u.generation === 2) && o.units.some((u) => u.generation === 1));
    for (const o of both) expect(o.units.some((u) => u.health === "healthy" || (u.generation === 2 && u.phase === "running"))).toBe(true);
    expect(alive(old.pid ?? 0)).toBe(false);
    expect(await answerOf(next.ports.http ?? 0)).toContain("a1");
    expect(a.events("unit.exited").find((e) => e.generation === 1)).toMatchObject({ exit: "exited with code 0" });
  });

  // Guarantee: a new revision that never gets healthy leaves the old one serving, is reported, and is not applied.
  it("that fails its health check leaves the old one serving", async () => {
    const g = await world.gateway();
    world.agent([...g.enrolFlags(), "--data", world.data()]);
    g.desire(1, [served("a1")]);
    const old = await healthy(g, "a1", 1);
    const bad = unitOf("a1", `require("http").createServer((q,r)=>{r.statusCode=503;r.end()}).listen(+process.env.PORT,"127.0.0.1")`, { generation: 2, template: { health: { ...webHealth, startPeriod: "100ms" } } });
    g.desire(2, [bad]);
    const failing = await until("the new one is unhealthy", () => g.statuses("a1").find((s) => s.generation === 2 && s.health === "unhealthy"));
    expect(failing.message).toContain("503");
    expect(g.statuses("a1").find((s) => s.generation === 1)).toMatchObject({ health: "healthy", pid: old.pid, phase: "running" });
    await until("it is restarted after more failures", () => g.statuses("a1").find((s) => s.generation === 2 && s.restarts > 0 && s.health === "unhealthy"));
    expect(await answerOf(old.ports.http ?? 0)).toBe(`a1 ${old.pid}`);
    expect(g.observed.at(-1)).toMatchObject({ appliedGeneration: 1, receivedGeneration: 2 });
    // Rolling back finds the old one as it was.
    g.desire(3, [served("a1")]);
    await until("rolled back", () => g.observed.at(-1)?.appliedGeneration === 3 && g.statuses("a1").length === 1);
    expect(g.statuses("a1")[0]).toMatchObject({ generation: 1, pid: old.pid, health: "healthy", restarts: 0 });
  });
});
