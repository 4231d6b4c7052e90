import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../tools/lib/paths.mjs";
import { Deployment } from "../deployment/deployment";
import { until } from "../deployment/until";
import { buildWorld, explain, gateStep, type World } from "../deployment/world";
import { externalPostgres, type ExternalPostgres } from "../deployment/external";

/**
 * Guarantee: the whole story can be told on the command line against a deployment of separate processes on an external
 * PostgreSQL: a better model goes everywhere after another person's approval, a worse one is caught on its first wave.
 */
const d = new Deployment();
const folder = mkdtempSync(path.join(tmpdir(), "holdfast-cli-"));
let database: ExternalPostgres;
let world: World;
const tokens: Record<string, string> = {};
beforeAll(async () => {
  database = await externalPostgres();
  await d.start({ external: database });
  world = await buildWorld(d, { gate: gateStep() });
  for (const role of ["operator", "approver", "auditor"]) tokens[role] = await d.serviceToken(role, role);
}, 300_000);
afterAll(async () => {
  await d.stop();
  await database.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** Runs `holdfast` as somebody; never throws: the exit code is part of the contract. */
function holdfast(as: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { PATH: process.env["PATH"], HOME: folder, HOLDFAST_SERVER: d.url, HOLDFAST_TOKEN: tokens[as], HOLDFAST_PROJECT: "default", NO_COLOR: "1" };
  return new Promise((resolve) => {
    execFile(process.execPath, [path.join(ROOT, "dist/cli/holdfast.cjs"), ...args], { env: env as unknown as NodeJS.ProcessEnv, timeout: 300_000 }, (error, out, err) => resolve({ code: error ? (typeof error.code === "number" ? error.code : 1) : 0, out, err }));
  });
}
const json = async <T>(as: string, ...args: string[]): Promise<T> => {
  const r = await holdfast(as, ...args, "-o", "json");
  // 6: the rollout ended not as asked, which `status` says whether it watches or not.
  if (r.code !== 0 && r.code !== 6) throw new Error(`holdfast ${args.join(" ")} ended with ${r.code}: ${r.err}${r.out}`);
  return JSON.parse(r.out) as T;
};
const file = (name: string, text: string): string => {
  const at = path.join(folder, name);
  writeFileSync(at, text);
  return at;
};
type Rollout = { number: number; phase: string; reason: string; final: boolean };
const rollout = (n: number) => json<Rollout>("operator", "rollout", "status", String(n));

describe("the story on the command line", () => {
  it("finds a node, sees why a unit is where it is, and reads its log", async () => {
    const nodes = await holdfast("operator", "get", "nodes");
    expect(nodes).toMatchObject({ code: 0 });
    expect(nodes.out).toContain("node-edge-hamburg");
    const why = await holdfast("operator", "explain", "digits-1");
    expect(why.code).toBe(0);
    expect(why.out).toMatch(/node-(cloud|edge)-/);
    const log = await holdfast("operator", "logs", "digits-1");
    expect(log.code, log.err).toBe(0);
    expect(log.out.length).toBeGreaterThan(0);
  });

  it("applies the better model as a canary, is refused as its author, is approved by another person, and ends everywhere", async () => {
    const v2 = file("v2.yaml", world.digits("v2"));
    const diff = await holdfast("operator", "diff", "-f", v2);
    expect(diff.out).toContain(world.artifacts.v2);
    expect(await holdfast("auditor", "apply", "-f", v2)).toMatchObject({ code: 3 });
    const applied = await holdfast("operator", "apply", "-f", v2, "--reason", "better model");
    expect(applied.code, applied.err).toBe(0);
    await until("the gate", async () => (await rollout(1)).phase === "awaitingApproval", 240_000, () => explain(d));
    const refused = await holdfast("operator", "rollout", "approve", "1", "--remark", "my own");
    expect(refused).toMatchObject({ code: 3 });
    expect(refused.err).toMatch(/role|author/);
    // Without a terminal to ask on, an approval names the plan that was looked at.
    expect(await holdfast("approver", "rollout", "approve", "1", "--remark", "not looked at")).toMatchObject({ code: 2 });
    const { planDigest } = await json<{ planDigest: string }>("approver", "approvals", "show", "1");
    const approved = await holdfast("approver", "rollout", "approve", "1", "--remark", "evidence is good", "--plan", planDigest);
    expect(approved.code, approved.err).toBe(0);
    const watched = await holdfast("operator", "rollout", "status", "1", "--watch");
    expect(watched.code, watched.err + watched.out).toBe(0);
    expect(await rollout(1)).toMatchObject({ phase: "succeeded" });
  }, 400_000);

  it("catches the worse model on its first wave by measured accuracy, and says why", async () => {
    const applied = await holdfast("operator", "apply", "-f", file("v3.yaml", world.digits("v3")), "--reason", "smaller model");
    expect(applied.code, applied.err).toBe(0);
    const watched = await holdfast("operator", "rollout", "status", "2", "--watch");
    expect(watched.code, watched.err + watched.out).toBe(6);
    expect((await rollout(2)).reason).toMatch(/Accuracy of r3 was 0\.\d+ \(\d+ labels\).* in wave canary, below the limit 0\.915\..*All 3 units run r2 again/);
    const again = await holdfast("operator", "apply", "-f", file("v3.yaml", world.digits("v3")));
    expect(again.code).toBe(3);
    expect(again.err).toMatch(/held/);
    const lifted = await holdfast("operator", "workload", "lift-hold", "digits", "--generation", "3", "--reason", "to look at it once more");
    expect(lifted.code, lifted.err).toBe(0);
  }, 400_000);

  it("lets the auditor find all of it, by actor, in order", async () => {
    const entries = (await json<{ seq: string; actor: string; action: string; outcome: string }[]>("auditor", "audit", "ls", "--limit", "200")).map((e) => `${e.actor} ${e.action} ${e.outcome}`).reverse();
    // One transaction writes the rollout and the revision that it is for, in this order.
    const order = ["operator rollout.create done", "operator manifest.apply done", "operator rollout.approve refused", "approver rollout.approve done", "scheduler rollout.finish done", "operator rollout.create done", "operator manifest.apply done", "scheduler rollout.fail done", "scheduler rollout.settle done"];
    let at = -1;
    for (const wanted of order) {
      const next = entries.findIndex((e, i) => i > at && e === wanted);
      expect(next, `${wanted} after entry ${at} of\n${entries.join("\n")}`).toBeGreaterThan(at);
      at = next;
    }
    expect(await holdfast("operator", "audit", "ls")).toMatchObject({ code: 3 });
  });

  it("says what is wrong with a manifest: field, place and remedy, with exit code 2", async () => {
    const bad = await holdfast("operator", "apply", "-f", file("bad.yaml", world.digits("v2").replace("replicas: 3", "replicas: -3")));
    expect(bad.code).toBe(2);
    expect(bad.err).toContain("spec.replicas");
    const unreachable = await new Promise<number>((resolve) => execFile(process.execPath, [path.join(ROOT, "dist/cli/holdfast.cjs"), "get", "nodes"], { env: { PATH: process.env["PATH"], HOME: folder, HOLDFAST_SERVER: "http://127.0.0.1:9", HOLDFAST_TOKEN: "x" } as unknown as NodeJS.ProcessEnv }, (e) => resolve(typeof e?.code === "number" ? e.code : 0)));
    expect(unreachable).toBe(5);
  });
});
