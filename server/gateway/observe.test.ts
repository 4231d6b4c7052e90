import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { UnitStatus } from "../protocol/messages";
import { unitHealths, unitPhases } from "../protocol/messages";
import { corrections, nothingToStop, observedRows, planObserved, REFRESH_MS } from "./observe";
import type { Stored } from "./observe";

const unit = (o: Partial<UnitStatus> = {}): UnitStatus => ({
  assignmentId: "a1", unit: "u-0", generation: 1, revisionDigest: "d1", phase: "running", health: "healthy", pid: 10, startedAtMs: 1, restarts: 0, exitCode: null, exitSignal: null,
  message: "", ports: { http: 1 }, limits: "none", cpuMillisUsed: null, memoryBytesUsed: null, sinceMs: 1, trial: null, ...o,
});
const storedOf = (units: UnitStatus[], writtenMs = 0): Map<string, Stored> => new Map(observedRows(units).map((row) => [row.assignmentId, { row, writtenMs }]));
const plan = (units: UnitStatus[], stored = new Map<string, Stored>(), nowMs = 1_000) => planObserved({ units, stored, foreign: new Set(), nowMs });
const assignment = (o: Partial<Parameters<typeof corrections>[0][number]> = {}) => ({ id: "a1", unit: "u-0", generation: 1, digest: "d1", desired: "run" as const, ...o });

describe("two instances of one assignment", () => {
  const old = unit();
  it.each([
    ["the old one serves while the new one starts", [old, unit({ generation: 2, phase: "starting", health: "starting" })], 1, 2],
    ["the old one serves while the new one fails", [old, unit({ generation: 2, phase: "backoff", health: "unhealthy" })], 1, 2],
    ["the new one serves once it is healthy", [unit({ phase: "stopping" }), unit({ generation: 2 })], 2, null],
    ["the new one serves although the old one is still healthy", [old, unit({ generation: 2 })], 2, null],
    ["with none healthy, the older that is alive", [unit({ health: "unhealthy" }), unit({ generation: 2, health: "unhealthy" })], 1, 2],
    ["the new one, when the old one is over", [unit({ phase: "stopped", health: "unknown" }), unit({ generation: 2, health: "unhealthy" })], 2, null],
    ["the newest, when all are over", [unit({ phase: "failed" }), unit({ generation: 2, phase: "stopped" })], 2, null],
    ["a roll-back: the older one comes up beside the newer, which serves", [unit({ generation: 2 }), unit({ generation: 1, phase: "starting", health: "starting" })], 2, 1],
    ["a roll-back that has come up: the newer one drains", [unit({ generation: 2, phase: "stopping" }), unit({ generation: 1 })], 1, null],
    ["the old one serves, and the failed new one is told of", [old, unit({ generation: 2, phase: "failed", health: "unhealthy" })], 1, 2],
  ])("%s", (_what, units, serving, incoming) => {
    const [row, ...more] = observedRows(units as UnitStatus[]);
    expect(more).toEqual([]);
    expect([row?.generation, row?.incoming?.generation ?? null]).toEqual([serving, incoming]);
  });

  // Guarantee: whatever an agent says, there is one row per assignment, and a healthy unit is never hidden by another one.
  it("give one row, of a healthy one if there is any", () => {
    const anyUnit = fc.record({ assignmentId: fc.constantFrom("a1", "a2"), generation: fc.integer({ min: 1, max: 4 }), phase: fc.constantFrom(...unitPhases), health: fc.constantFrom(...unitHealths) }).map((o) => unit(o));
    fc.assert(
      fc.property(fc.array(anyUnit, { maxLength: 8 }), (units) => {
        const rows = observedRows(units);
        expect(rows.map((r) => r.assignmentId).sort()).toEqual([...new Set(units.map((u) => u.assignmentId))].sort());
        for (const row of rows) {
          const healthy = units.some((u) => u.assignmentId === row.assignmentId && u.health === "healthy" && u.phase === "running");
          if (healthy) expect([row.health, row.phase]).toEqual(["healthy", "running"]);
        }
      }),
    );
  });
});

describe("what is written", () => {
  it("is what is new or changed, and nothing when nothing has changed", () => {
    expect(plan([unit()])).toMatchObject({ material: ["a1"], endpointsChanged: true });
    expect(plan([unit()], storedOf([unit()]))).toEqual({ write: [], material: [], endpointsChanged: false });
    expect(plan([unit({ restarts: 1 })], storedOf([unit()]))).toMatchObject({ material: ["a1"], endpointsChanged: false });
    expect(plan([unit({ health: "unhealthy" })], storedOf([unit()]))).toMatchObject({ material: ["a1"], endpointsChanged: true });
  });
  it("is refreshed with its usage after a while, which is no change", () => {
    const used = unit({ cpuMillisUsed: 5 });
    expect(plan([used], storedOf([unit()]), REFRESH_MS - 1).write).toEqual([]);
    expect(plan([used], storedOf([unit()]), REFRESH_MS)).toMatchObject({ write: [{ cpuMillis: 5 }], material: [], endpointsChanged: false });
  });
  // Guarantee: an observation is the whole: a unit that is no longer in it is not shown as running.
  it("says of a unit that is no longer reported that it does not run, once", () => {
    const first = plan([], storedOf([unit()]));
    expect(first).toMatchObject({ write: [{ assignmentId: "a1", phase: "pending", health: "unknown", pid: null, ports: {} }], material: ["a1"], endpointsChanged: true });
    expect(plan([], new Map(first.write.map((row) => [row.assignmentId, { row, writtenMs: 0 }]))).write).toEqual([]);
    expect(plan([], storedOf([unit({ phase: "stopped" })])).write).toEqual([]);
  });
  it("leaves out what was found to be another node's", () => {
    expect(planObserved({ units: [unit()], stored: new Map(), foreign: new Set(["a1"]), nowMs: 0 }).write).toEqual([]);
  });
});

describe("what is compared with what should be", () => {
  it("counts units to start, to move to another revision, to stop, and to forget", () => {
    expect(corrections([assignment()], [unit()])).toBe(0);
    expect(corrections([assignment()], [])).toBe(1);
    expect(corrections([assignment({ generation: 2 })], [unit()])).toBe(1);
    expect(corrections([assignment({ desired: "stop" })], [unit()])).toBe(1);
    expect(corrections([assignment({ desired: "stop" })], [unit({ phase: "stopped" })])).toBe(0);
    expect(corrections([], [unit(), unit({ generation: 2 })])).toBe(1);
  });
  it("confirms stops of units that the agent does not have, and of no others", () => {
    expect(nothingToStop([assignment({ desired: "stop" }), assignment({ id: "a2", desired: "stop" }), assignment({ id: "a3" })], [unit()], 5).map((r) => [r.assignmentId, r.phase])).toEqual([["a2", "stopped"]]);
  });
});
