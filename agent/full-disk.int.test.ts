import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AgentProcess, answerOf, unitOf, until, webHealth, webServer } from "./testing/harness";
import { agentWorld, healthy } from "./testing/world";

const world = agentWorld();

/** A small file system of its own; null where this user may not mount one. */
function smallDisk(): string | null {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m,mode=700", "holdfast-test", folder], { stdio: "ignore" });
  } catch {
    rmSync(folder, { recursive: true });
    return null;
  }
  world.cleanup(() => {
    execFileSync("umount", ["-l", folder]);
    rmSync(folder, { recursive: true });
  });
  return folder;
}

describe("a full disk", () => {
  // Guarantee: when the agent's disk is full to the last byte, units serve on, the session stays, reports still reach
  // the gateway, a state that cannot be kept is not acted upon and told; once there is room, all goes on by itself.
  it("stops neither the units nor the agent, and heals by itself", async () => {
    const disk = smallDisk();
    if (disk === null) return expect(process.getuid?.(), "only root can mount; the journal's own test injects the errors").not.toBe(0);
    const data = join(disk, "data");
    const g = await world.gateway();
    // Cleanups run in reverse: the agent ends first, then its units are stopped.
    world.cleanup(() => new AgentProcess(world.bundle(), ["stop-units", "--data", data]).exited);
    const a = world.agent([...g.enrolFlags(), "--data", data, "--journal-size", "256Ki"]);
    g.desire(1, [unitOf("a1", webServer("s"), { template: { health: webHealth } })]);
    const unit = await healthy(g, "a1");
    await until("applied", () => g.observed.at(-1)?.appliedGeneration === 1);
    mkdirSync(join(disk, "other"));
    const filler = join(disk, "other", "filler");
    writeFileSync(filler, "");
    const fill = (): void => {
      for (const size of [65_536, 4_096, 512, 1]) {
        try {
          for (;;) appendFileSync(filler, Buffer.alloc(size));
        } catch {
          // Full for this size.
        }
      }
    };
    fill();
    const before = g.storedTo;
    await until("the journal says so", () => (fill(), a.events("journal.cannotWrite").length > 0));
    g.desire(2, [unitOf("a1", webServer("s"), { template: { health: webHealth } }), unitOf("a2", webServer("t"), { template: { health: webHealth } })]);
    expect(await until("the state is refused", () => a.events("desired.notSaved")[0])).toMatchObject({ generation: 2, message: expect.stringContaining("ENOSPC") as string });
    await until("reports still arrive", () => g.storedTo > before + 3);
    expect(await answerOf(unit.ports.http ?? 0)).toBe(`s ${unit.pid}`);
    expect(g.observed.at(-1)).toMatchObject({ appliedGeneration: 1, receivedGeneration: 1 });
    expect(a.events("session.ended")).toEqual([]);
    rmSync(filler);
    g.desire(2, [unitOf("a1", webServer("s"), { template: { health: webHealth } }), unitOf("a2", webServer("t"), { template: { health: webHealth } })]);
    await healthy(g, "a2");
    expect(g.statuses("a1")[0]?.pid).toBe(unit.pid);
    expect(g.reports.map((r) => r.number)).toEqual(g.reports.map((_, i) => i + 1));
  });
});
