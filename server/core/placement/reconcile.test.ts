import { describe, expect, it } from "vitest";
import { noLoad } from "./demand";
import type { FleetNode } from "./fleet";
import { planWorkload } from "./reconcile";
import type { OwnUnit, RevisionShape, WorkloadPlan, WorkloadSnapshot } from "./workload-plan";
import { demand, nodeOf, policy, selectorOf, shape } from "./testing";

const NOW = 10_000_000;
const revision = (generation: number, o: Partial<RevisionShape> = {}): RevisionShape => ({ generation, digest: `d${generation}`, templateDigest: `t${generation}`, shape: shape(), ...o });
const node = (name: string, o: Partial<FleetNode> = {}) => nodeOf({ name, lastSeenMs: NOW, ...o });
const unit = (ordinal: number, at: FleetNode, o: Partial<Omit<OwnUnit, "on">> & { phase?: string; health?: string; on?: number } = {}): OwnUnit => {
  const { phase = "running", health = "healthy", on = 1, ...rest } = o;
  return { assignmentId: `a${ordinal}`, version: 1, unit: `w-${ordinal}`, ordinal, node: at, generation: 1, desired: "run", updatedAtMs: NOW - 60_000, nodeObservedAtMs: NOW, nodeApplied: true, observed: { generation: on, phase, health, restarts: 0, exitCode: null, message: "", sinceMs: NOW - 50_000 }, ...rest };
};
const world = (o: Partial<WorkloadSnapshot> & { nodes?: FleetNode[] }): WorkloadSnapshot => {
  const { nodes, ...rest } = o;
  const goal = rest.goal === undefined ? revision(1) : rest.goal;
  return { nowMs: NOW, workloadId: "id", name: "w", kind: "service", removed: false, replicas: 1, lostAfterMs: null, goal, revisions: new Map([[1, revision(1)], ...(goal ? [[goal.generation, goal] as const] : [])]), rolloutOpen: false, askShape: goal?.shape ?? null, units: [], completed: new Set(), fleet: nodes ? { nowMs: NOW, nodes } : null, ...rest };
};
/** What a plan does, in a line each. */
const told = (p: WorkloadPlan) => [...p.place.map((x) => `place ${x.unit} on ${x.decision.node} r${x.generation} (${x.cause})`), ...p.unplaced.map((x) => `nowhere ${x.unit}`), ...p.stop.map((x) => `stop ${x.unit} (${x.cause})`), ...p.end.map((x) => `end ${x.unit} (${x.cause})`), ...p.move.map((x) => `move ${x.unit} to r${x.generation}`)];

const [a, b, c] = [node("a"), node("b"), node("c")];
const silent = (name: string, forMs: number) => node(name, { contact: "silent", lastSeenMs: NOW - forMs });
const draining = node("a", { desiredState: "draining" });

describe("one pass over a workload", () => {
  it.each<[string, Partial<WorkloadSnapshot> & { nodes?: FleetNode[] }, string[]]>([
    ["has nothing to do when all is as wanted", { units: [unit(1, a)], nodes: [a, b] }, []],
    ["places what is missing, with the lowest free number", { replicas: 3, units: [unit(2, a)], nodes: [a, b, c] }, ["place w-1 on b r1 (scale)", "place w-3 on c r1 (scale)"]],
    ["says what fits nowhere", { nodes: [node("a", { desiredState: "cordoned" })] }, ["nowhere w-1"]],
    ["stops the highest number when there are too many", { units: [unit(1, a), unit(2, b)] }, ["stop w-2 (scale)"]],
    ["stops what does not serve before what does", { units: [unit(1, a, { health: "unhealthy" }), unit(2, b)] }, ["stop w-1 (scale)"]],
    ["stops from the fullest site when spread is asked for", { replicas: 2, goal: revision(1, { shape: shape({ policy: policy({ spread: [{ over: "site", maxSkew: 1 }] }) }) }), units: [unit(1, a), unit(2, a), unit(3, node("f", { site: "fra" }))] }, ["stop w-2 (scale)"]],
    ["stops everything of a removed workload", { removed: true, units: [unit(1, a), unit(2, b)] }, ["stop w-1 (remove)", "stop w-2 (remove)"]],
    ["stops everything when no revision may run", { goal: null, units: [unit(1, a)] }, ["stop w-1 (remove)"]],
    ["ends what the agent says is stopped", { replicas: 0, units: [unit(1, a, { desired: "stop", phase: "stopped" })] }, ["end w-1 (done)"]],
    ["waits for what is still stopping", { replicas: 0, units: [unit(1, a, { desired: "stop", phase: "stopping" })] }, []],
    ["ends what was never started", { replicas: 0, units: [unit(1, a, { desired: "stop", observed: null })] }, ["end w-1 (done)"]],
    ["does not end what a silent node may still run", { replicas: 0, units: [unit(1, silent("a", 60_000), { desired: "stop", observed: null })] }, []],

    ["leaves a silent node's units alone", { units: [unit(1, silent("a", 9e6))], nodes: [b] }, []],
    ["leaves them alone before lostAfter", { lostAfterMs: 600_000, units: [unit(1, silent("a", 599_999))], nodes: [b] }, []],
    ["replaces them after lostAfter, under the same name", { lostAfterMs: 600_000, units: [unit(1, silent("a", 600_000))], nodes: [silent("a", 600_000), b] }, ["place w-1 on b r1 (replace)", "stop w-1 (replace)"]],
    ["does not move units off a silent node that is draining", { units: [unit(1, silent("a", 60_000), { node: { ...silent("a", 60_000), desiredState: "draining" } })], nodes: [b] }, []],

    ["places the replacement of a draining node's unit first", { units: [unit(1, draining)], nodes: [draining, b] }, ["place w-2 on b r1 (drain)"]],
    ["waits until the replacement serves", { units: [unit(1, draining), unit(2, b, { health: "starting" })], nodes: [draining, b] }, []],
    ["then stops the old one", { units: [unit(1, draining), unit(2, b)], nodes: [draining, b] }, ["stop w-1 (drain)"]],
    ["keeps it when no node can take it", { units: [unit(1, draining)], nodes: [draining] }, ["nowhere w-2"]],
    ["stops at once what does not serve anyway", { units: [unit(1, draining, { health: "unhealthy" })], nodes: [draining, b] }, ["place w-2 on b r1 (drain)", "stop w-1 (drain)"]],
    ["does not count on silent units when it lets one go", { replicas: 2, units: [unit(1, draining), unit(2, silent("b", 60_000)), unit(3, c, { health: "starting" })], nodes: [draining, c] }, []],
    ["moves what its policy no longer allows", { goal: revision(1, { shape: shape({ selector: selectorOf('node.name == "b"') }) }), units: [unit(1, a)], nodes: [a, b] }, ["place w-2 on b r1 (move)"]],
    ["leaves what a cordoned node runs", { units: [unit(1, node("a", { desiredState: "cordoned" }))], nodes: [b] }, []],

    ["moves one serving unit to a new revision", { replicas: 2, goal: revision(2), units: [unit(1, a), unit(2, b)] }, ["move w-1 to r2"]],
    ["waits for it before the next", { replicas: 2, goal: revision(2), units: [unit(1, a, { generation: 2 }), unit(2, b)] }, []],
    ["goes on when it runs the new one", { replicas: 2, goal: revision(2), units: [unit(1, a, { generation: 2, on: 2 }), unit(2, b)] }, ["move w-2 to r2"]],
    ["moves at once what does not serve", { replicas: 3, goal: revision(2), units: [unit(1, a, { health: "unhealthy" }), unit(2, b, { phase: "backoff" }), unit(3, c)] }, ["move w-1 to r2", "move w-2 to r2"]],
    ["touches silent units last", { replicas: 2, goal: revision(2), units: [unit(1, a, { generation: 2, on: 2 }), unit(2, silent("b", 60_000))] }, ["move w-2 to r2"]],
    ["restarts nothing for the same template", { goal: revision(2, { templateDigest: "t1" }), units: [unit(1, a)] }, []],
    ["leaves revisions to an open rollout", { rolloutOpen: true, goal: revision(2), units: [unit(1, a)] }, []],
    ["replaces elsewhere what does not fit in its place", { goal: revision(2, { shape: shape({ demand: demand({ cpuMillis: 900 }) }) }), units: [unit(1, node("a", { load: { ...noLoad, cpuMillis: 500 } }))], nodes: [node("a", { load: { ...noLoad, cpuMillis: 500 } }), b] }, ["place w-2 on b r2 (move)"]],

    ["has a daemon on every node that takes it", { kind: "daemon", units: [unit(0, a, { unit: "w-a" })], nodes: [a, b, node("t", { taints: [{ key: "x" }] })] }, ["place w-b on b r1 (place)"]],
    ["stops a daemon's unit on a draining node", { kind: "daemon", units: [unit(0, draining, { unit: "w-a" })], nodes: [draining] }, ["stop w-a (drain)"]],

    ["ends a piece of a batch that is done, and asks for no other", { kind: "batch", units: [unit(1, a, { phase: "succeeded" })], nodes: [a] }, ["end w-1 (completed)"]],
    ["runs the pieces that are not done", { kind: "batch", replicas: 3, completed: new Set([1]), units: [unit(2, a)], nodes: [a, b] }, ["place w-3 on b r1 (scale)"]],
    ["stops a batch piece before it starts it elsewhere", { kind: "batch", units: [unit(1, draining)], nodes: [draining, b] }, ["stop w-1 (drain)"]],
    ["stops the piece that is no longer asked for, and no other", { kind: "batch", replicas: 1, units: [unit(1, a, { health: "unhealthy" }), unit(2, b)] }, ["stop w-2 (scale)"]],
    ["writes off what a decommissioned node was to run", { units: [unit(1, node("a", { desiredState: "decommissioned" }))], nodes: [b] }, ["place w-1 on b r1 (place)", "end w-1 (replace)"]],
  ])("%s", (_what, o, expected) => expect(told(planWorkload(world(o))).sort()).toEqual([...expected].sort()));

  // Guarantee: most passes need no picture of the fleet; one that does says so instead of guessing.
  it("asks for the fleet only when a unit needs a node", () => {
    expect(planWorkload(world({ units: [unit(1, a)] })).needsFleet).toBe(false);
    expect(planWorkload(world({})).needsFleet).toBe(true);
  });
  it("looks again when a silent node's units are due, and when a unit has no node", () => {
    expect(planWorkload(world({ lostAfterMs: 600_000, units: [unit(1, silent("a", 60_000))] })).wakeAtMs).toBe(NOW + 540_000);
    expect(planWorkload(world({ nodes: [] })).wakeAtMs).toBe(NOW + 30_000);
  });
});
