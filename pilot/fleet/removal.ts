import { orNull, PROJECT, refusalCode, type Api } from "./api";
import type { PilotObject } from "./manifests";
import { pause } from "./processes";

const REASON = "Remove the pilot";
const UNITS_WITHIN_MS = 120_000;

/**
 * Takes the pilot's work and nodes out of Holdfast: workloads first, so that their units stop in order while the
 * agents still run, then the nodes. What is gone already is passed over, so it can be repeated after a failure.
 */
export async function removeWork(api: Api, objects: readonly PilotObject[], nodes: readonly string[], say: (text: string) => void): Promise<void> {
  const workloads = objects.filter((object) => object.kind === "Workload").map((object) => object.name);
  for (const name of workloads) {
    say(`removing workload ${name}`);
    await orNull(api.manifests.remove.mutate({ project: PROJECT, kind: "Workload", name, reason: REASON, dryRun: false }));
  }
  say("waiting for the units to stop");
  await untilNoUnits(api, workloads);
  for (const name of nodes) {
    const node = await orNull(api.fleet.node.query({ project: PROJECT, name }));
    if (node === null || node.desiredState === "decommissioned") continue;
    say(`decommissioning ${name}`);
    await api.fleet.decommission.mutate({ project: PROJECT, name, version: node.version, reason: REASON });
  }
}

/** Takes out what described the pilot: policies, strategy, analysis and sites. */
export async function removeObjects(api: Api, objects: readonly PilotObject[], say: (text: string) => void): Promise<void> {
  for (const { kind, name } of objects.filter((object) => object.kind !== "Workload").reverse()) {
    say(`removing ${kind} ${name}`);
    await orNull(api.manifests.remove.mutate({ project: PROJECT, kind, name, reason: REASON, dryRun: false }));
  }
}

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
