import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { TestAuthority } from "./testing/authority";
import { answerOf, BlackHole, unitOf, until, webHealth, webServer } from "./testing/harness";
import { agentWorld, healthy } from "./testing/world";

const world = agentWorld();
const served = (name: string) => unitOf(name, webServer(name), { template: { health: webHealth } });
const HOUR_MS = 3_600_000;

describe("a gateway out of reach", () => {
  // Guarantee: a black hole (sockets open, nothing gets through) is noticed, units keep serving, and reports made
  // meanwhile arrive after the heal, all of them, in order, each once.
  it("leaves units serving, and gets the buffered reports in order", async () => {
    const g = await world.gateway({ heartbeatMs: 300 });
    const hole = await BlackHole.start(g.port);
    world.cleanup(() => hole.close());
    const data = world.data();
    const a = world.agent([...g.enrolFlags(hole.address), "--data", data]);
    g.desire(1, [served("a1")]);
    const unit = await healthy(g, "a1");
    await until("reports flow", () => g.storedTo >= 3);
    hole.swallow();
    const ended = await until("the agent notices", () => a.events("session.ended").find((e) => String(e.why).includes("nothing was heard")));
    expect(ended.level).toBe("warn");
    const before = g.storedTo;
    process.kill(unit.pid ?? 0, "SIGKILL");
    const local = join(data, "state", "local-port");
    const node = (): Promise<{ connected: boolean; journalDepth: number }> => fetch(`http://127.0.0.1:${readFileSync(local, "utf8")}/v1/node`).then((r) => r.json() as Promise<{ connected: boolean; journalDepth: number }>);
    await until("reports are kept", async () => (await node()).journalDepth >= 5);
    expect((await node()).connected).toBe(false);
    await until("the unit serves again, without a gateway", () => answerOf(unit.ports.http ?? 0).then((t) => t.startsWith("a1 ") && t !== `a1 ${unit.pid}`, () => false));
    hole.heal();
    await until("the kept reports arrived", () => g.storedTo >= before + 5);
    await until("what happened meanwhile is told", () => g.reports.some((r) => r.number > before && r.body.events.some((e) => e.kind === "unit.exited")));
    expect(g.reports.map((r) => r.number)).toEqual(g.reports.map((_, i) => i + 1));
    expect(g.hellos.at(-1)?.journal).toMatchObject({ dropped: 0 });
    expect(g.hellos.at(-1)?.fresh).toBe(false);
  });

  // Guarantee: a gateway that accepts and never says a word is given up and dialled again.
  it("that falls silent is given up", async () => {
    const g = await world.gateway({ heartbeatMs: 200, manner: "mute" });
    const a = world.agent([...g.enrolFlags(), "--data", world.data()]);
    await until("it connected more than once", () => g.hellos.length >= 2);
    expect(a.events("session.ended").some((e) => String(e.why).includes("nothing was heard"))).toBe(true);
    g.manner = "obedient";
    await until("it stays", () => g.heartbeats.length > 3);
    expect(g.heartbeats.at(-1)?.rttMs).toBeGreaterThan(0);
  });

  // Guarantee: reports that were sent but not acknowledged are sent again in the next session, and no number is skipped.
  it("that never acknowledged gets everything again", async () => {
    const g = await world.gateway();
    g.acknowledge = false;
    const a = world.agent([...g.enrolFlags(), "--data", world.data()]);
    await until("connected", () => g.connected);
    await until("something was sent", () => a.events("session.open").length > 0 && g.heartbeats.some((h) => h.journalDepth > 3));
    g.acknowledge = true;
    g.cut();
    await until("all arrive", () => g.storedTo > 5);
    expect(g.reports.map((r) => r.number)).toEqual(g.reports.map((_, i) => i + 1));
  });
});

describe("the agent's certificate", () => {
  // Guarantee: it is renewed at half-life over mutual TLS, without ending the session.
  it("is renewed at half-life", async () => {
    const g = await world.gateway({ certificateMs: 4_000 });
    const a = world.agent([...g.enrolFlags(), "--data", world.data()]);
    await until("two renewals", () => g.renewals.length >= 2);
    expect(g.renewals.every((r) => !r.expired)).toBe(true);
    expect(a.events("session.ended")).toEqual([]);
  });

  // Guarantee: a node that was off for longer than its certificate lives renews it late with the same key, and goes on.
  it("that has expired is renewed late, with the same key", async () => {
    const g = await world.gateway({ certificateMs: 1_500 });
    const data = world.data();
    const first = world.agent([...g.enrolFlags(), "--data", data]);
    await until("connected", () => g.connected);
    await first.end();
    g.renewals.length = 0;
    const until2 = Date.now() + 2_600;
    await until("the certificate has expired", () => Date.now() > until2);
    g.certificateMs = HOUR_MS;
    const second = world.agent(["--data", data]);
    await until("connected again", () => second.events("session.open").length > 0);
    expect(g.renewals).toEqual([{ expired: true }]);
    expect(second.events("certificate.renewed")[0]).toMatchObject({ late: true });
  });
});

describe("a wrong clock", () => {
  // Guarantee: a machine whose clock is hours off still connects (dates are its only complaint), learns the gateway's
  // time, and does not renew in a loop.
  it("does not keep a node from its gateway", async () => {
    const offset = 5 * HOUR_MS;
    const g = await world.gateway({ clockOffsetMs: offset, server: { fromMs: Date.now() + offset - 60_000, toMs: Date.now() + offset + HOUR_MS } });
    const a = world.agent([...g.enrolFlags(), "--data", world.data()]);
    // The gateway of this test trusts its machine's clock, so the node's certificate is not valid there yet: what is
    // shown here is the agent's side, up to the upgrade.
    await until("it reached the gateway", () => a.events("session.ended").some((e) => String(e.why).includes("401")));
    expect(a.events("agent.enrolled")).toHaveLength(1);
    expect(g.renewals).toEqual([]);
  });

  // Guarantee: the tolerance is for dates alone; another authority or name is refused at any clock.
  it("excuses neither another authority nor another name", async () => {
    const offset = 5 * HOUR_MS;
    const dates = { fromMs: Date.now() + offset, toMs: Date.now() + offset + HOUR_MS };
    const wrongName = await world.gateway({ server: { ...dates, names: ["elsewhere.example.org"] } });
    const a = world.agent([...wrongName.enrolFlags(), "--data", world.data()]);
    expect(await a.exited).not.toBe(0);
    expect(a.output).toContain("gateway_unreachable");
  });
});

describe("first contact", () => {
  // Guarantee: nothing is sent to a gateway whose authority is not the one that was named.
  it("stops at an authority with another fingerprint", async () => {
    const g = await world.gateway();
    const other = await TestAuthority.create("another");
    const a = world.agent(["--gateway", g.address, "--token", g.token, "--ca-fingerprint", other.fingerprint, "--data", world.data()]);
    expect(await a.exited).toBe(4);
    expect(a.output).toContain("fingerprint_mismatch");
    expect(a.output).not.toContain(g.token);
  });

  // Guarantee: each failed start has a typed error that says what to do.
  it("fails with typed errors", async () => {
    const g = await world.gateway();
    const cases: [string[], number, RegExp][] = [
      [["--data", world.data()], 3, /not_enrolled[\s\S]*--gateway/],
      [["--data", ""], 2, /usage: --data/],
      [["--data", world.data(), "--gateway", "nonsense"], 2, /usage: --gateway/],
      [["--data", world.data(), "--slice", "cpu=much"], 2, /--slice/],
      [["--data", world.data(), "--nonsense"], 2, /usage/],
      [["--data", "/etc/hostname/data"], 7, /data_folder/],
      [[...g.enrolFlags("127.0.0.1:1"), "--data", world.data()], 6, /gateway_unreachable/],
      [["--gateway", g.address, "--token", "wrong", "--ca-fingerprint", g.authority.fingerprint, "--data", world.data()], 5, /enrolment_refused[\s\S]*token_unknown/],
    ];
    for (const [args, code, text] of cases) {
      const a = world.agent(args);
      expect(await a.exited, a.output).toBe(code);
      expect(a.output).toMatch(text);
    }
  });

  // Guarantee: two agents never share one data folder; a lock left by a crash is no obstacle.
  it("refuses a data folder that is in use", async () => {
    const g = await world.gateway();
    const data = world.data();
    const first = world.agent([...g.enrolFlags(), "--data", data]);
    await until("connected", () => g.connected);
    const second = world.agent(["--data", data]);
    expect(await second.exited).toBe(8);
    expect(second.output).toContain("data_in_use");
    await first.end("SIGKILL");
    const third = world.agent(["--data", data]);
    await until("it starts in spite of the old lock", () => third.events("session.open").length > 0);
  });
});

describe("messages from the gateway", () => {
  // Guarantee: malformed, unknown and oversized messages are refused with a log line and harm nothing.
  it("that are bad are refused, and the session or the next one goes on", async () => {
    const g = await world.gateway();
    const a = world.agent([...g.enrolFlags(), "--data", world.data()]);
    g.desire(1, [served("a1")]);
    const unit = await healthy(g, "a1");
    for (const bad of ["not json", "{}", '{"type":"surprise"}', JSON.stringify({ type: "desired", generation: 2, digest: "x", resync: false, units: [{ assignmentId: "../../etc" }], endpoints: [] })]) g.sendRaw(bad);
    await until("each is refused", () => a.events("session.messageRefused").length === 4);
    expect(a.events("session.messageRefused").at(-1)).toMatchObject({ code: "malformed", type: "desired" });
    expect(a.events("session.ended")).toEqual([]);
    g.sendRaw(JSON.stringify({ type: "ping", nonce: "x".repeat(1_100_000) }));
    await until("the session is ended for it", () => a.events("session.ended").length === 1);
    await until("and opened again", () => a.events("session.open").length === 2);
    expect(g.statuses("a1")[0]?.pid).toBe(unit.pid);
    // A state with ids that try to lead out of the folder stays inside it.
    g.desire(2, [{ ...served("a1") }, { ...served("x"), assignmentId: "../../../tmp/holdfast-escape" }]);
    await healthy(g, "../../../tmp/holdfast-escape");
    expect(readdirSync("/tmp")).not.toContain("holdfast-escape");
  });

  // Guarantee: an older state within one session is ignored; a new session may go back.
  it("that are older are ignored within a session", async () => {
    const g = await world.gateway();
    const a = world.agent([...g.enrolFlags(), "--data", world.data()]);
    await until("connected", () => g.connected);
    g.desire(7, []);
    await until("applied", () => g.observed.at(-1)?.appliedGeneration === 7);
    g.desire(5, []);
    await until("ignored", () => a.events("desired.olderIgnored").length === 1);
    g.cut();
    await until("taken in the next session", () => g.observed.at(-1)?.receivedGeneration === 5);
  });

  // Guarantee: a superseded session does not fight for its place; a refusal's wait is kept.
  it("that end the session are obeyed", async () => {
    const g = await world.gateway();
    const a = world.agent([...g.enrolFlags(), "--data", world.data()]);
    await until("connected", () => g.connected);
    g.send({ type: "refused", code: "shutting_down", message: "restarts", remedy: "wait", fatal: true, retryAfterMs: 10 });
    await until("it comes back as told", () => g.hellos.length === 2 && g.connected);
    expect(a.events("session.ended")[0]).toMatchObject({ code: "shutting_down", againInMs: 10 });
    g.send({ type: "superseded", message: "another session" });
    const ended = await until("it ends", () => a.events("session.ended").find((e) => e.why === "superseded"));
    expect(ended.againInMs).toBeGreaterThan(30_000);
  });

  // Guarantee: a state file that was damaged is told, kept aside, and replaced by what the gateway sends.
  it("replace a damaged state file", async () => {
    const g = await world.gateway();
    const data = world.data();
    const first = world.agent([...g.enrolFlags(), "--data", data]);
    g.desire(1, [served("a1")]);
    const before = await healthy(g, "a1");
    await first.end("SIGKILL");
    writeFileSync(join(data, "state", "desired.json"), '{"version":1,"units":[');
    g.observed.length = 0;
    const second = world.agent(["--data", data]);
    const after = await healthy(g, "a1");
    expect(second.events("state.unreadable")).toHaveLength(1);
    expect(after.pid).toBe(before.pid);
  });
});
