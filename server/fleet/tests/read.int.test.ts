import { beforeAll, describe, expect, it } from "vitest";
import { livenessOf, unitStateOf } from "../../core/fleet";
import { parseBytes } from "../../core/manifest";
import { fleetRead, Recent } from "../../store";
import { testClock } from "../../testing/clock";
import { testDatabase } from "../../testing/database";
import { until } from "../../testing/until";
import { SILENT_MS, fleetOf, person, project, site, workload } from "../../scheduler/tests/fleet";

const db = testDatabase();
const clock = testClock();
const at = () => ({ nowMs: clock.nowMs(), silentAfterMs: SILENT_MS });
let f: ReturnType<typeof fleetOf>;
const ada = person("ada", "administrator");

beforeAll(async () => {
  f = fleetOf(db, clock);
  await f.apply(site("fra", { kind: "cloud-region", links: "{to: kiel, latencyMs: 12, bandwidthMbps: 100, simulated: true}" }));
  await f.apply(site("kiel"));
  for (let i = 1; i <= 7; i++) await f.node(`fra-${i}`, "fra", { cpu: i * 1_000, labels: { rack: i % 2 ? "a" : "b" } });
  for (let i = 1; i <= 3; i++) await f.node(`kiel-${i}`, "kiel");
  await f.node("kiel-new", "kiel", { never: true });
  await f.apply(workload("web", { replicas: 6 }));
  const s = f.scheduler();
  for (let i = 0; i < 3; i++) {
    await s.loop.resync();
    await s.loop.drain();
    await f.obey();
  }
});

/** Every combination that a unit's state depends on. */
const combinations = ["run", "stop"].flatMap((desired) =>
  [null, "pending", "fetching", "starting", "running", "stopping", "stopped", "succeeded", "failed", "backoff"].flatMap((phase) =>
    (phase === null ? ["unknown"] : ["unknown", "starting", "healthy", "unhealthy"]).flatMap((health) => [1, 2].flatMap((generation) => [null, "unhealthy", "starting", "backoff"].map((incoming) => ({ desired: desired as "run" | "stop", phase, health, generation, incoming })))),
  ),
);

describe("states in lists", () => {
  // Guarantee: the state that lists filter and count by in SQL is the one that core/fleet derives, for every combination.
  it.each(["live", "silent", "never"])("agree with core for a %s node", async (contact) => {
    const id = `twin-${contact}`;
    const seen = contact === "never" ? null : contact === "live" ? clock.nowMs() : clock.nowMs() - SILENT_MS - 1;
    await db.asOwner("insert into nodes (id, project_id, site_id, name, last_seen_at) select $1, $2, id, $1, $3 from sites where name = 'kiel'", [id, project.id, seen === null ? null : new Date(seen)]);
    const w = (await db.asOwner<{ id: string }>("select id from objects where name = 'web'"))[0]?.id;
    for (const [i, c] of combinations.entries()) {
      await db.asOwner("insert into assignments (id, project_id, workload_id, unit, ordinal, node_id, generation, digest, desired, cause) values ($1, $2, $3, $1, 0, $4, 1, 'd', $5, 'place')", [`${id}-${i}`, project.id, w, id, c.desired]);
      if (c.phase !== null) await db.asOwner("insert into observations (assignment_id, node_id, generation, digest, phase, health, restarts, message, ports, limits, since_at, observed_at, incoming) values ($1, $2, $3, 'd', $4, $5, 0, '', '{}', 'none', now(), now(), $6)", [`${id}-${i}`, id, c.generation, c.phase, c.health, c.incoming === null ? null : JSON.stringify({ generation: 2, phase: c.incoming === "backoff" ? "backoff" : "running", health: c.incoming === "backoff" ? "unknown" : c.incoming, message: "" })]);
    }
    const listed = new Map<string, string>();
    for (const state of ["healthy", "degraded", "failing", "silent", "pending"] as const) for (const u of (await fleetRead.unitsPage(db.store.read.client, project.id, at(), { node: id, state, after: null, limit: 1_000 })).items) listed.set(u.unit, `${listed.get(u.unit) ?? ""}${state}`);
    for (const [i, c] of combinations.entries()) {
      const expected = unitStateOf({
        desired: c.desired, generation: 1, sinceMs: 0, observed: c.phase === null ? null : { generation: c.generation, phase: c.phase, health: c.health, restarts: 0, exitCode: null, message: "", sinceMs: 0 },
        incoming: c.incoming === null || c.phase === null ? null : { generation: 2, phase: c.incoming === "backoff" ? "backoff" : "running", health: c.incoming === "backoff" ? "unknown" : c.incoming, message: "" },
        liveness: livenessOf({ connected: true, lastSeenMs: seen, ...at() }), nowMs: clock.nowMs(),
      }).state;
      expect(listed.get(`${id}-${i}`), JSON.stringify(c)).toBe(expected);
    }
    await db.asOwner("delete from observations where node_id = $1", [id]);
    await db.asOwner("delete from assignments where node_id = $1", [id]);
    await db.asOwner("delete from nodes where id = $1", [id]);
  });

  // Guarantee: sizes in manifests mean the same in the store as in core.
  it.each(["64Mi", "1.5Gi", "750M", "12", "0.1k", "2Ti", "3G"])("read %s alike", async (size) => {
    expect(Number((await db.asOwner<{ b: string }>("select holdfast_bytes($1) as b", [size]))[0]?.b)).toBe(parseBytes(size));
  });
});

describe("pages", () => {
  // Guarantee: pages in any order show every node exactly once, and say how many there are.
  it.each(["name", "-name", "site", "-site", "state", "-state", "lastSeen", "-lastSeen", "cpu", "-cpu", "memory", "-memory"])("of nodes by %s are complete", async (sort) => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof f.fleet.queries.nodes>> = await f.fleet.queries.nodes(project, { limit: 3, sort, cursor });
      expect(page.total).toBe(11);
      seen.push(...page.items.map((n) => n.name));
      cursor = page.nextCursor;
    } while (cursor);
    expect(new Set(seen).size).toBe(11);
    expect(seen).toHaveLength(11);
    if (sort === "cpu") expect(seen.slice(-1)).toEqual(["fra-7"]);
  });
  it("of units are complete", async () => {
    const first = await f.fleet.queries.units(project, { limit: 4 });
    const second = await f.fleet.queries.units(project, { limit: 4, cursor: first.nextCursor });
    expect([...first.items, ...second.items].map((u) => u.unit)).toEqual(["web-1", "web-2", "web-3", "web-4", "web-5", "web-6"]);
    expect([first.total, second.nextCursor]).toEqual([6, null]);
  });
  it("filter by words, site and state", async () => {
    const names = async (o: object) => (await f.fleet.queries.nodes(project, { limit: 50, ...o })).items.map((n) => n.name);
    expect(await names({ q: "kiel" })).toEqual(["kiel-1", "kiel-2", "kiel-3", "kiel-new"]);
    expect(await names({ q: '"rack": "b"' })).toEqual(["fra-2", "fra-4", "fra-6"]);
    expect(await names({ site: "kiel", state: "pending" })).toEqual(["kiel-new"]);
    expect(await names({ q: "100%" })).toEqual([]);
    expect((await f.fleet.queries.units(project, { limit: 50, site: "kiel", state: "healthy" })).total).toBe((await f.fleet.queries.units(project, { limit: 50, site: "kiel" })).items.length);
  });
  it("refuse a cursor that is not theirs", async () => {
    for (const cursor of ["x", "%5B1%5D", encodeURIComponent(JSON.stringify(["cpu", "1", "a"]))]) await expect(f.fleet.queries.nodes(project, { limit: 3, cursor })).rejects.toMatchObject({ holdfastRefusal: { code: "invalid_input", fields: [{ path: "cursor" }] } });
  });
});

describe("what people see", () => {
  // Guarantee: a silent site is shown as silent, with counts as intervals and the age of the last word, never as healthy.
  it("tells silence from health everywhere", async () => {
    clock.advance(SILENT_MS + 1_000);
    const silent = ["kiel-1", "kiel-2", "kiel-3"];
    await f.obey({ silent });
    // As the gateway does when it opens a silent spell.
    await db.store.inTransaction(async (tx) => tx.changes.add("node", "node-kiel-1", project.id));
    const here = (await f.fleet.queries.units(project, { limit: 50, site: "kiel" })).items;
    expect(here.length).toBeGreaterThan(0);
    expect(here.every((u) => u.state.state === "silent")).toBe(true);
    const kiel = (await f.fleet.queries.sites(project)).find((s) => s.name === "kiel");
    expect(kiel?.state.state).toBe("degraded"); // kiel-new never came, the other three are silent
    expect(kiel?.units).toMatchObject({ min: 0, max: here.length, total: here.length });
    const home = await f.fleet.queries.home(project, {}, ada);
    expect(home.unitsReady).toMatchObject({ min: 6 - here.length, max: 6, total: 6 });
    expect(home.nodes).toMatchObject({ silent: 3, healthy: 7, pending: 1 });
    expect(home.needsMe.some((n) => n.severity === "silent" && /3 nodes of kiel are silent/.test(n.text))).toBe(true);
    const map = await f.fleet.queries.topology(project, {});
    expect(map.control.find((c) => c.site === "kiel")).toMatchObject({ connected: 0, total: 4, state: "silent" });
    expect(map.links).toMatchObject([{ siteA: "fra", siteB: "kiel", simulated: true, state: "silent" }]);
    expect(map.sites.find((s) => s.name === "kiel")?.nodesHere[0]?.state.state).toBe("silent");
    // Every node of a site is counted by its state, and every unit of the chosen workload, whoever is named beside them.
    for (const s of map.sites) expect(Object.values(s.nodeStates).reduce((a, b) => a + b, 0)).toBe(s.nodes.total);
    expect(map.sites.every((s) => s.overlay === null)).toBe(true);
    const chosen = map.workloads[0] ?? "";
    const overlaid = await f.fleet.queries.topology(project, { workload: chosen });
    const drawn = overlaid.sites.flatMap((s) => (s.overlay ?? []).map((o) => `${s.name} ${o.state} ${o.units}`)).sort();
    const named = new Map<string, number>();
    for (const s of map.sites) for (const n of s.nodesHere) for (const u of n.units) if (u.workload === chosen) named.set(`${s.name} ${u.state}`, (named.get(`${s.name} ${u.state}`) ?? 0) + 1);
    expect(drawn).toEqual([...named].map(([at, units]) => `${at} ${units}`).sort());
    expect(drawn.length).toBeGreaterThan(1);
    const list = await f.workloads.queries.list(project, { limit: 10 });
    expect(list.items[0]?.units).toMatchObject({ min: 6 - here.length, max: 6, total: 6 });
    expect(list.items[0]?.state.state).toBe("degraded");
    await f.obey();
    await db.store.inTransaction(async (tx) => tx.changes.add("node", "node-kiel-1", project.id));
    expect((await f.fleet.queries.home(project, {}, ada)).unitsReady).toMatchObject({ min: 6, max: 6 });
  });

  it("shows a node and a site with all that belongs to them", async () => {
    const node = await f.fleet.queries.node(project, { name: "fra-1" }, ada);
    expect(node).toMatchObject({ name: "fra-1", site: "fra", state: { state: "healthy" }, desiredState: "active" });
    expect(node.commands.find((c) => c.command === "uncordon")?.disabledBecause).toMatch(/open for new units/);
    expect((await f.fleet.queries.node(project, { name: "fra-1" }, person("eve", "viewer"))).commands.every((c) => c.disabledBecause !== null)).toBe(true);
    const there = await f.fleet.queries.site(project, { name: "fra" });
    expect(there.nodesHere).toHaveLength(7);
    expect(there.manifestYaml).toContain("kind: cloud-region");
    expect(there.links).toHaveLength(1);
    await expect(f.fleet.queries.node(project, { name: "nowhere" }, ada)).rejects.toMatchObject({ holdfastRefusal: { code: "not_found" } });
  });

  it("finds things by name", async () => {
    const kinds = async (q: string, role: "viewer" | "administrator" = "administrator") => (await f.fleet.queries.search(project, { q }, person("p", role))).map((h) => `${h.kind} ${h.name}`);
    expect((await kinds("kiel"))[0]).toBe("site kiel");
    expect(await kinds("web")).toContain("workload web");
    expect(await kinds("web-1")).toEqual(["unit web-1"]);
    expect(await kinds("%")).toEqual([]);
  });

  // Guarantee: every node is accounted for when a unit is explained, and the unit's own load does not stand in its way.
  it("explains a unit", async () => {
    const unit = (await f.fleet.queries.units(project, { limit: 1 })).items[0];
    const e = await f.placement.queries.explain(project, { unit: unit?.unit ?? "" });
    expect(e).toMatchObject({ outcome: "placed", node: unit?.node });
    expect(e.candidates.filter((c) => c.feasible).length + e.counts.reduce((n, c) => n + c.nodes, 0)).toBe(11);
    expect(e.candidates.find((c) => c.node === unit?.node)?.feasible).toBe(true);
    expect(e.candidates.find((c) => c.node === "kiel-new")?.reason?.text).toMatch(/not connected yet/);
  });

  it("previews selectors and policies", async () => {
    const m = await f.placement.queries.matches(project, { selector: 'site.kind == "cloud-region"' });
    expect([m.matched, m.total]).toEqual([7, 11]);
    expect(m.nodes.find((n) => n.node === "kiel-1")?.because).toMatch(/does not match/);
    expect((await f.placement.queries.matches(project, { selector: 'site.kind ==\n  "egde"' })).errors).toMatchObject([{ path: "selector", line: 2, column: 3 }]);
    const policy = "apiVersion: holdfast.dev/v1\nkind: PlacementPolicy\nmetadata: {name: p}\nspec: {residency: [FR]}\n";
    expect((await f.placement.queries.matches(project, { policyText: policy })).matched).toBe(0);
  });
});

// Guarantee: a remembered answer is given again until something it depends on has changed, and never after.
it("remembers answers until a change", async () => {
  // Whoever else has a transaction open on this server holds the pointer back, and then asking anew is right.
  await until("the pointer to have passed what was written before", async () => !(await db.store.changedSince(await db.store.changesNow(), ["node"], project.id)));
  let asked = 0;
  const recent = new Recent<number>({ changes: db.store, topics: ["node"], maxAgeMs: 60_000 });
  const get = () => recent.get(project.id, "k", () => Promise.resolve(++asked));
  await Promise.all([get(), get(), get()]);
  expect(await get()).toBe(1);
  await db.store.inTransaction(async (tx) => tx.changes.add("person", "x", project.id));
  expect(await get()).toBe(1);
  await db.store.inTransaction(async (tx) => tx.changes.add("node", "x", project.id));
  expect(await get()).toBe(2);
  const failing = new Recent<number>({ changes: db.store, topics: ["node"], maxAgeMs: 60_000 });
  await expect(failing.get(project.id, "k", () => Promise.reject(new Error("away")))).rejects.toThrow("away");
  expect(await failing.get(project.id, "k", () => Promise.resolve(7))).toBe(7);
});
