import { parse, stringify } from "yaml";
import { join } from "node:path";
import { openApi, orNull, PROJECT, refusalCode, sentence, upload, type Api } from "./api";
import { digestIn, readArtifacts } from "./artifacts";
import type { FleetStatus } from "./fleet";
import { readManifests } from "./manifests";
import { NODES, SITES } from "./plan";
import { pause, stillRuns } from "./processes";
import type { PilotDoor, PilotFolder } from "./state";
import { HttpClient } from "../workload/http";

export const USAGE = `npm run pilot -- COMMAND [--data DIR] [--json]
  status           how the pilot is: links, agents, what is cut off
  cut SITE         cut a site off: its link carries nothing and nobody is told
  heal SITE        join it again
  promote-better   apply the better model (digits-v2); its canary waits for somebody's approval
  try-worse        apply the worse model (digits-v3); its canary is caught by measured accuracy
  remove           take the pilot out of Holdfast and stop it
  restore          let a removed pilot be set up again at the next start
sites: ${SITES.join(", ")}`;

export type CommandContext = { readonly root: string; readonly folder: PilotFolder; readonly json: boolean; readonly print: (text: string) => void; readonly complain: (text: string) => void };

/** Runs one command against the running pilot. Returns the exit code: 0 done, 1 refused or failed, 2 wrong use. */
export async function runCommand([command, argument]: readonly string[], context: CommandContext): Promise<number> {
  const site = (): string => {
    if (argument === undefined || !SITES.includes(argument)) throw new WrongUse(`name one of the pilot's sites: ${SITES.join(", ")}`);
    return argument;
  };
  try {
    switch (command) {
      case "status": return showStatus(await askDoor(context, "GET", "/status"), context);
      case "cut": return showStatus(await askDoor(context, "POST", `/cut/${site()}`), context);
      case "heal": return showStatus(await askDoor(context, "POST", `/heal/${site()}`), context);
      case "promote-better": return await applyModel("digits-v2", "Try the better model on a canary", context);
      case "try-worse": return await applyModel("digits-v3", "Try the smaller model on a canary", context);
      case "remove": return await remove(context);
      case "restore": return restore(context);
      default: throw new WrongUse(`there is no command "${command}"`);
    }
  } catch (error) {
    context.complain(sentence(error));
    if (!(error instanceof WrongUse)) return 1;
    context.complain(USAGE);
    return 2;
  }
}

class WrongUse extends Error {}

function doorOf({ folder }: CommandContext): PilotDoor {
  const door = folder.readDoor();
  if (door === null || !stillRuns(door)) throw new Error(`no pilot runs on ${folder.path}. Start it with "npm run up", or name its data folder with --data.`);
  return door;
}

async function askDoor(context: CommandContext, method: "GET" | "POST", path: string): Promise<FleetStatus> {
  const door = doorOf(context);
  const client = new HttpClient();
  try {
    const answer = await client.call({ method, url: `http://127.0.0.1:${door.port}${path}`, token: door.secret, timeoutMs: 15_000 });
    const body = JSON.parse(answer.body) as FleetStatus & { error?: { message: string; remedy: string } };
    if (body.error !== undefined) throw new Error(`${body.error.message}; ${body.error.remedy}`);
    return body;
  } finally {
    client.close();
  }
}

function showStatus(status: FleetStatus, { json, print }: CommandContext): number {
  if (json) print(JSON.stringify(status));
  else {
    print(`pilot: ${status.state}; ${status.note}`);
    for (const { site, cutSinceMs, link } of status.sites) print(`  ${site.padEnd(16)} ${cutSinceMs === null ? "joined" : `cut off since ${new Date(cutSinceMs).toISOString()}`} (simulated link: ${link})`);
    for (const { name, pid, running, restarts, lastError } of status.processes) print(`  ${name.padEnd(22)} ${running ? `runs as ${pid}` : `does not run: ${lastError ?? "not started"}`}${restarts > 0 ? `, started again ${restarts} times` : ""}`);
  }
  return 0;
}

/** Applies the classifier's present manifest with another model, so that whatever else people changed in it stays. */
async function applyModel(model: string, reason: string, context: CommandContext): Promise<number> {
  const door = doorOf(context);
  const server = { url: door.server, token: door.token };
  const api = openApi(server);
  const artifacts = readArtifacts(context.root);
  const wanted = artifacts.find((artifact) => artifact.name === model);
  if (wanted === undefined) throw new Error(`there is no model ${model}`);
  await upload(api, server, wanted);
  const { manifestYaml } = await api.workloads.get.query({ project: PROJECT, name: "digits" });
  const text = withModel(manifestYaml, wanted.digest);
  const { objects } = await api.manifests.applyText.mutate({ project: PROJECT, text, dryRun: false, reason });
  const [object] = objects;
  if (context.json) context.print(JSON.stringify(object));
  else if (object?.action === "unchanged") context.print(`digits runs ${model} already; nothing was changed`);
  else {
    context.print(`digits revision ${object?.generation ?? "?"} with ${model}: ${object?.consequence ?? ""}`);
    if (object?.rolloutNumber != null) context.print(`watch it: ${new URL(`/p/${PROJECT}/rollouts/${object.rolloutNumber}`, door.server).href}`);
  }
  return 0;
}

/** The manifest with another digest for its model. Throws when it has variables, whose values a reader does not get. */
export function withModel(manifestYaml: string, digest: string): string {
  const manifest = parse(manifestYaml) as { spec: { template: { artifacts: { name: string; digest: string }[]; env?: Record<string, unknown> } } };
  const { artifacts, env } = manifest.spec.template;
  if (Object.keys(env ?? {}).length > 0) throw new Error("the manifest of digits has variables whose values are masked here. Apply the model in the console instead.");
  const entry = artifacts.find((artifact) => artifact.name === "model");
  if (entry === undefined) throw new Error('the manifest of digits has no artifact "model". Apply the model in the console instead.');
  entry.digest = digest;
  return stringify(manifest);
}

/**
 * Takes the pilot out: workloads first, so that their units stop in order, then nodes, processes, and the objects
 * that described them. What is already gone is passed over, so it can be repeated after a failure.
 */
async function remove(context: CommandContext): Promise<number> {
  const door = doorOf(context);
  const api = openApi({ url: door.server, token: door.token });
  const objects = readManifests(join(context.root, "pilot"), digestIn(readArtifacts(context.root)));
  const reason = "Remove the pilot";
  const say = (text: string): void => context.print(text);
  context.folder.markRemoved();
  for (const { name } of objects.filter((object) => object.kind === "Workload")) {
    say(`removing workload ${name}`);
    await orNull(api.manifests.remove.mutate({ project: PROJECT, kind: "Workload", name, reason, dryRun: false }));
  }
  await untilNoUnits(api, objects.filter((object) => object.kind === "Workload").map((object) => object.name));
  for (const { name } of NODES) {
    const node = await orNull(api.fleet.node.query({ project: PROJECT, name }));
    if (node === null || node.desiredState === "decommissioned") continue;
    say(`decommissioning ${name}`);
    await api.fleet.decommission.mutate({ project: PROJECT, name, version: node.version, reason });
  }
  say("stopping links and agents");
  await askDoor(context, "POST", "/stop");
  while (stillRuns(door)) await pause(100);
  for (const { kind, name } of objects.filter((object) => object.kind !== "Workload").reverse()) {
    say(`removing ${kind} ${name}`);
    await orNull(api.manifests.remove.mutate({ project: PROJECT, kind, name, reason, dryRun: false }));
  }
  context.folder.forget();
  say('the pilot is removed; its history stays in the audit log. "npm run pilot -- restore" brings it back at the next start');
  return 0;
}

const UNITS_WITHIN_MS = 120_000;

/** Waits until no unit of the workloads is left, as the server sees it. A site that is cut off is not waited for. */
async function untilNoUnits(api: Api, workloads: readonly string[]): Promise<void> {
  const deadline = Date.now() + UNITS_WITHIN_MS;
  for (;;) {
    const left = await Promise.all(workloads.map(async (workload) => {
      try {
        const page = await api.fleet.units.query({ project: PROJECT, workload, limit: 200 });
        return page.items.filter((unit) => unit.state.state !== "silent").length;
      } catch (error) {
        if (refusalCode(error) === "not_found") return 0;
        throw error;
      }
    }));
    if (left.every((count) => count === 0) || Date.now() > deadline) return;
    await pause(500);
  }
}

function restore({ folder, print }: CommandContext): number {
  if (folder.removedAt === null) print("the pilot was not removed; there is nothing to restore");
  else print('the pilot will be set up again at the next "npm run up"');
  folder.restore();
  return 0;
}
