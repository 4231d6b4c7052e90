import { createHash, randomBytes } from "node:crypto";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { alive, answerOf, unitOf, until, webHealth, webServer } from "./testing/harness";
import type { TestGateway } from "./testing/gateway";
import { agentWorld, healthy, processesWith } from "./testing/world";

const world = agentWorld();
const digestOf = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const logsOf = (g: TestGateway, requestId: string): string => g.logs.filter((l) => l.requestId === requestId).map((l) => l.text).join("");
const idle = "setInterval(()=>{},1000)";

describe("limits", () => {
  // Guarantee: the level of isolation that is reported was proven by exceeding a limit, and a unit that exceeds its
  // memory is ended by the kernel, told as such, and started again with back-off.
  it("are proven, enforced and reported", async () => {
    const g = await world.gateway();
    const data = world.data();
    world.agent([...g.enrolFlags(), "--data", data, "--slice", "cpu=800m,memory=512Mi,disk=1Gi"]);
    await until("connected", () => g.hellos[0]);
    const { engines, offered, sliced } = g.hellos[0]?.facts ?? { engines: [] };
    const level = engines[0]?.limits;
    expect(engines[0]).toMatchObject({ type: "process", limitsProven: level !== "none" });
    expect(engines[0]?.limitsNote).toMatch(/stopped|not there/);
    expect({ offered, sliced }).toEqual({ offered: { cpuMillis: 800, memoryBytes: 512 * 2 ** 20, diskBytes: 2 ** 30 }, sliced: true });
    expect(JSON.parse(readFileSync(join(data, "state", "limits.json"), "utf8"))).toMatchObject({ level, bootId: g.hellos[0]?.facts.bootId });
    const greedy = unitOf("a1", `const keep=[];setInterval(()=>keep.push(Buffer.alloc(16<<20,1)),20)`, { template: { ports: [], resources: { memory: "96Mi" } } });
    g.desire(1, [greedy, unitOf("a2", webServer("modest"), { template: { health: webHealth, resources: { memory: "96Mi" } } })]);
    await healthy(g, "a2");
    if (level === "cgroup1" || level === "cgroup2") {
      const event = await until("the kill is reported", () => g.reports.flatMap((r) => r.body.events).find((e) => e.kind === "unit.oomKilled"));
      expect(event).toMatchObject({ assignmentId: "a1", message: expect.stringContaining("memory limit") as string });
      const status = await until("it is started again", () => g.statuses("a1").find((s) => s.restarts >= 1));
      expect(status.limits).toBe(level);
      await until("its memory is measured", () => g.statuses("a2").some((s) => (s.memoryBytesUsed ?? 0) > 2 ** 20 && (s.memoryBytesUsed ?? 0) < 96 * 2 ** 20));
    }
    expect(g.statuses("a2")[0]).toMatchObject({ restarts: 0, limits: level });
  });
});

describe("artifacts", () => {
  // Guarantee: an interrupted download goes on where it stopped; what arrives is verified; units share one copy; the
  // command and the environment name its path.
  it("are resumed, verified, shared and handed to units", async () => {
    const g = await world.gateway();
    const data = world.data();
    const program = Buffer.concat([Buffer.from(webServer("from-artifact")), Buffer.from(`//${randomBytes(400_000).toString("hex")}\n`)]);
    const model = randomBytes(5_000);
    g.artifacts.set(digestOf(program), program).set(digestOf(model), model);
    g.cutArtifactAfter = 300_000;
    world.agent([...g.enrolFlags(), "--data", data]);
    const template = { engine: { type: "process" as const, command: ["${node}", "${artifact.app}"] }, artifacts: [{ name: "app", digest: digestOf(program) }, { name: "my-model", digest: digestOf(model) }], health: webHealth };
    g.desire(1, [unitOf("a1", "", { template }), unitOf("a2", "", { template })]);
    const one = await healthy(g, "a1");
    await healthy(g, "a2");
    expect(await answerOf(one.ports.http ?? 0)).toBe(`from-artifact ${one.pid}`);
    expect(g.artifactRequests.filter((r) => r.digest === digestOf(program))).toEqual([{ digest: digestOf(program), range: null }, { digest: digestOf(program), range: expect.stringMatching(/^bytes=\d+-$/) as string }]);
    expect(g.artifactRequests.filter((r) => r.digest === digestOf(model))).toHaveLength(1);
    const environment = readFileSync(`/proc/${one.pid}/environ`, "utf8");
    const path = /HOLDFAST_ARTIFACT_MY_MODEL=([^\0]+)/.exec(environment)?.[1] ?? "";
    expect(readFileSync(path).equals(model)).toBe(true);
    expect(statSync(path).mode & 0o222).toBe(0);
  });

  // Guarantee: bytes that do not match their digest never reach a unit; the unit waits, says why, and recovers.
  it("that lie are thrown away", async () => {
    const g = await world.gateway();
    const data = world.data();
    const program = Buffer.from(webServer("true"));
    g.artifacts.set(digestOf(program), program);
    g.lieAboutArtifact = Buffer.from("process.exit(3)");
    world.agent([...g.enrolFlags(), "--data", data]);
    g.desire(1, [unitOf("a1", "", { template: { engine: { type: "process", command: ["${node}", "${artifact.app}"] }, artifacts: [{ name: "app", digest: digestOf(program) }], health: webHealth } })]);
    const waiting = await until("it says why", () => g.statuses("a1").find((s) => s.phase === "fetching" && s.message.includes("thrown away")));
    expect(waiting.pid).toBeNull();
    await until("it is reported", () => g.reports.flatMap((r) => r.body.events).some((e) => e.kind === "artifact.failed"));
    g.lieAboutArtifact = null;
    await healthy(g, "a1");
  });

  // Guarantee: archives unpack to where the unit finds them; one that leads out of its folder is refused.
  it("are unpacked safely", async () => {
    const g = await world.gateway();
    const folder = mkdtempSync(join(tmpdir(), "holdfast-tar-"));
    world.cleanup(() => rmSync(folder, { recursive: true }));
    mkdirSync(join(folder, "in", "sub"), { recursive: true });
    writeFileSync(join(folder, "in", "sub", "main.js"), webServer("unpacked"));
    symlinkSync("sub/main.js", join(folder, "in", "entry.js"));
    symlinkSync("/etc/passwd", join(folder, "evil"));
    const good = execFileSync("tar", ["-czf", "-", "-C", join(folder, "in"), "."]);
    const evil = execFileSync("tar", ["-czf", "-", "-C", folder, "evil"]);
    g.artifacts.set(digestOf(good), good).set(digestOf(evil), evil);
    world.agent([...g.enrolFlags(), "--data", world.data()]);
    const using = (archive: Buffer) => ({ engine: { type: "process" as const, command: ["${node}", "${artifact.app}/entry.js"] }, artifacts: [{ name: "app", digest: digestOf(archive), unpack: "tar.gz" as const }], health: webHealth });
    g.desire(1, [unitOf("a1", "", { template: using(good) }), unitOf("a2", "", { template: using(evil) })]);
    expect(await answerOf((await healthy(g, "a1")).ports.http ?? 0)).toContain("unpacked");
    const refused = await until("the other is refused", () => g.statuses("a2").find((s) => s.message.includes("/etc/passwd")));
    expect(refused.phase).toBe("fetching");
  });
});

describe("a unit's life", () => {
  // Guarantee: crashes are restarted with growing waits, and exits, signals and restarts are told as they were.
  it("restarts with back-off and tells exits as they were", async () => {
    const g = await world.gateway();
    const a = world.agent([...g.enrolFlags(), "--data", world.data()]);
    g.desire(1, [unitOf("a1", "process.exit(7)", { template: { ports: [] } }), unitOf("a2", "process.exit(0)", { kind: "batch", template: { ports: [] } }), unitOf("a3", "process.exit(5)", { kind: "batch", template: { ports: [], restart: { policy: "never" } } }), unitOf("a4", "", { template: { ports: [], engine: { type: "process", command: ["/no/such/program"] } } })]);
    const times = (event: string): number[] => a.events(event).filter((e) => e.unit === "a1-unit").map((e) => Date.parse(String(e.time)));
    await until("three restarts", () => times("unit.started").length >= 4 && g.statuses("a1").some((s) => s.restarts >= 3));
    expect(g.statuses("a1")[0]).toMatchObject({ exitCode: 7 });
    const waits = times("unit.exited").slice(0, 3).map((t, i) => (times("unit.started")[i + 1] ?? 0) - t);
    for (const [i, least] of [200, 400, 800].entries()) expect(waits[i]).toBeGreaterThan(least - 5);
    expect(g.statuses("a2")[0]).toMatchObject({ phase: "succeeded", exitCode: 0, restarts: 0 });
    expect(g.statuses("a3")[0]).toMatchObject({ phase: "failed", exitCode: 5, restarts: 0 });
    expect(await until("the missing program is told", () => g.statuses("a4").find((s) => s.exitCode === 127 && s.phase === "backoff"))).toMatchObject({ message: "exited with code 127" });
  });

  // Guarantee: a unit that does not end by itself within its grace is killed with everything it started.
  it("is killed after its grace, children included", async () => {
    const g = await world.gateway();
    const data = world.data();
    world.agent([...g.enrolFlags(), "--data", data]);
    const stubborn = unitOf("a1", `process.on("SIGTERM",()=>console.log("no"));require("child_process").spawn(process.execPath,["-e","process.on('SIGTERM',()=>{});${idle}","${data}/child"]);${idle}`, { template: { ports: [], stop: { grace: "500ms" } } });
    g.desire(1, [stubborn]);
    await until("its child runs", () => processesWith(`${data}/child`).length === 2);
    await healthy(g, "a1");
    g.desire(2, [{ ...stubborn, action: "stop" }]);
    await until("it is stopped", () => g.statuses("a1").some((s) => s.phase === "stopped"));
    expect(processesWith(`${data}/child`)).toEqual([]);
  });

  // Guarantee: a port that somebody else took meanwhile is replaced by another.
  it("gets another port when its own was taken", async () => {
    const g = await world.gateway();
    const data = world.data();
    const first = world.agent([...g.enrolFlags(), "--data", data]);
    g.desire(1, [unitOf("a1", webServer("x"), { template: { health: webHealth } })]);
    const before = await healthy(g, "a1");
    await first.end("SIGKILL");
    process.kill(before.pid ?? 0, "SIGKILL");
    await until("it is gone", () => !alive(before.pid ?? 0));
    const thief = createServer();
    await until("the port is taken", () => new Promise<boolean>((resolve) => thief.once("error", () => resolve(false)).listen(before.ports.http, "127.0.0.1", () => resolve(true))));
    world.cleanup(() => void thief.close());
    g.observed.length = 0;
    world.agent(["--data", data]);
    const after = await healthy(g, "a1");
    expect(after.ports.http).not.toBe(before.ports.http);
    expect(await answerOf(after.ports.http ?? 0)).toContain("x ");
  });

  // Guarantee: health checks by TCP and by command work like those by HTTP.
  it("is checked by tcp and by command", async () => {
    const g = await world.gateway();
    world.agent([...g.enrolFlags(), "--data", world.data()]);
    const timing = { interval: "200ms", timeout: "2s", failureThreshold: 2, startPeriod: "100ms" };
    g.desire(1, [
      unitOf("a1", webServer("t"), { template: { health: { probe: { type: "tcp" }, ...timing } } }),
      unitOf("a2", idle, { template: { ports: [], health: { probe: { type: "exec", command: ["/bin/sh", "-c", 'test "$HOLDFAST_UNIT" = a2-unit'] }, ...timing } } }),
      unitOf("a3", idle, { template: { ports: [], health: { probe: { type: "exec", command: ["/bin/false"] }, ...timing } } }),
    ]);
    await healthy(g, "a1");
    await healthy(g, "a2");
    expect(await until("a3 is unhealthy", () => g.statuses("a3").find((s) => s.health === "unhealthy"))).toMatchObject({ message: expect.stringContaining("exited with 1") as string });
  });

  // Guarantee: secrets in a unit's environment reach the unit and stand neither in a file nor in a log line.
  it("gets its secrets, and nothing else does", async () => {
    const g = await world.gateway();
    const data = world.data();
    const secret = `secret-${randomBytes(12).toString("hex")}`;
    const first = world.agent([...g.enrolFlags(), "--data", data, "--log-level", "debug"]);
    g.desire(1, [unitOf("a1", webServer("s"), { environment: { DB_PASSWORD: secret, HOLDFAST_UNIT: "forged" }, template: { health: webHealth } })]);
    const unit = await healthy(g, "a1");
    const environment = readFileSync(`/proc/${unit.pid}/environ`, "utf8");
    expect(environment).toContain(`DB_PASSWORD=${secret}`);
    expect(environment).toContain("HOLDFAST_UNIT=a1-unit");
    const token = /HOLDFAST_UNIT_TOKEN=([^\0]+)/.exec(environment)?.[1] ?? "none";
    const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).map((f) => join(f.parentPath, f.name));
    expect(files.length).toBeGreaterThan(8);
    for (const file of files) for (const hidden of [secret, token]) expect(readFileSync(file).includes(hidden), file).toBe(false);
    for (const hidden of [secret, token, g.token]) expect(first.output).not.toContain(hidden);
    expect(statSync(join(data, "identity", "key.pem")).mode & 0o077).toBe(0);
    await first.end("SIGKILL");
    process.kill(unit.pid ?? 0, "SIGKILL");
    world.agent(["--data", data]);
    const again = await until("it runs again, from the file", () => g.statuses("a1").find((s) => s.health === "healthy" && s.pid !== unit.pid));
    expect(readFileSync(`/proc/${again.pid}/environ`, "utf8")).toContain(`DB_PASSWORD=${secret}`);
  });
});

describe("logs", () => {
  // Guarantee: what a unit wrote is kept although the agent is dead, can be read from the tail, and followed.
  it("are kept without the agent, tailed and followed", async () => {
    const g = await world.gateway();
    const data = world.data();
    const first = world.agent([...g.enrolFlags(), "--data", data]);
    g.desire(1, [unitOf("a1", `let n=0;setInterval(()=>console.log("grüße "+n++),50)`, { template: { ports: [] } })]);
    await healthy(g, "a1");
    g.send({ type: "logOpen", requestId: "r1", assignmentId: "a1", tailBytes: 262_144, follow: true, maxBytesPerSecond: 100_000 });
    await until("it is followed", () => logsOf(g, "r1").includes("grüße 40"));
    expect(g.logs.every((l) => !l.text.includes("\ufffd"))).toBe(true);
    g.send({ type: "logClose", requestId: "r1" });
    await first.end("SIGKILL");
    const last = (): number => Number(readFileSync(join(data, "units", "a1", readdirSync(join(data, "units", "a1"))[0] ?? "", "log"), "utf8").trim().split(" ").at(-1));
    const atDeath = last();
    await until("the unit writes on", () => last() > atDeath + 5);
    const second = world.agent(["--data", data]);
    await until("connected", () => second.events("session.open").length > 0);
    g.send({ type: "logOpen", requestId: "r2", assignmentId: "a1", tailBytes: 100_000, follow: false, maxBytesPerSecond: 1_000_000 });
    await until("it ends by itself", () => g.logs.some((l) => l.requestId === "r2" && l.end && l.error === null));
    const numbers = logsOf(g, "r2").trim().split("\n").map((l) => Number(l.split(" ")[1]));
    expect(numbers).toEqual(numbers.map((_, i) => i));
    expect(numbers.length).toBeGreaterThan(atDeath);
    g.send({ type: "logOpen", requestId: "r3", assignmentId: "nobody", tailBytes: 10, follow: false, maxBytesPerSecond: 1_000 });
    await until("an unknown unit is told", () => g.logs.some((l) => l.requestId === "r3" && l.end && (l.error ?? "").includes("no log")));
  });

  // Guarantee: a unit that writes without end fills neither the disk nor a reader's connection.
  it("are bounded on disk and in rate", async () => {
    const g = await world.gateway();
    const data = world.data();
    world.agent([...g.enrolFlags(), "--data", data, "--log-size", "64Ki"]);
    g.desire(1, [unitOf("a1", `setInterval(()=>console.log("x".repeat(4000)),4)`, { template: { ports: [] } })]);
    await healthy(g, "a1");
    g.send({ type: "logOpen", requestId: "r1", assignmentId: "a1", tailBytes: 1_000, follow: true, maxBytesPerSecond: 8_192 });
    const started = performance.now();
    const folder = join(data, "units", "a1", readdirSync(join(data, "units", "a1"))[0] ?? "");
    await until("it was rotated several times", () => JSON.parse(readOr(join(folder, "log.json"), '{"base":0}')).base > 3_000_000, 30_000);
    expect(statSync(join(folder, "log")).size + statSync(join(folder, "log.1")).size).toBeLessThan(6_000_000);
    const seconds = (performance.now() - started) / 1_000;
    expect(logsOf(g, "r1").length).toBeLessThan(8_192 * (seconds + 3));
    expect(logsOf(g, "r1").length).toBeGreaterThan(4_000);
  });
});

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return fallback;
  }
}

describe("devices", () => {
  // Guarantee: units are told the devices that they have; no two have one together but by shares of one number; a restarted agent knows who has what.
  it("are given to units in their environment, kept over a restart, and waited for", async () => {
    const g = await world.gateway();
    const data = world.data();
    const run = (): ReturnType<typeof world.agent> => world.agent([...(g.hellos.length ? [] : g.enrolFlags()), "--data", data, "--devices", "X100=2,A30/1g.6gb=1"]);
    const agent = run();
    const says = `require("http").createServer((q,r)=>r.end(process.env.HOLDFAST_DEVICES+" "+process.env.HOLDFAST_DEVICE_SHARE)).listen(+process.env.PORT,"127.0.0.1")`;
    const unit = (id: string, devices: object) => ({ ...unitOf(id, says, { template: { health: webHealth } }), devices: { count: 1, model: null, shareMillis: null, slot: null, slotModel: null, slice: null, ...devices } });
    const units = [unit("s1", { shareMillis: 400, slot: 1, slotModel: "" }), unit("s2", { shareMillis: 500, slot: 1, slotModel: "" }), unit("w1", { model: "X100" }), unit("m1", { slice: "1g.6gb" })];
    g.desire(1, units);
    const told = async (id: string) => answerOf((await healthy(g, id)).ports.http ?? 0);
    expect((await until("connected", () => g.hellos[0])).facts.devices.map((d) => [d.vendor, d.model, d.slices?.length ?? null])).toEqual([["declared", "X100", null], ["declared", "X100", null], ["declared", "A30", 1]]);
    const first = [await told("s1"), await told("s2"), await told("w1"), await told("m1")];
    const shared = first[0]?.split(" ")[0];
    expect(["X100-1", "X100-2"]).toContain(shared);
    expect(first).toEqual([`${shared} 400`, `${shared} 500`, `${shared === "X100-1" ? "X100-2" : "X100-1"} undefined`, "A30-1/1 undefined"]);
    await agent.end("SIGKILL");
    run();
    g.desire(2, [...units, unit("w2", { model: "X100" })]);
    await until("it waits for a device", () => g.statuses("w2").find((s) => s.message === "waits for a free device of model X100"));
    expect([await told("s1"), await told("s2"), await told("w1"), await told("m1")]).toEqual(first);
    g.desire(3, [...units.slice(0, 2), ...units.slice(3), unit("w2", { model: "X100" })]);
    expect(await told("w2")).toBe(first[2]);
  });
});
