import { describe, expect, it } from "vitest";
import type { OngoingMove, OngoingRepair } from "../repair-part";
import { repairPartOf } from "../repair-part";
import { demand, nodeOf } from "../testing";
import type { OwnUnit } from "../workload-plan";
import { RepairRun } from "./repair-run";

const NOW = 10_000_000;
const HOUR_MS = 3_600_000;
const small = demand({ cpuMillis: 300 });
const large = demand({ cpuMillis: 900 });
const move = (n: number, o: Partial<OngoingMove> = {}): OngoingMove => ({ unit: `web-${n}`, assignmentId: `a${n}`, becomes: null, state: "waiting", because: null, sinceMs: null, workloadId: "web", workload: "web", toNodeId: `to-${n}`, demand: small, ...o });
const repair = (moves: OngoingMove[], o: Partial<OngoingRepair> = {}): OngoingRepair => ({ id: "r", workloadId: "gang", object: "gang", atMs: NOW - 5_000, plan: { units: 2, demand: large, priority: 50, runningBefore: 1, rooms: [{ nodeId: "x" }, { nodeId: "y" }] }, moves, ...o });
const unit = (assignmentId: string, desired: "run" | "stop" = "run"): OwnUnit => ({ assignmentId, version: 1, unit: assignmentId, ordinal: 1, node: nodeOf({ name: "n" }), generation: 1, desired, updatedAtMs: NOW, nodeObservedAtMs: NOW, nodeApplied: true, observed: { generation: 1, phase: "running", health: "healthy", restarts: 0, exitCode: null, message: "", sinceMs: NOW } });
const fleet = (units: Record<string, OwnUnit[]>) => (id: string) => units[id] ?? [];

describe("what a repair under way means for a workload", () => {
  const kept = (o: object) => ({ priority: 50, cause: "preempt", because: "is being made by a repair plan", fromMs: NOW - 5_000, expiresMs: NOW + HOUR_MS, ...o });
  const rooms = [kept({ workloadId: "gang", workload: "gang", unit: "gang 1", nodeId: "x", demand: large }), kept({ workloadId: "gang", workload: "gang", unit: "gang 2", nodeId: "y", demand: large })];

  // Guarantee: who moves now learns it; everybody else finds taken what is cleared, and where those that still wait will go.
  it("is its turn, or rooms that are kept", () => {
    const moves = [move(1, { batch: 0 }), move(2, { batch: 0, state: "moving", becomes: "b2" }), move(3, { batch: 1, workloadId: "api", workload: "api" })];
    const told = (n: number, becomes: string | null) => [`a${n}`, { repairId: "r", move: n - 1, toNodeId: `to-${n}`, becomes, because: "It makes room for gang (repair plan)." }];
    expect(repairPartOf(repair(moves), "web", NOW)).toEqual({ turns: new Map([told(1, null), told(2, "b2")] as never) });
    const places = [kept({ workloadId: "web", workload: "web", unit: "web-1", nodeId: "to-1", demand: small }), kept({ workloadId: "api", workload: "api", unit: "web-3", nodeId: "to-3", demand: small })];
    for (const other of ["api", "gang", "somebody"]) expect(repairPartOf(repair(moves), other, NOW)).toEqual({ held: [...rooms, ...places] });
    expect(repairPartOf(repair(moves, { workloadId: null }), "api", NOW)).toEqual({ held: places });
  });
});

describe("a repair in a preview", () => {
  // Guarantee: it goes from move to move by the same steps as the reconciler's, and is over when those that waited run.
  it("goes on until those that waited run", () => {
    const run = new RepairRun(repair([move(1), move(2)]));
    const web = [unit("a1"), unit("a2")];
    const none = fleet({ web, gang: [unit("g1")] });
    expect(run.step(none, NOW)).toEqual({ concerned: ["web", "gang"], over: false });
    expect(run.step(none, NOW)).toBeNull();
    expect(run.partOf("web", NOW)).toMatchObject({ turns: new Map([["a1", expect.objectContaining({ move: 0, becomes: null }) as unknown]]) });
    run.note(0, { state: "moving", becomes: "b1" });
    expect(run.partOf("web", NOW)).toMatchObject({ turns: new Map([["a1", expect.objectContaining({ move: 0, becomes: "b1" }) as unknown]]) });
    expect(run.step(fleet({ web: [...web, unit("b1")], gang: [unit("g1")] }), NOW)).toBeNull();
    expect(run.step(fleet({ web: [unit("a2"), unit("b1")], gang: [unit("g1")] }), NOW)).toEqual({ concerned: ["web", "gang"], over: false });
    expect(run.partOf("web", NOW)).toMatchObject({ turns: new Map([["a2", expect.objectContaining({ move: 1 }) as unknown]]) });
    run.note(1, { state: "moving", becomes: "b2" });
    const moved = [unit("b1"), unit("b2")];
    // One ran before and two wait: two that run, or a third that is to stop, are not enough.
    expect(run.step(fleet({ web: moved, gang: [unit("g1"), unit("g2"), unit("g3", "stop")] }), NOW)).toMatchObject({ over: false });
    expect(run.step(fleet({ web: moved, gang: [unit("g1"), unit("g2"), unit("g3", "stop")] }), NOW)).toBeNull();
    expect(run.step(fleet({ web: moved, gang: [unit("g1"), unit("g2"), unit("g3")] }), NOW)).toEqual({ concerned: ["web", "gang"], over: true });
  });

  it("is over with its last move where nobody waits", () => {
    const run = new RepairRun(repair([move(1, { sinceMs: NOW, state: "moving", becomes: "b1" })], { workloadId: null }));
    expect(run.step(fleet({ web: [unit("a1"), unit("b1")] }), NOW)).toBeNull();
    expect(run.step(fleet({ web: [unit("b1")] }), NOW)).toEqual({ concerned: ["web"], over: true });
  });

  it("is over as a whole when one move is dropped", () => {
    const run = new RepairRun(repair([move(1, { sinceMs: NOW }), move(2, { workloadId: "api" })]));
    run.note(0, { state: "dropped", because: "no room" });
    expect(run.step(fleet({ web: [unit("a1")], api: [unit("a2")] }), NOW)).toEqual({ concerned: ["web", "api", "gang"], over: true });
  });

  it("is over in time where those that waited do not take the room", () => {
    const run = new RepairRun(repair([move(1, { state: "done", sinceMs: NOW })]));
    expect(run.step(fleet({}), NOW + 119_999)).toBeNull();
    expect(run.step(fleet({}), NOW + 120_000)).toEqual({ concerned: ["web", "gang"], over: true });
  });
});
