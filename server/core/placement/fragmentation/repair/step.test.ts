import { describe, expect, it } from "vitest";
import { repairStep, turnsOf } from "../index";
import type { RepairStepMove } from "../index";

const move = (over: Partial<RepairStepMove> = {}): RepairStepMove => ({ unit: "web-1", assignmentId: "a1", becomes: null, state: "waiting", because: null, sinceMs: null, ...over });
const run = { desired: "run", ended: false, serves: true } as const;
const gone = { desired: "stop", ended: true, serves: false } as const;
const look = (moves: RepairStepMove[], stand: Record<string, { desired: "run" | "stop"; ended: boolean; serves: boolean }>, o: { nowMs?: number; waiting?: { running: number; wanted: number } | null } = {}) =>
  repairStep({ nowMs: o.nowMs ?? 1_000, startedMs: 0, moves, stand: new Map(Object.entries(stand)), waiting: o.waiting === undefined ? { running: 0, wanted: 1 } : o.waiting });

describe("one look at a repair", () => {
  // Guarantee: moves are made in their order, one at a time; looking again without a change changes nothing.
  it("gives the next move its turn only when the one before is done", () => {
    const two = [move({ state: "moving", becomes: "b1", sinceMs: 500 }), move({ unit: "web-2", assignmentId: "a2" })];
    const under = look(two, { a1: run, b1: run, a2: run });
    expect(under).toMatchObject({ changed: false, turns: [0], end: null });
    const next = look(two, { a1: gone, b1: run, a2: run });
    expect(next).toMatchObject({ changed: true, turns: [1], end: null, moves: [{ state: "done" }, { state: "waiting", sinceMs: 1_000 }] });
    expect(turnsOf(next.moves)).toEqual([1]);
    expect(look(next.moves, { a1: gone, b1: run, a2: run })).toMatchObject({ changed: false, turns: [1] });
  });

  // Guarantee: moves of one batch have their turn together; the next batch begins when all of them are done.
  it("gives a batch its turn at once", () => {
    const three = [move({ batch: 0 }), move({ unit: "web-2", assignmentId: "a2", batch: 0 }), move({ unit: "web-3", assignmentId: "a3", batch: 1 })];
    const under = look(three, { a1: run, a2: run, a3: run });
    expect(under).toMatchObject({ turns: [0, 1], moves: [{ sinceMs: 1_000 }, { sinceMs: 1_000 }, { sinceMs: null }] });
    const half = look([{ ...three[0]!, state: "moving", becomes: "b1" }, { ...three[1]!, state: "moving", becomes: "b2" }, three[2]!], { a1: run, b1: run, a2: gone, b2: run, a3: run });
    expect(half).toMatchObject({ turns: [0], moves: [{ state: "moving" }, { state: "done" }, { sinceMs: null }] });
    expect(look(half.moves, { a1: gone, b1: run, a2: gone, b2: run, a3: run })).toMatchObject({ turns: [2], moves: [{ state: "done" }, { state: "done" }, { state: "waiting", sinceMs: 1_000 }] });
  });

  // Guarantee: it ends by itself, and says how: placed, moved, still waiting, or dropped with the reason.
  it("ends when those that waited are placed, or in time without them", () => {
    const done = [move({ state: "done", becomes: "b1", sinceMs: 900 })];
    expect(look(done, {}, { waiting: { running: 1, wanted: 1 } }).end).toMatchObject({ outcome: "placed" });
    expect(look(done, {}, { waiting: null }).end).toMatchObject({ outcome: "moved" });
    expect(look(done, {}, { nowMs: 120_899 }).end).toBeNull();
    expect(look(done, {}, { nowMs: 120_900 }).end).toMatchObject({ outcome: "waits" });
  });

  // Guarantee: what can't be done any more is dropped with its reason, and what builds on it too; a unit that left by itself is a move that is done.
  it("drops a move that has become impossible, and the rest with it", () => {
    const two = [move({ state: "moving", becomes: "b1", sinceMs: 0 }), move({ unit: "web-2", assignmentId: "a2" })];
    expect(look(two, { a1: run, b1: gone, a2: run })).toMatchObject({ end: { outcome: "dropped", because: "The replacement of web-1 is no longer there." }, moves: [{ state: "dropped" }, { state: "dropped", because: expect.stringContaining("only as a whole") as unknown }] });
    expect(look(two, { a1: run, b1: { ...run, serves: false }, a2: run }, { nowMs: 599_999 }).end).toBeNull();
    expect(look(two, { a1: run, b1: { ...run, serves: false }, a2: run }, { nowMs: 600_000 }).end?.because).toBe("The replacement of web-1 did not serve in ten minutes.");
    expect(look(two, { a1: run, b1: run, a2: run }, { nowMs: 600_000 }).end?.because).toBe("web-1 did not stop in ten minutes.");
    expect(look(two, { a1: gone, b1: gone, a2: run }).end?.because).toBe("web-1 and its replacement are both gone.");
    expect(look([move()], { a1: gone }).moves).toMatchObject([{ state: "done", because: "web-1 has left by itself." }]);
    expect(look([move({ state: "dropped", because: "no room" }), move()], {}).end).toEqual({ outcome: "dropped", because: "no room" });
  });
});
