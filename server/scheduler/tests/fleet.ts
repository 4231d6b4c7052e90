/** A fleet in a real store for the scheduler's tests: sites by apply, nodes that obey (or fall silent) by rows. */
import { createSealer, newMasterKey, parseMasterKeys, silentLogger } from "../../platform";
import { rolesFrom } from "../../core/access/actor";
import type { Actor } from "../../core/access/actor";
import type { Role } from "../../core/access/permissions";
import { createFleet } from "../../fleet";
import { createPlacement } from "../../placement";
import { generationFor } from "../../rollouts";
import { createWorkloads } from "../../workloads";
import type { TestClock } from "../../testing/clock";
import type { TestDatabase } from "../../testing/database";
import { DEFAULT_PROJECT } from "../../testing/fleet-rows";
import { createScheduler } from "../index";

export const project = DEFAULT_PROJECT;
export const person = (id: string, role: Role = "operator"): Actor => ({ kind: "person", id, name: id, strength: "password", roles: rolesFrom([{ projectId: "*", role }]) });
export const SILENT_MS = 45_000;
const env = { AGENT_SILENT_AFTER_MS: SILENT_MS, SCHEDULER_RESYNC_MS: 60_000 };
const facts = (o: { arch?: string | undefined; cpu: number; memoryMiB: number; devices?: readonly string[] | undefined }) => ({
  hostname: "h", os: "linux", kernel: "6", arch: o.arch ?? "x64", cpuModel: null, cpuCount: 4, memoryBytes: o.memoryMiB * 2 ** 20, diskBytes: null, networks: [], bootId: "b", sliced: false,
  devices: (o.devices ?? []).map((model, index) => ({ index, vendor: "v", model, memoryMiB: 1_024, uuid: null })),
  offered: { cpuMillis: o.cpu, memoryBytes: o.memoryMiB * 2 ** 20, diskBytes: 100 * 2 ** 30 }, engines: [{ type: "process", version: "1", limits: "none", limitsProven: false, limitsNote: "" }],
});

export const site = (name: string, o: { kind?: string; jurisdiction?: string; links?: string } = {}): string =>
  `apiVersion: holdfast.dev/v1\nkind: Site\nmetadata: {name: ${name}}\nspec: {kind: ${o.kind ?? "edge"}, jurisdiction: ${o.jurisdiction ?? "DE"}, uplink: {class: fiber}${o.links ? `, links: [${o.links}]` : ""}}\n`;
export const workload = (name: string, o: { replicas?: number; kind?: string; extra?: string; command?: string; cpu?: number; template?: string } = {}): string =>
  `apiVersion: holdfast.dev/v1\nkind: Workload\nmetadata: {name: ${name}}\nspec:\n  kind: ${o.kind ?? "service"}\n  replicas: ${o.replicas ?? 1}\n${(o.extra ?? "").replace(/^(?=.)/gm, "  ")}\n  template:\n    engine: {type: process, command: ["${o.command ?? "run"}"]}\n    resources: {cpuMillis: ${o.cpu ?? 100}, memory: 64Mi, disk: 64Mi}\n${(o.template ?? "").replace(/^(?=.)/gm, "    ")}\n`;

export function fleetOf(db: TestDatabase, clock: TestClock) {
  const seal = createSealer(parseMasterKeys(newMasterKey()));
  const deps = { store: db.store, clock, log: silentLogger, seal, env };
  const workloads = createWorkloads(deps);
  const fleet = createFleet(deps);
  const ada = person("ada", "administrator");
  return {
    seal, workloads, fleet, ada,
    placement: createPlacement(deps),
    scheduler: (o: { store?: TestDatabase["store"]; leaseMs?: number; concurrency?: number; registry?: Parameters<typeof createScheduler>[0]["registry"] } = {}) => createScheduler({ store: o.store ?? db.store, clock, log: silentLogger, env, generationFor, pollMs: 20, ...(o.leaseMs ? { leaseMs: o.leaseMs } : {}), ...(o.concurrency ? { concurrency: o.concurrency } : {}), ...(o.registry ? { registry: o.registry } : {}) }),
    apply: (text: string, o: { dryRun?: boolean; expectVersion?: number; reason?: string } = {}) => workloads.commands.apply(ada, project, { text, dryRun: o.dryRun ?? false, reason: o.reason ?? "test", expectVersion: o.expectVersion }),
    async node(name: string, siteName: string, o: { cpu?: number; memoryMiB?: number; arch?: string; devices?: string[]; labels?: Record<string, string>; taints?: unknown[]; trust?: string; never?: boolean } = {}) {
      const f = facts({ cpu: o.cpu ?? 1_000, memoryMiB: o.memoryMiB ?? 4_096, arch: o.arch, devices: o.devices });
      await db.asOwner(
        `insert into nodes (id, project_id, site_id, name, labels, taints, trust_tier, observed_facts, cpu_millis, memory_bytes, disk_bytes, connected, last_seen_at, first_seen_at, observed_at)
         select 'node-' || $1::text, $2, s.id, $1::text, $4, $5, $6, $7, $8, $9, $10, $11::timestamptz is not null, $11, $11, $11 from sites s where s.name = $3 and s.deleted_at is null`,
        [name, project.id, siteName, JSON.stringify(o.labels ?? {}), JSON.stringify(o.taints ?? []), o.trust ?? "software", JSON.stringify(f), f.offered.cpuMillis, f.offered.memoryBytes, f.offered.diskBytes, o.never ? null : new Date(clock.nowMs())],
      );
    },
    /** Every node but the named ones says that it lives, and does what it is asked: starts what should run, stops what should not. */
    async obey(o: { silent?: readonly string[]; stuck?: readonly string[] } = {}) {
      const now = new Date(clock.nowMs());
      await db.asOwner("update nodes set connected = true, last_seen_at = $1, observed_at = $1, observed_generation = desired_generation where id in (select id from nodes where not name = any($2) and last_seen_at is not null order by id for no key update)", [now, o.silent ?? []]);
      await db.asOwner(
        `insert into observations (assignment_id, node_id, generation, digest, phase, health, restarts, message, ports, limits, since_at, observed_at)
         select a.id, a.node_id, a.generation, a.digest, case when a.desired = 'stop' then 'stopped' else 'running' end, case when a.desired = 'stop' then 'unknown' when a.unit = any($3) then 'unhealthy' else 'healthy' end, 0, '', '{}', 'none', $1, $1
         from assignments a join nodes n on n.id = a.node_id where a.ended_at is null and not n.name = any($2)
         on conflict (assignment_id) do update set generation = excluded.generation, digest = excluded.digest, phase = excluded.phase, health = excluded.health, since_at = excluded.since_at, observed_at = excluded.observed_at
           where observations.phase not in ('succeeded')`,
        [now, o.silent ?? [], o.stuck ?? []],
      );
    },
    units: async (name: string) =>
      db.asOwner<{ id: string; unit: string; node: string; desired: string; generation: number; cause: string; version: number }>("select a.id, a.unit, n.name as node, a.desired, a.generation, a.cause, a.version from assignments a join nodes n on n.id = a.node_id join objects w on w.id = a.workload_id where w.name = $1 and a.ended_at is null order by a.ordinal, a.created_at", [name]),
    /** Nodes that hold more than they offer, in any dimension. */
    overcommitted: async () =>
      db.asOwner<{ name: string }>("select n.name from nodes n join assignments a on a.node_id = n.id and a.ended_at is null join object_revisions r on r.object_id = a.workload_id and r.generation = a.generation group by n.id having sum(r.cpu_millis) > n.cpu_millis or sum(r.memory_bytes) > n.memory_bytes or sum(r.disk_bytes) > n.disk_bytes"),
  };
}
