/** A small world in a real store for the tests of rollouts and telemetry: sites, nodes, a workload with units, and agents that obey. */
import type { Actor } from "../core/access/actor";
import { rolesFrom } from "../core/access/actor";
import type { Role } from "../core/access/permissions";
import { analysisTemplateSpec } from "../core/manifest/analysis";
import { rolloutStrategySpec } from "../core/manifest/rollout";
import { addTo, emptySketch, encodeSketch } from "../core/telemetry/sketch";
import type { TestDatabase } from "./database";

export const project = { id: "default", name: "default" };
export const person = (id: string, role: Role): Actor => ({ kind: "person", id, name: id, strength: "password", roles: rolesFrom([{ projectId: "*", role }]) });

export interface World {
  workloadId: string;
  /** Makes every live agent do what it is asked, except units named in `stuck`. */
  obey(stuck?: readonly string[]): Promise<void>;
  silence(node: string): Promise<void>;
  wake(node: string): Promise<void>;
  /** Labelled predictions of a revision at a site's node: `correct` of `labelled` are right, served now. */
  predict(node: string, generation: number, labelled: number, correct: number): Promise<void>;
  /** Requests that a unit served on a revision, one row for each of the minutes, each with this latency in ms. */
  serve(unit: string, generation: number, o: { fromMs: number; minutes: number; requests: number; errors?: number; ms?: number }): Promise<void>;
  generations(): Promise<Record<string, number>>;
}

type Options = { units: readonly { unit: string; site: string }[]; strategy: unknown; template?: unknown; revisions?: number };

export async function seedWorld(db: TestDatabase, o: Options): Promise<World> {
  const projectRow = (await db.asOwner<{ id: string }>("select id from projects where name = 'default'"))[0];
  project.id = projectRow?.id ?? "default";
  const p = project.id;
  const sites = [...new Set(o.units.map((u) => u.site))];
  for (const s of sites) {
    const spec = JSON.stringify({ kind: s.startsWith("edge") ? "edge" : "cloud-region", jurisdiction: "DE", uplink: { class: "fiber" } });
    await db.asOwner("insert into objects (id, project_id, kind, name, generation, digest, spec) values ($1, $2, 'Site', $3, 1, 'sha256:x', $4)", [`site-${s}`, p, s, spec]);
    await db.asOwner("insert into sites (id, project_id, name, title, kind, jurisdiction, time_zone, spec) values ($1, $2, $3, $3, $4, 'DE', 'UTC', $5)", [`site-${s}`, p, s, s.startsWith("edge") ? "edge" : "cloud-region", spec]);
  }
  const object = async (id: string, kind: string, name: string, spec: unknown, generation = 1): Promise<void> => {
    await db.asOwner("insert into objects (id, project_id, kind, name, generation, digest, spec) values ($1, $2, $3, $4, $5, $6, $7)", [id, p, kind, name, generation, `sha256:${name}`, JSON.stringify(spec)]);
  };
  await object("strategy", "RolloutStrategy", "canary", rolloutStrategySpec.parse(o.strategy));
  if (o.template) await object("template", "AnalysisTemplate", "quality", analysisTemplateSpec.parse(o.template));
  const spec = { kind: "inference", template: { artifacts: [{ name: "model", digest: "sha256:m" }] } };
  const revisions = o.revisions ?? 2;
  await object("workload", "Workload", "digits", spec, revisions);
  for (let g = 1; g <= revisions; g++) {
    await db.asOwner("insert into object_revisions (object_id, generation, digest, manifest, author, author_id, changes) values ('workload', $1, $2, $3, 'ada', 'ada', $4)", [g, `sha256:r${g}`, JSON.stringify({ spec }), JSON.stringify([{ path: "spec.template.artifacts", before: `v${g - 1}`, after: `v${g}` }])]);
  }
  for (const [i, u] of o.units.entries()) {
    await db.asOwner("insert into nodes (id, project_id, site_id, name, connected, last_seen_at, observed_facts) values ($1, $2, $3, $4, true, now() + interval '1 day', '{}')", [`node-${u.unit}`, p, `site-${u.site}`, `n-${u.unit}`]);
    await db.asOwner("insert into assignments (id, project_id, workload_id, unit, ordinal, node_id, generation, digest, desired, cause) values ($1, $2, 'workload', $3, $4, $5, 1, 'sha256:r1', 'run', 'place')", [`as-${u.unit}`, p, u.unit, i, `node-${u.unit}`]);
  }
  let predictions = 0;
  const world: World = {
    workloadId: "workload",
    async obey(stuck = []) {
      await db.asOwner(
        `insert into observations (assignment_id, node_id, generation, digest, phase, health, restarts, message, ports, limits, since_at, observed_at)
         select a.id, a.node_id, a.generation, a.digest, 'running', 'healthy', 0, '', '{}', 'none', now(), now() from assignments a join nodes n on n.id = a.node_id
         where a.ended_at is null and n.last_seen_at > now() and not (a.unit = any($1))
         on conflict (assignment_id) do update set generation = excluded.generation, digest = excluded.digest, observed_at = now()`,
        [stuck],
      );
    },
    silence: async (node) => void (await db.asOwner("update nodes set connected = false, last_seen_at = now() - interval '1 hour' where name = $1", [node])),
    wake: async (node) => void (await db.asOwner("update nodes set connected = true, last_seen_at = now() + interval '1 day' where name = $1", [node])),
    async predict(node, generation, labelled, correct) {
      const from = predictions;
      predictions += labelled;
      await db.asOwner(
        `insert into predictions (workload_id, id, assignment_id, generation, site_id, at, predicted, confidence, label, labelled_at)
         select 'workload', 'p' || i, 'as', $2, n.site_id, now(), '1', 0.9, case when i - $3 < $5 then '1' else '2' end, now() from nodes n, generate_series($3::int, $3::int + $4::int - 1) i where n.name = $1`,
        [node, generation, from, labelled, correct],
      );
    },
    async serve(unit, generation, o) {
      const sketch = emptySketch();
      addTo(sketch, o.ms ?? 100, o.requests);
      await db.asOwner(
        `insert into request_minutes (workload_id, assignment_id, generation, site_id, node_id, minute, count, errors, sketch)
         select 'workload', a.id, $2, n.site_id, n.id, date_trunc('minute', to_timestamp($3::float8 / 1000.0)) + i * interval '1 minute', $5, $6, $7 from assignments a join nodes n on n.id = a.node_id, generate_series(0, $4::int - 1) i where a.unit = $1`,
        [unit, generation, o.fromMs, o.minutes, o.requests, o.errors ?? 0, Buffer.from(encodeSketch(sketch))],
      );
    },
    async generations() {
      const rows = await db.asOwner<{ unit: string; generation: number }>("select unit, generation from assignments where ended_at is null and desired = 'run' order by unit");
      return Object.fromEntries(rows.map((r) => [r.unit, r.generation]));
    },
  };
  await world.obey();
  return world;
}
