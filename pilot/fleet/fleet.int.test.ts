import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { FakeServer } from "../testing/fake-server";
import { readArtifacts } from "./artifacts";
import { runCommand } from "./commands";
import { listenDoor, openDoor } from "./door";
import { PilotFleet } from "./fleet";
import { NODES } from "./plan";
import { markOf, startOf } from "./processes";
import { PilotFolder } from "./state";

const source = join(import.meta.dirname, "..");
const root = mkdtempSync(join(tmpdir(), "holdfast-pilot-"));
const environment = { PATH: "/usr/bin:/bin" };

beforeAll(() => {
  const bundle = (entry: string, output: string): unknown => buildSync({ entryPoints: [join(source, entry)], outfile: join(root, "dist", output), bundle: true, platform: "node", format: "cjs" });
  for (const name of ["relay", "serve", "client"]) bundle(`${name}.ts`, `pilot/${name}.cjs`);
  bundle("testing/fake-agent.ts", "agent/holdfast-agent.cjs");
  // A pilot in a process of its own, so that it can be killed: says the ids of its processes once it is set up.
  const whole = `import { PilotFleet } from "./fleet/fleet"; import { PilotFolder } from "./fleet/state";
    const { folder, ...o } = JSON.parse(process.argv[2]);
    const fleet = new PilotFleet({ ...o, folder: new PilotFolder(folder), log: () => undefined });
    void fleet.start().then(() => fleet.status()).then((status) => console.log(JSON.stringify(status.processes.map((child) => child.pid))));`;
  buildSync({ stdin: { contents: whole, resolveDir: source, loader: "ts" }, outfile: join(root, "dist/pilot/whole.cjs"), bundle: true, platform: "node", format: "cjs" });
  symlinkSync(source, join(root, "pilot"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let server: FakeServer;
let at: { url: string; gateway: string };
let folder: PilotFolder;
const fleets: PilotFleet[] = [];
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  server = new FakeServer();
  at = await server.listen();
  folder = new PilotFolder(mkdtempSync(join(root, "data-")));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) cleanup();
  await Promise.all(fleets.splice(0).map((fleet) => fleet.stop()));
  server.close();
});

function fleetOf(): PilotFleet {
  const fleet = new PilotFleet({ root, folder, server: { url: at.url, token: "pilot-token" }, gateway: at.gateway, environment, log: () => undefined });
  fleets.push(fleet);
  return fleet;
}

const until = (check: () => unknown, timeout = 20_000): Promise<unknown> => vi.waitFor(check, { timeout, interval: 50 });
const pids = async (fleet: PilotFleet): Promise<number[]> => (await fleet.status()).processes.flatMap(({ pid }) => (pid === null ? [] : [pid]));

describe("the pilot fleet", () => {
  // Guarantee: from nothing, every site, node, artifact and manifest is there, through the public door alone.
  it("sets itself up, and a second start applies and enrols nothing anew", async () => {
    const first = fleetOf();
    await first.start();
    expect(server.inContact().sort()).toEqual(NODES.map((node) => node.name).sort());
    expect([...server.artifacts.keys()].sort()).toEqual(readArtifacts(root).map((artifact) => artifact.digest).sort());
    expect(server.applied).toHaveLength(13);
    expect(server.applied.slice(0, 6).every((key) => key.startsWith("Site/"))).toBe(true);
    expect(server.tokens).toHaveLength(NODES.length);
    expect(server.objects.get("Workload/digits")?.text).not.toContain("{{");
    await until(() => expect(server.reports.at(-1)?.state).toBe("ready"));
    await first.stop();
    fleets.length = 0;

    const identities = new Map([...server.nodes].map(([name, node]) => [name, node.identity]));
    // A person removed a policy meanwhile: that stands.
    server.objects.delete("PlacementPolicy/digits-intake-sites");
    await fleetOf().start();
    expect(server.applied).toHaveLength(13);
    expect(server.tokens).toHaveLength(NODES.length);
    expect(new Map([...server.nodes].map(([name, node]) => [name, node.identity]))).toEqual(identities);
  }, 60_000);

  // Guarantee: at stop of the pilot no process of it is left, units included.
  it("leaves no process when it stops", async () => {
    const fleet = fleetOf();
    await fleet.start();
    const all = [...(await pids(fleet)), ...[...server.nodes.values()].map((node) => node.unit)];
    expect(all).toHaveLength(6 + 9 + 9);
    expect(all.every((pid) => startOf(pid) !== null)).toBe(true);
    // One agent is just down, and waits to be started again.
    process.kill((await fleet.status()).processes.find((child) => child.name === "edge-tromso-1")?.pid ?? 0, "SIGKILL");
    await fleet.stop();
    await until(() => expect(all.filter((pid) => startOf(pid) !== null)).toEqual([]));
  }, 60_000);

  // Guarantee: a killed agent or relay is started again, with the same identity and its unit still running.
  it("starts killed agents and relays again", async () => {
    const fleet = fleetOf();
    await fleet.start();
    const before = await fleet.status();
    const pidOf = (status: typeof before, name: string): number => status.processes.find((child) => child.name === name)?.pid ?? 0;
    const unit = server.nodes.get("edge-tromso-1")?.unit;
    process.kill(pidOf(before, "edge-tromso-1"), "SIGKILL");
    process.kill(pidOf(before, "relay edge-tromso"), "SIGKILL");
    await until(async () => {
      const now = await fleet.status();
      for (const name of ["edge-tromso-1", "relay edge-tromso"]) {
        expect(pidOf(now, name)).toBeGreaterThan(0);
        expect(pidOf(now, name)).not.toBe(pidOf(before, name));
      }
    });
    await until(() => expect(server.inContact()).toHaveLength(NODES.length));
    expect(server.nodes.get("edge-tromso-1")?.unit).toBe(unit);
    expect(server.tokens).toHaveLength(NODES.length);
  }, 60_000);

  // Guarantee: a site that is cut off falls silent while its processes go on, stays cut if its relay dies, and comes back.
  it("cuts a site off and heals it", async () => {
    const fleet = fleetOf();
    await fleet.start();
    await fleet.cut("edge-hamburg");
    await until(() => expect(server.inContact()).not.toContain("edge-hamburg-1"));
    expect(server.inContact()).toHaveLength(NODES.length - 1);
    const relay = (await fleet.status()).processes.find((child) => child.name === "relay edge-hamburg")?.pid as number;
    process.kill(relay, "SIGKILL");
    await until(async () => expect((await fleet.status()).sites.find(({ site }) => site === "edge-hamburg")).toMatchObject({ link: "blackholed", simulated: true }));
    expect(server.inContact()).not.toContain("edge-hamburg-1");
    await fleet.heal("edge-hamburg");
    await until(() => expect(server.inContact()).toContain("edge-hamburg-1"));
  }, 60_000);

  // Guarantee: a server that is away is waited for.
  it("waits for a server that restarts in the middle", async () => {
    server.away = true;
    const started = fleetOf().start();
    await until(() => expect(existsSync(folder.logFile("relay-edge-nairobi"))).toBe(true));
    expect(server.applied).toEqual([]);
    server.away = false;
    await started;
    expect(server.inContact()).toHaveLength(NODES.length);
  }, 60_000);

  // Guarantee: what a killed pilot left behind is ended before it starts anew, while units go on; nothing runs twice.
  it("ends the agents that a killed pilot left", async () => {
    const options = { root, folder: folder.path, server: { url: at.url, token: "pilot-token" }, gateway: at.gateway, environment };
    const pilot = spawn(process.execPath, [join(root, "dist/pilot/whole.cjs"), JSON.stringify(options)], { stdio: ["ignore", "pipe", "inherit"] });
    const left = await new Promise<number[]>((resolve) => pilot.stdout.once("data", (text: Buffer) => resolve(JSON.parse(text.toString()) as number[])));
    const units = new Map([...server.nodes].map(([name, node]) => [name, node.unit]));
    expect(left).toHaveLength(6 + 9);
    pilot.kill("SIGKILL");
    await fleetOf().start();
    expect(left.filter((pid) => startOf(pid) !== null)).toEqual([]);
    await until(() => expect(server.inContact()).toHaveLength(NODES.length));
    expect(new Map([...server.nodes].map(([name, node]) => [name, node.unit]))).toEqual(units);
  }, 60_000);

  // Guarantee: a node whose identity is lost is enrolled anew under another name, and the old one is written off.
  it("enrols a node anew whose identity is lost", async () => {
    const first = fleetOf();
    await first.start();
    await first.stop();
    fleets.length = 0;
    rmSync(join(folder.nodeFolder("edge-nairobi-1"), "identity"), { recursive: true });
    // While the server thinks the lost node in contact it refuses to write it off; the start is then tried again.
    await fleetOf().start();
    expect([...server.decommissioned]).toEqual(["edge-nairobi-1"]);
    expect(server.inContact()).toContain("edge-nairobi-1-2");
    expect(server.tokens).toHaveLength(NODES.length + 1);
  }, 60_000);
});

describe("the pilot's commands", () => {
  async function running(): Promise<{ fleet: PilotFleet; printed: string[]; complaints: string[]; run: (...command: string[]) => Promise<number>; stopped: Promise<void> }> {
    const fleet = fleetOf();
    await fleet.start();
    let stop: () => void = () => undefined;
    const stopped = new Promise<void>((resolve) => (stop = resolve));
    const door = openDoor(fleet, "door-secret", stop);
    const port = await listenDoor(door);
    // The door's owner must be a running process; one of its own stands for the pilot's, so that it can be ended.
    const owner = spawn("sleep", ["300"], { stdio: "ignore" });
    folder.writeDoor({ ...(markOf(owner.pid as number) as { pid: number; startedAt: string }), port, secret: "door-secret" });
    cleanups.push(() => {
      door.close();
      owner.kill("SIGKILL");
    });
    const printed: string[] = [];
    const complaints: string[] = [];
    return { fleet, printed, complaints, stopped, run: (...command) => runCommand(command, { folder, json: false, print: (text) => void printed.push(text), complain: (text) => void complaints.push(text) }) };
  }

  // Guarantee: the pilot can be removed with one command, and then nothing of it is left but history.
  it("cuts, heals, applies the other models and removes the pilot", async () => {
    const { run, printed, complaints, stopped } = await running();
    expect(await run("cut", "edge-tromso")).toBe(0);
    expect(printed.join("\n")).toContain("edge-tromso      cut off since");
    expect(await run("heal", "edge-tromso")).toBe(0);
    expect(await run("cut", "atlantis")).toBe(2);
    expect(complaints[0]).toContain("name one of the pilot's sites");
    expect(await run("explode")).toBe(2);
    for (const [command, model] of [["promote-better", "digits-v2"], ["try-worse", "digits-v3"]] as const) {
      expect(await run(command)).toBe(0);
      const digest = readArtifacts(root).find((artifact) => artifact.name === model)?.digest;
      const { spec } = parse(server.objects.get("Workload/digits")?.text ?? "") as { spec: { template: { artifacts: { name: string; digest: string }[] } } };
      expect(spec.template.artifacts.find((artifact) => artifact.name === "model")?.digest).toBe(digest);
    }
    expect(printed.at(-1)).toContain("/p/default/rollouts/4");
    expect(await run("remove")).toBe(0);
    await stopped;
    expect(server.objects.size).toBe(0);
    expect(server.decommissioned.size).toBe(NODES.length);
    expect(folder.removedAt).not.toBeNull();
    expect(existsSync(folder.nodeFolder("edge-tromso-1"))).toBe(false);
    expect(await run("status")).toBe(1);
    expect(await run("restore")).toBe(0);
    expect(folder.removedAt).toBeNull();
    // A node's name is never used twice, so the restored pilot's nodes have new ones.
    await fleetOf().start();
    expect(server.inContact().sort()).toEqual(NODES.map((node) => `${node.name}-2`).sort());
  }, 90_000);

  // Guarantee: nobody without the secret tells the pilot anything.
  it("answers only who shows the secret", async () => {
    await running();
    const door = folder.readDoor();
    const answer = await fetch(`http://127.0.0.1:${door?.port}/remove`, { method: "POST", headers: { authorization: "Bearer guess" } });
    expect(answer.status).toBe(401);
    expect(server.objects.size).toBe(13);
  }, 60_000);
});

describe("programs as artifacts", () => {
  // Guarantee: an uploaded program runs from a file without an extension, whatever package stands around it.
  it.each([["a module package", '{"type":"module"}'], ["a CommonJS package", "{}"]])("runs inside %s", (_name, packageJson) => {
    const place = mkdtempSync(join(root, "scope-"));
    writeFileSync(join(place, "package.json"), packageJson);
    for (const name of ["serve", "client"]) {
      const file = join(place, name);
      writeFileSync(file, readArtifacts(root).find((artifact) => artifact.name === name)?.bytes as Buffer);
      const run = spawnSync(process.execPath, [file], { encoding: "utf8", env: environment as unknown as NodeJS.ProcessEnv });
      expect(run.stderr).toContain(name === "serve" ? "HOLDFAST_ARTIFACT_MODEL is not set" : "HOLDFAST_ARTIFACT_IMAGES is not set");
      expect(run.status).toBe(1);
    }
    expect(readFileSync(join(root, "dist/pilot/serve.cjs"), "utf8")).not.toContain("node_modules/");
  });
});
