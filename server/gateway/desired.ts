import { createHash } from "node:crypto";
import { workloadManifest } from "../core/manifest/workload";
import { routeSpec } from "../protocol/messages";
import type { UnitTemplate } from "../core/manifest/workload";
import type { Desired, Endpoint, Route, UnitDevices, UnitSpec } from "../protocol/messages";
import { gatewayDesired, routes as routeRows } from "../store";
import type { Queryable } from "../store";

/** Opens the environment of a workload's revision: sealed values are opened, references to secrets filled in. Throws when it can't. */
export type OpenEnvironment = (o: { projectId: string; workload: string; env: Record<string, string | { secret: string }>; sealedSecrets: ReadonlyMap<string, string> }) => Record<string, string>;

export type DesiredState = Omit<Desired, "type" | "resync">;
/** What all nodes of a site are told alike. */
export type SiteTraffic = { endpoints: Endpoint[]; routes: Route[] };
/** A state to send; or none, because a unit that runs there can't be described now and would be stopped if it were left out. */
export type BuiltDesired = { state: DesiredState | null; faults: { unit: string; message: string }[] };

/**
 * Computes from the store everything that should be on a node. Undefined when there is no such node.
 *
 * A unit whose environment can't be opened (a secret was removed, a master key is missing) is a fault: one that the node
 * has never run is left out; for one that it may be running the whole state is withheld, because leaving it out would
 * stop it, and the agent goes on with the state it has.
 */
export async function buildDesired(db: Queryable, nodeId: string, openEnvironment: OpenEnvironment, trafficOf: (siteId: string) => Promise<SiteTraffic>): Promise<BuiltDesired | undefined> {
  const node = await gatewayDesired.nodeForDesired(db, nodeId);
  if (!node) return undefined;
  const rows = await gatewayDesired.unitsForDesired(db, nodeId);
  const secretNames = new Set(rows.flatMap((row) => [row.manifest, row.trial?.manifest]).flatMap((m) => {
    const manifest = workloadManifest.safeParse(m);
    return manifest.success ? Object.values(manifest.data.spec.template.env).flatMap((v) => (typeof v === "string" ? [] : [v.secret])) : [];
  }));
  const sealedSecrets = await gatewayDesired.sealedSecrets(db, node.projectId, [...secretNames]);
  const faults: { unit: string; message: string }[] = [];
  let withheld = false;
  const units: UnitSpec[] = [];
  for (const row of rows) {
    // What the unit gets stands in `environment`; sealed values are of no use to an agent. A unit that only has to stop
    // needs no secrets, and must not be kept running by a missing one.
    const revision = (manifest: unknown, open: boolean): Pick<UnitSpec, "template" | "environment" | "workloadKind" | "devices"> => {
      const { template, kind } = specOf(manifest);
      // Devices are told beside the template: an agent that does not know shares reads the template as it always did.
      const { devices, ...resources } = template.resources;
      return { workloadKind: kind, template: { ...template, env: {}, resources }, ...(devices ? { devices: toldDevices(devices, row) } : {}), environment: open ? openEnvironment({ projectId: node.projectId, workload: row.workload, env: template.env, sealedSecrets }) : {} };
    };
    try {
      units.push({
        assignmentId: row.assignmentId, unit: row.unit, workload: row.workload, project: node.project, generation: row.generation, revisionDigest: row.digest, action: row.desired,
        ...revision(row.manifest, row.desired === "run"),
        // Without a way back there must be no switch: what can't be described is a fault of the unit, never a trial left out.
        trial: row.desired === "stop" || !row.trial ? null : { rollout: row.trial.rollout, attempt: row.trial.attempt ?? 1, returnAtMs: row.trial.returnAtMs, previous: { generation: row.trial.generation, revisionDigest: row.trial.digest, devices: null, ...revision(row.trial.manifest, true) } },
      });
    } catch (error) {
      faults.push({ unit: row.unit, message: error instanceof Error ? error.message : String(error) });
      if (row.observed) withheld = true;
    }
  }
  const traffic = await trafficOf(node.siteId);
  return { state: withheld ? null : { generation: node.generation, digest: digestOf(units, traffic), units, ...traffic }, faults };
}

const toldDevices = (d: NonNullable<UnitTemplate["resources"]["devices"]>, row: { slot: number | null; slotModel: string | null }): UnitDevices => ({
  count: d.count, model: d.model ?? null, shareMillis: d.shareMillis ?? null, slice: d.slice ?? null, ...(d.shareMillis === undefined ? { slot: null, slotModel: null } : { slot: row.slot, slotModel: row.slotModel }),
});

function specOf(manifest: unknown) {
  const parsed = workloadManifest.safeParse(manifest);
  if (!parsed.success) throw new Error(`its manifest does not fit: ${parsed.error.issues[0]?.path.join(".") ?? ""} ${parsed.error.issues[0]?.message ?? ""}`);
  return parsed.data.spec;
}

/** Where the services of a site answer, as its nodes are told; in a fixed order. */
async function siteEndpoints(db: Queryable, siteId: string): Promise<Endpoint[]> {
  return (await gatewayDesired.endpointsOfSite(db, siteId)).flatMap((e) =>
    Object.entries(e.ports).sort().map(([portName, port]) => ({ service: e.service, unit: e.unit, assignmentId: e.assignmentId, node: e.node, site: e.site, generation: e.generation, address: e.address, port, portName })),
  );
}

/** Where the services of a site answer, and how requests to them are divided there. */
export async function siteTraffic(db: Queryable, siteId: string): Promise<SiteTraffic> {
  const rows = await routeRows.ofSite(db, siteId);
  const routes = rows.flatMap(({ service, ports, spec }) => {
    const parsed = routeSpec.safeParse(spec);
    return parsed.success ? ports.map((portName) => ({ ...parsed.data, service, portName })) : [];
  });
  return { endpoints: await siteEndpoints(db, siteId), routes };
}

/** What tells two states apart, secrets included: it stays in memory and goes to the node itself only. */
export const digestOf = (units: readonly UnitSpec[], { endpoints, routes }: SiteTraffic): string => `sha256:${createHash("sha256").update(JSON.stringify([units, endpoints, routes])).digest("hex")}`;
