import { orNull, PROJECT, refusalCode, type Api } from "./api";
import type { PilotObject } from "./manifests";
import { pause } from "./processes";

const REASON = "Remove the pilot";
const UNITS_WITHIN_MS = 120_000;
/** Refusals that pass by themselves once the node's last unit has stopped. */
const NOT_YET = new Set(["in_use", "illegal_transition", "stale_version"]);

/**
 * Takes the pilot's work and nodes out of Holdfast: workloads first, so that their units stop in order while the
 * agents still run, then the nodes. What is gone already is passed over, so it can be repeated after a failure.
 */
export async function removeWork(api: Api, objects: readonly PilotObject[], nodes: readonly string[], say: (text: string) => void): Promise<void> {
  for (const { name } of objects.filter((object) => object.kind === "Workload")) {
    say(`removing workload ${name}`);
    await orNull(api.manifests.remove.mutate({ project: PROJECT, kind: "Workload", name, reason: REASON, dryRun: false }));
  }
  const deadline = Date.now() + UNITS_WITHIN_MS;
  for (const name of nodes) {
    say(`decommissioning ${name}`);
    await decommission(api, name, deadline);
  }
}

/** Writes a node off, when its units have stopped. Throws the server's refusal when they have not by `deadline`. */
async function decommission(api: Api, name: string, deadline: number): Promise<void> {
  for (;;) {
    const node = await orNull(api.fleet.node.query({ project: PROJECT, name }));
    if (node === null || node.desiredState === "decommissioned") return;
    try {
      await api.fleet.decommission.mutate({ project: PROJECT, name, version: node.version, reason: REASON });
      return;
    } catch (error) {
      if (!NOT_YET.has(refusalCode(error) ?? "") || Date.now() > deadline) throw error;
      await pause(500);
    }
  }
}

/** Takes out what described the pilot: policies, strategy, analysis and sites. */
export async function removeObjects(api: Api, objects: readonly PilotObject[], say: (text: string) => void): Promise<void> {
  for (const { kind, name } of objects.filter((object) => object.kind !== "Workload").reverse()) {
    say(`removing ${kind} ${name}`);
    await orNull(api.manifests.remove.mutate({ project: PROJECT, kind, name, reason: REASON, dryRun: false }));
  }
}
