/**
 * A large installation in a database, for measuring: 60 sites, 10,000 nodes, 50 workloads with 50,000 units, their
 * decisions, rollouts, approvals, audit entries and telemetry. Written in bulk by SQL, as the owner of the tables; in the
 * shape that the product itself writes. Nothing of this is ever seen outside a benchmark.
 */
import pg from "pg";
import { digestOf } from "../../server/core/base/json";
import { siteManifest, siteSpec } from "../../server/core/manifest/site";
import { workloadManifest, workloadSpec } from "../../server/core/manifest/workload";
import { placementPolicySpec } from "../../server/core/manifest/placement-policy";
import { analysisTemplateSpec } from "../../server/core/manifest/analysis";
import { rolloutStrategySpec } from "../../server/core/manifest/rollout";
import { addTo, emptySketch, encodeSketch } from "../../server/core/telemetry/sketch";
import { sha256Hex } from "./sha256";

export interface FleetSize {
  nodes: number;
  units: number;
  sites: number;
  workloads: number;
  rollouts: number;
  auditEntries: number;
}
export const FULL: FleetSize = { nodes: 10_000, units: 50_000, sites: 60, workloads: 50, rollouts: 400, auditEntries: 200_000 };

const PROJECT = "project-default";
const REVISIONS = 3;
const cities = [["Kiel", 54.32, 10.13, "DE"], ["Lyon", 45.76, 4.84, "FR"], ["Turku", 60.45, 22.27, "FI"], ["Porto", 41.15, -8.61, "PT"], ["Graz", 47.07, 15.44, "AT"], ["Utrecht", 52.09, 5.12, "NL"], ["Ghent", 51.05, 3.72, "BE"], ["Bergen", 60.39, 5.32, "NO"], ["Zaragoza", 41.65, -0.89, "ES"], ["Padua", 45.41, 11.88, "IT"]] as const;
const kinds = ["edge", "edge", "edge", "cloud-region", "on-prem", "grid"] as const;

/** What the sites, workloads and other objects are called; the calls that are measured take names from here. */
export const nameOfSite = (i: number): string => `${(cities[i % cities.length] ?? cities[0])[0].toLowerCase()}-${i}`;
export const nameOfWorkload = (i: number): string => `workload-${String(i).padStart(2, "0")}`;
export const nameOfNode = (i: number): string => `node-${String(i).padStart(5, "0")}`;

/** Fills an empty, migrated database. */
export async function seedLargeFleet(ownerUrl: string, size: FleetSize, say: (line: string) => void): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    // Each batch is its own statement; a crash of the machine while seeding may lose all of it.
    await client.query("set synchronous_commit = off");
    await objects(client, size);
    say("objects");
    await fleet(client, size);
    say(`${size.nodes} nodes`);
    await units(client, size);
    say(`${size.units} units with their observations and decisions`);
    await rollouts(client, size);
    say(`${size.rollouts} rollouts with approvals`);
    await audit(client, size);
    await telemetry(client);
    say(`${size.auditEntries} audit entries, telemetry`);
    await client.query("vacuum analyze");
  } finally {
    await client.end();
  }
}

async function insertObject(client: pg.Client, kind: string, name: string, manifests: readonly object[], title: string | null = null): Promise<string> {
  const id = `object-${kind.toLowerCase()}-${name}`;
  const digest = (m: object) => digestOf(m, sha256Hex);
  const newest = manifests.at(-1) as { spec: unknown };
  await client.query("insert into objects (id, project_id, kind, name, title, generation, digest, spec) values ($1, $2, $3, $4, $5, $6, $7, $8)", [id, PROJECT, kind, name, title, manifests.length, digest(newest), JSON.stringify(newest.spec)]);
  for (const [i, m] of manifests.entries()) {
    const changes = i === 0 ? [] : [{ path: "spec.template.env.MODEL", before: `v${i}`, after: `v${i + 1}` }];
    await client.query("insert into object_revisions (object_id, generation, digest, manifest, author, author_id, reason, changes, created_at) values ($1, $2, $3, $4, 'ada', 'person-ada', $5, $6, now() - make_interval(days => $7))", [id, i + 1, digest(m), JSON.stringify(m), `revision ${i + 1}`, JSON.stringify(changes), 30 - i]);
  }
  return id;
}

const manifest = (kind: string, name: string, spec: unknown) => ({ apiVersion: "holdfast.dev/v1", kind, metadata: { name, project: "default" }, spec });

async function objects(client: pg.Client, size: FleetSize): Promise<void> {
  for (let i = 0; i < size.sites; i++) {
    const [place, latitude, longitude, jurisdiction] = cities[i % cities.length] ?? cities[0];
    const name = nameOfSite(i);
    const kind = kinds[i % kinds.length] ?? "edge";
    const spec = siteSpec.parse({ kind, jurisdiction, timeZone: "Europe/Berlin", location: { place, latitude: latitude + (i % 7) / 20, longitude: longitude + (i % 5) / 20 }, uplink: { class: kind === "edge" ? "lte" : "fiber", metered: kind === "edge" }, rates: { cpuHour: 0.02 }, links: i === 0 ? [] : [{ to: nameOfSite(Math.floor(i / 2)), latencyMs: 20 + i, bandwidthMbps: 100 }] });
    const id = await insertObject(client, "Site", name, [siteManifest.parse(manifest("Site", name, spec))], `${place} ${i}`);
    await client.query("insert into sites (id, project_id, name, title, kind, jurisdiction, time_zone, spec) values ($1, $2, $3, $4, $5, $6, $7, $8)", [id, PROJECT, name, `${place} ${i}`, kind, jurisdiction, spec.timeZone, JSON.stringify(spec)]);
    for (const link of spec.links) {
      const [a, b] = [name, link.to].sort();
      await client.query("insert into links (id, project_id, site_a, site_b, latency_ms, loss_percent, bandwidth_mbps, price_per_gib, simulated) values ($1, $2, $3, $4, $5, $6, $7, $8, false)", [`link-${i}`, PROJECT, a, b, link.latencyMs, link.lossPercent, link.bandwidthMbps, link.pricePerGiB]);
    }
  }
  for (let i = 0; i < 10; i++) await insertObject(client, "PlacementPolicy", `policy-${i}`, [manifest("PlacementPolicy", `policy-${i}`, placementPolicySpec.parse({ require: [{ rule: "node.memoryMiB >= 256" }], residency: ["DE", "FR", "FI", "PT", "AT", "NL", "BE", "NO", "ES", "IT"], prefer: [{ by: "spread", over: "site", weight: 10 }] }))]);
  await insertObject(client, "RolloutStrategy", "canary", [manifest("RolloutStrategy", "canary", strategy)]);
  await insertObject(client, "AnalysisTemplate", "quality", [manifest("AnalysisTemplate", "quality", template)]);
  for (let i = 0; i < size.workloads; i++) {
    const name = nameOfWorkload(i);
    const revisions = Array.from({ length: REVISIONS }, (_, g) =>
      workloadManifest.parse(manifest("Workload", name, workloadSpec.parse({
        kind: i % 3 === 0 ? "inference" : "service", replicas: Math.floor(size.units / size.workloads), policy: `policy-${i % 10}`, rollout: "canary",
        template: { engine: { type: "process", command: ["${node}", "serve.js", `--model=v${g + 1}`] }, ports: [{ name: "http" }], resources: { cpuMillis: 100, memory: "64Mi" }, health: { probe: { type: "http", path: "/health" } } },
        objectives: { latencyP99Ms: 200, accuracyMin: 0.9 },
      }))),
    );
    await insertObject(client, "Workload", name, revisions, `Workload ${i}`);
  }
}

const strategy = rolloutStrategySpec.parse({ waves: [{ name: "canary", steps: [{ do: "update", percent: 100 }, { do: "analysis", template: "quality" }] }, { name: "edge", steps: [{ do: "approval", name: "release" }, { do: "update", percent: 100 }] }, { name: "rest", steps: [{ do: "update", percent: 100 }] }] });
const template = analysisTemplateSpec.parse({ metrics: [{ name: "accuracy", metric: "accuracy", min: 0.9 }, { name: "errors", metric: "errorRate", max: 0.01 }] });

async function fleet(client: pg.Client, size: FleetSize): Promise<void> {
  const facts = { hostname: "host", os: "linux", kernel: "6.1.0", arch: "x64", cpuModel: "Example CPU at 2.4 GHz", cpuCount: 8, memoryBytes: 2 ** 34, diskBytes: 2 ** 38, networks: [{ name: "eth0", addresses: ["10.0.0.1", "fe80::1"] }], devices: [] as object[], bootId: "0b1c", offered: { cpuMillis: 8_000, memoryBytes: 2 ** 34, diskBytes: 2 ** 38 }, sliced: false, engines: [{ type: "process", version: "1", limits: "cgroup2", limitsProven: true, limitsNote: "" }] };
  const gpu = { ...facts, devices: [{ index: 0, vendor: "example", model: "X100", memoryMiB: 81_920, uuid: "gpu-1" }] };
  const usage = { atMs: Date.now(), cpuShare: 0.42, memoryUsedBytes: 2 ** 33, diskUsedBytes: 2 ** 36, netRxBytesPerSecond: 1e6, netTxBytesPerSecond: 2e5, load1: 1.5 };
  // 3 of 100 nodes are silent, 1 is cordoned, 1 draining.
  await client.query(
    `insert into nodes (id, project_id, site_id, name, labels, taints, trust_tier, desired_state, desired_reason, desired_generation, observed_generation, observed_facts, observed_usage, observed_version, observed_at, last_seen_at, first_seen_at, connected, session_id, rtt_ms, address, cpu_millis, memory_bytes, disk_bytes)
     select 'node-' || lpad(i::text, 5, '0'), $1, s.ids[1 + i % array_length(s.ids, 1)], 'node-' || lpad(i::text, 5, '0'),
       jsonb_build_object('rack', 'r' || (i % 40), 'tier', case i % 3 when 0 then 'gold' else 'std' end), '[]', 'software',
       case i % 100 when 50 then 'cordoned' when 51 then 'draining' else 'active' end, case when i % 100 in (50, 51) then 'maintenance' end, 7, 7,
       case when i % 10 = 0 then $3::jsonb else $2::jsonb end, $4::jsonb, '0.1.0', now(), case when i % 100 >= 97 then now() - interval '30 days' else now() end, now() - interval '40 days', i % 100 < 97, 'session-' || i, 5 + i % 60, '10.0.' || (i / 256) || '.' || (i % 256), 8000, 17179869184, 274877906944
     from generate_series(0, $5::int - 1) i, (select array_agg(id order by id) as ids from sites) s`,
    [PROJECT, JSON.stringify(facts), JSON.stringify(gpu), JSON.stringify(usage), size.nodes],
  );
  await client.query("insert into node_identities (node_id, spki_sha256, created_at) select id, md5(id) || md5('x' || id), now() - interval '40 days' from nodes");
  await client.query("insert into node_certificates (serial, node_id, authority_id, not_before, not_after, issued_at, cause) select md5(id || c), id, 'ca', now() - make_interval(hours => c), now() - make_interval(hours => c - 1), now() - make_interval(hours => c), 'renew' from nodes, generate_series(1, 6) c");
  await client.query("insert into agent_sessions (id, node_id, gateway_id, address, opened_at, closed_at) select 'session-' || substr(id, 6)::int, id, 'gateway-1', address, now() - interval '1 day', null from nodes");
  await client.query("insert into silent_spells (id, node_id, site_id, project_id, from_at, to_at, reports_received, corrections) select 'spell-' || id || c, id, site_id, project_id, now() - make_interval(days => c), now() - make_interval(days => c) + interval '5 minutes', 20, 1 from nodes, generate_series(1, 3) c where substr(id, 6)::int % 10 = 0");
  await client.query("insert into silent_spells (id, node_id, site_id, project_id, from_at) select 'spell-open-' || id, id, site_id, project_id, last_seen_at from nodes where not connected");
}

async function units(client: pg.Client, size: FleetSize): Promise<void> {
  const each = Math.floor(size.units / size.workloads);
  const candidate = (i: number) => (i < 12
    ? { node: nameOfNode(i), site: nameOfSite(i), feasible: true, reason: null, score: 10 - i / 10, parts: [{ name: "spread", value: 1 - i / 20, weight: 10, text: "few units at this site" }] }
    : { node: nameOfNode(i), site: nameOfSite(i), feasible: false, reason: { code: "cpu", text: "Needs 100 m of CPU; 40 m are free." }, score: null, parts: [] });
  const decision = { policy: "policy-0", candidates: Array.from({ length: 24 }, (_, i) => candidate(i)), counts: [{ code: "cpu", text: "too little CPU is free", nodes: 3_100 }, { code: "silent", text: "silent", nodes: 300 }], feasible: 6_600 };
  await client.query(
    `insert into decisions (id, project_id, workload_id, unit, outcome, node_id, because, policy_digest, generation, candidates, created_at)
     select 'decision-' || w.name || '-' || u, $1, w.id, w.name || '-' || u, 'placed', 'node-' || lpad(((w.n * 211 + u * 7) % $3)::text, 5, '0'), 'Best score 10.0: spreads over sites.', 'sha256:policy', 2, $4::jsonb, now() - make_interval(secs => w.n * 1000 + u)
     from (select id, name, (row_number() over (order by name))::int n from objects where kind = 'Workload') w, generate_series(0, $2::int - 1) u`,
    [PROJECT, each, size.nodes, JSON.stringify(decision)],
  );
  await client.query(
    `insert into assignments (id, project_id, workload_id, unit, ordinal, node_id, generation, digest, desired, cause, decision_id, created_at)
     select 'assignment-' || w.name || '-' || u, $1, w.id, w.name || '-' || u, u, 'node-' || lpad(((w.n * 211 + u * 7) % $3)::text, 5, '0'), 3, w.digest, 'run', 'place', 'decision-' || w.name || '-' || u, now() - interval '2 days'
     from (select id, name, digest, (row_number() over (order by name))::int n from objects where kind = 'Workload') w, generate_series(0, $2::int - 1) u`,
    [PROJECT, each, size.nodes],
  );
  // What has ended stays in the table: as many again.
  await client.query(
    `insert into assignments (id, project_id, workload_id, unit, ordinal, node_id, generation, digest, desired, cause, created_at, ended_at)
     select 'ended-' || id, project_id, workload_id, unit, ordinal, node_id, 2, digest, 'stop', 'replace', now() - interval '9 days', now() - interval '2 days' from assignments where ended_at is null`,
  );
  // 1 of 200 units fails, 1 of 200 is starting.
  await client.query(
    `insert into observations (assignment_id, node_id, generation, digest, phase, health, pid, restarts, message, ports, limits, cpu_millis, memory_bytes, started_at, since_at, observed_at)
     select id, node_id, generation, digest, case ordinal % 200 when 7 then 'backoff' when 8 then 'starting' else 'running' end, case ordinal % 200 when 7 then 'unhealthy' when 8 then 'starting' else 'healthy' end, 1000 + ordinal, ordinal % 3, '', '{"http": 20001}', 'cgroup2', 40, 33554432, now() - interval '1 day', now() - interval '1 day', now()
     from assignments where ended_at is null`,
  );
}

async function rollouts(client: pg.Client, size: FleetSize): Promise<void> {
  const workloads = (await client.query<{ id: string; name: string; digest: string }>("select id, name, digest from objects where kind = 'Workload' order by name")).rows;
  for (let i = 0; i < size.rollouts; i++) {
    const w = workloads[i % workloads.length];
    if (!w) return;
    const open = i >= size.rollouts - 20;
    const target = (n: number) => ({ unit: `${w.name}-${n}`, node: nameOfNode(((i % workloads.length) * 211 + n * 7) % size.nodes), site: nameOfSite(n % size.sites) });
    const plan = {
      workload: w.name, from: { generation: 2, digest: "sha256:from" }, to: { generation: 3, digest: w.digest }, artifacts: [{ name: "model", digest: "sha256:model" }], policy: { name: "policy-0", digest: "sha256:policy" },
      strategy: { name: "canary", digest: "sha256:strategy", spec: strategy }, templates: { quality: { digest: "sha256:quality", spec: template } },
      waves: strategy.waves.map((wave, k) => ({ name: wave.name, targets: Array.from({ length: k === 2 ? 900 : 50 }, (_, n) => target(k * 50 + n)) })), window: { fromMs: Date.now() - 3_600_000, toMs: Date.now() + 3_600_000 },
    };
    const id = `rollout-${i}`;
    await client.query(
      `insert into rollouts (id, project_id, number, workload_id, from_generation, to_generation, phase, wave_index, step_index, step_started_at, plan, plan_digest, reason, author_id, author, created_at, updated_at, ended_at)
       values ($1, $2, $3, $4, 2, 3, $5, $6, 0, now(), $7, $8, $9, 'person-ada', 'ada', now() - make_interval(hours => $10), now(), $11)`,
      [id, PROJECT, i + 1, w.id, open ? "awaitingApproval" : "succeeded", open ? 1 : 2, JSON.stringify(plan), `sha256:plan${i}`, open ? "Waiting for approval of wave edge." : "All 1000 targets run r3.", size.rollouts - i, open ? null : new Date()],
    );
    await client.query("insert into rollout_events (rollout_id, at, kind, actor, text) select $1, now() - make_interval(mins => 60 - e), 'step', 'scheduler', 'Updated unit ' || e from generate_series(1, 30) e", [id]);
    const approvable = { workload: w.name, fromGeneration: 2, toGeneration: 3, toDigest: w.digest, artifacts: [{ name: "model", digest: "sha256:model", title: "model" }], policy: plan.policy, gate: "release", waves: plan.waves.map((wave) => ({ ...wave, steps: ["Update every unit of the wave"] })), window: plan.window, changes: [{ path: "spec.template.engine.command", before: "v2", after: "v3" }] };
    await client.query(
      "insert into approvals (id, project_id, rollout_id, gate, plan_digest, plan, state, requested_at, expires_at, decided_by_id, decided_by, decided_at, remark) values ($1, $2, $3, 'release', $4, $5, $6, now() - make_interval(hours => $7), now() + interval '1 day', $8, $8, $9, $10)",
      [`approval-${i}`, PROJECT, id, `sha256:plan${i}`, JSON.stringify(approvable), open ? "pending" : "approved", size.rollouts - i, open ? null : "grace", open ? null : new Date(), open ? null : "fine"],
    );
  }
}

async function audit(client: pg.Client, size: FleetSize): Promise<void> {
  await client.query(
    `insert into audit_entries (at, project_id, actor_kind, actor_id, actor, strength, action, object_kind, object_id, object, outcome, refusal, reason, before, after, request_id)
     select now() - make_interval(secs => ($2 - i) * 20), $1, case i % 4 when 0 then 'person' when 1 then 'token' else 'system' end, 'actor-' || i % 40, (array['ada', 'grace', 'scheduler', 'gateway'])[1 + i % 4] || case when i % 4 < 2 then '-' || i % 40 else '' end, 'password',
       (array['node.cordon', 'node.uncordon', 'manifest.apply', 'rollout.update', 'unit.place', 'rollout.approve'])[1 + i % 6], (array['node', 'node', 'workload', 'rollout', 'unit', 'rollout'])[1 + i % 6], 'object-' || i % 9973, 'object-' || i % 9973,
       case when i % 50 = 0 then 'refused' else 'done' end, case when i % 50 = 0 then '{"code": "forbidden", "message": "You hold viewer.", "remedy": "Ask."}'::jsonb end, case when i % 3 = 0 then 'maintenance window' end, '{"state": "active", "version": 3}', '{"state": "cordoned", "version": 4}', 'req-' || i / 2
     from generate_series(1, $2::int) i`,
    [PROJECT, size.auditEntries],
  );
}

async function telemetry(client: pg.Client): Promise<void> {
  const sketch = emptySketch();
  for (let i = 1; i <= 200; i++) addTo(sketch, i / 2);
  await client.query("insert into node_samples (node_id, at, values) select 'node-' || lpad(n::text, 5, '0'), now() - make_interval(secs => s * 15), array[0.4, 8e9, 6e10, 1e6, 2e5, 1.5] from generate_series(0, 99) n, generate_series(0, 480) s");
  await client.query(
    `insert into request_minutes (workload_id, assignment_id, generation, site_id, node_id, minute, count, errors, sketch)
     select a.workload_id, a.id, 3, n.site_id, n.id, date_trunc('minute', now()) - make_interval(mins => m), 200, 1, $1 from assignments a join nodes n on n.id = a.node_id, generate_series(0, 30) m where a.ended_at is null and a.ordinal < 40`,
    [Buffer.from(encodeSketch(sketch))],
  );
  await client.query("insert into quality_minutes (workload_id, generation, site_id, minute, labelled, correct) select w.id, 3, s.id, date_trunc('minute', now()) - make_interval(mins => m), 20, 19 from objects w, sites s, generate_series(0, 60) m where w.kind = 'Workload'");
  await client.query("insert into node_events (node_id, at, kind, message) select 'node-' || lpad(n::text, 5, '0'), now() - make_interval(mins => e * 7), 'unit.started', 'started' from generate_series(0, 999) n, generate_series(1, 30) e");
}
