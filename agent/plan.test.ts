import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plan, runsAgain } from "./plan";
import type { Action, PlanInstance, PlanUnit } from "./plan";

const unit = (o: Partial<PlanUnit> = {}): PlanUnit => ({ assignmentId: "a", generation: 2, revisionDigest: "d2", action: "run", batch: false, restart: "always", givenUp: null, ...o });
const instance = (o: Partial<PlanInstance> = {}): PlanInstance => {
  const generation = o.generation ?? 2;
  return { id: `a/${generation}`, assignmentId: "a", generation, revisionDigest: `d${generation}`, state: "up", ready: true, wasReady: true, completed: false, hung: false, exitCode: null, notBeforeMs: 0, readyAtMs: null, ...o };
};
/** Back from revision 2, whose trial is over. */
const back = unit({ generation: 1, revisionDigest: "d1", givenUp: { generation: 2, revisionDigest: "d2" } });
const starting = { ready: false, wasReady: false };
const acts = (units: PlanUnit[], instances: PlanInstance[], nowMs = 1_000): string[] => plan({ nowMs, units, instances }).actions.map(short);
function short(a: Action): string {
  if (a.do === "create") return `create ${a.assignmentId}/${a.generation}`;
  return a.do === "end" ? `end ${a.instanceId}${a.completed ? " completed" : ""}` : `${a.do} ${a.instanceId}`;
}

describe("the agent's plan, case by case", () => {
  const cases: [string, PlanUnit[], PlanInstance[], string[], boolean][] = [
    ["nothing wanted, nothing there", [], [], [], true],
    ["a wanted unit is created", [unit()], [], ["create a/2"], false],
    ["one that starts is waited for", [unit()], [instance(starting)], [], false],
    ["a ready one is left alone", [unit()], [instance()], [], true],
    ["one that is being prepared is waited for", [unit()], [instance({ state: "preparing", ...starting })], [], false],
    ["an exited one is started again when its back-off is over", [unit()], [instance({ state: "exited", ready: false, exitCode: 0 })], ["relaunch a/2"], false],
    ["an exited one waits for its back-off", [unit()], [instance({ state: "exited", ready: false, exitCode: 1, notBeforeMs: 5_000 })], [], false],
    ["a hung one is restarted", [unit()], [instance({ ready: false, hung: true })], ["restart a/2"], false],
    ["a new revision starts beside the old one", [unit()], [instance({ generation: 1 })], ["create a/2"], false],
    ["the old one serves until the new one is ready", [unit()], [instance({ generation: 1 }), instance(starting)], [], false],
    ["the old one is drained once the new one is ready", [unit()], [instance({ generation: 1 }), instance()], ["drain a/1"], false],
    ["a draining old one is waited for", [unit()], [instance({ generation: 1, state: "stopping", ready: false }), instance()], [], false],
    ["an old one that crashes is started again while the new one is not ready", [unit()], [instance({ generation: 1, state: "exited", ready: false, exitCode: 1 }), instance(starting)], ["relaunch a/1"], false],
    ["an old one that crashes is given up once the new one is ready", [unit()], [instance({ generation: 1, state: "exited", ready: false, exitCode: 1 }), instance()], ["end a/1"], true],
    ["a failing middle revision makes room at once", [unit({ generation: 3, revisionDigest: "d3" })], [instance({ generation: 1 }), instance(starting)], ["create a/3", "drain a/2"], false],
    ["a rollback to what still serves only drains the failed one", [unit({ generation: 1, revisionDigest: "d1" })], [instance({ generation: 1 }), instance(starting)], ["drain a/2"], false],
    ["an ended one is wanted again", [unit()], [instance({ state: "ended", ready: false })], ["relaunch a/2"], false],
    ["the same revision still stopping is waited for", [unit()], [instance({ state: "stopping", ready: false })], [], false],
    ["a given up revision serves until the one before is ready", [back], [instance({ generation: 1, ...starting }), instance()], [], false],
    ["a given up revision is not started again after it ended", [back], [instance({ generation: 1, ...starting }), instance({ state: "exited", ready: false })], ["end a/2"], false],
    ["a given up revision that hangs is drained", [back], [instance({ generation: 1, ...starting }), instance({ ready: false, hung: true })], ["drain a/2"], false],
    ["a given up revision that was being started again is drained", [back], [instance({ generation: 1, ...starting }), instance({ state: "preparing", ready: false })], ["drain a/2"], false],
    ["a stop drains", [unit({ action: "stop" })], [instance()], ["drain a/2"], false],
    ["a stop aborts what is prepared", [unit({ action: "stop" })], [instance({ state: "preparing", ...starting })], ["drain a/2"], false],
    ["a stop of what crashed needs no drain", [unit({ action: "stop" })], [instance({ state: "exited", ready: false, exitCode: 1 })], ["end a/2"], true],
    ["a stopped one is kept until its assignment is gone", [unit({ action: "stop" })], [instance({ state: "ended", ready: false })], [], true],
    ["a gone assignment is drained", [], [instance()], ["drain a/2"], false],
    ["a gone assignment is forgotten after that", [], [instance({ state: "ended", ready: false })], ["forget a/2"], false],
    ["a finished batch is done", [unit({ batch: true })], [instance({ state: "exited", ready: false, exitCode: 0 })], ["end a/2 completed"], false],
    ["a done batch stays done", [unit({ batch: true })], [instance({ state: "ended", completed: true, ready: false, exitCode: 0 })], [], true],
    ["a failed batch runs again", [unit({ batch: true })], [instance({ state: "exited", ready: false, exitCode: 1 })], ["relaunch a/2"], false],
    ["a failed batch that shall not be restarted has failed", [unit({ batch: true, restart: "never" })], [instance({ state: "exited", ready: false, exitCode: 1 })], ["end a/2 completed"], false],
    ["only the latest ended one is kept for its log", [unit({ generation: 4, revisionDigest: "d4" })], [1, 2, 3].map((generation) => instance({ generation, state: "ended", ready: false })).concat(instance({ generation: 4 })), ["forget a/2", "forget a/1"], true],
  ];
  it.each(cases)("%s", (_name, units, instances, expected, settled) => {
    expect(acts(units, instances)).toEqual(expected);
    expect(plan({ nowMs: 1_000, units, instances }).settled).toBe(settled);
  });

  it("says when to look again", () => {
    expect(plan({ nowMs: 1_000, units: [unit()], instances: [instance({ state: "exited", ready: false, exitCode: 1, notBeforeMs: 5_000 })] }).wakeAtMs).toBe(5_000);
    expect(plan({ nowMs: 1_000, units: [unit()], instances: [instance({ ...starting, readyAtMs: 2_000 })] }).wakeAtMs).toBe(2_000);
    expect(plan({ nowMs: 1_000, units: [unit()], instances: [instance()] }).wakeAtMs).toBeNull();
  });

  it("restarts by policy and kind", () => {
    const table = [
      ["always", false, 0, true], ["always", false, 1, true], ["always", true, 0, false], ["always", true, 1, true], ["onFailure", false, 0, false], ["onFailure", false, null, true], ["onFailure", true, 3, true], ["never", false, 1, false], ["never", true, null, false],
    ] as const;
    for (const [restart, batch, code, expected] of table) expect(runsAgain({ restart, batch }, code), `${restart} ${batch} ${code}`).toBe(expected);
  });
});

// ── properties, over a world that obeys the plan and has accidents of its own ────────────────────────────────────

type World = { nowMs: number; units: PlanUnit[]; instances: Map<string, PlanInstance> };

function obey(w: World, a: Action): void {
  if (a.do === "create") {
    const id = `${a.assignmentId}/${a.generation}`;
    w.instances.set(id, instance({ id, assignmentId: a.assignmentId, generation: a.generation, revisionDigest: a.revisionDigest, state: "preparing", ...starting }));
    return;
  }
  const i = w.instances.get(a.instanceId);
  if (!i) throw new Error(`${a.do} of ${a.instanceId}, which is not there`);
  if (a.do === "forget") w.instances.delete(i.id);
  else if (a.do === "relaunch") Object.assign(i, { state: "preparing", ready: false, completed: false });
  else if (a.do === "end") Object.assign(i, { state: "ended", completed: a.completed, ready: false });
  else Object.assign(i, { state: "stopping", ready: false, exitCode: a.do === "restart" ? -1 : i.exitCode });
}

/** One accident or step of progress: `pick` chooses the instance, `kind` what happens to it. */
function happen(w: World, pick: number, kind: number, healthyOnly = false): void {
  const all = [...w.instances.values()];
  const i = all[pick % Math.max(1, all.length)];
  if (!i) return;
  if (i.state === "preparing") Object.assign(i, { state: "up" });
  else if (i.state === "stopping") Object.assign(i, i.exitCode === -1 ? { state: "exited", exitCode: null, hung: false } : { state: "ended", completed: false });
  else if (i.state === "up" && (kind % 4 < 2 || healthyOnly)) Object.assign(i, { ready: true, wasReady: true, hung: false });
  else if (i.state === "up" && kind % 4 === 2) Object.assign(i, { state: "exited", ready: false, exitCode: kind % 2, notBeforeMs: w.nowMs + 500 });
  else if (i.state === "up") Object.assign(i, { ready: false, hung: kind % 3 === 0 });
}

const anyDesired = fc.uniqueArray(fc.record({ assignmentId: fc.constantFrom("a", "b", "c"), generation: fc.integer({ min: 1, max: 4 }), action: fc.constantFrom("run" as const, "run" as const, "stop" as const) }), { selector: (u) => u.assignmentId, maxLength: 3 });
const anyStory = fc.array(fc.record({ desired: fc.option(anyDesired, { freq: 4 }), pick: fc.nat({ max: 9 }), kind: fc.nat({ max: 11 }) }), { maxLength: 60 });
const unitsOf = (desired: { assignmentId: string; generation: number; action: "run" | "stop" }[]): PlanUnit[] => desired.map((d) => unit({ ...d, revisionDigest: `d${d.generation}` }));
const isTarget = (u: PlanUnit, i: PlanInstance): boolean => i.assignmentId === u.assignmentId && i.generation === u.generation;

describe("the agent's plan, for any story", () => {
  // Guarantee: whatever was desired and went wrong, what serves is only stopped for a successor that is ready.
  it("never stops what serves for a successor that does not", () => {
    fc.assert(fc.property(anyStory, (story) => {
      const w: World = { nowMs: 0, units: [], instances: new Map() };
      for (const step of story) {
        w.nowMs += 100;
        if (step.desired) w.units = unitsOf(step.desired);
        const instances = [...w.instances.values()];
        for (const a of plan({ nowMs: w.nowMs, units: w.units, instances }).actions) {
          const i = a.do === "drain" ? w.instances.get(a.instanceId) : undefined;
          const u = i && w.units.find((x) => x.assignmentId === i.assignmentId && x.action === "run");
          if (i?.ready && u) expect(isTarget(u, i) || instances.some((t) => isTarget(u, t) && t.ready), JSON.stringify(a)).toBe(true);
          if (i && u) expect(isTarget(u, i)).toBe(false);
          obey(w, a);
        }
        happen(w, step.pick, step.kind);
      }
    }), { numRuns: 300 });
  });

  // Guarantee: a plan that was carried out leaves nothing to do until something changes, and planning is repeatable.
  it("is settled by being obeyed and depends on nothing but its input", () => {
    fc.assert(fc.property(anyStory, (story) => {
      const w: World = { nowMs: 0, units: [], instances: new Map() };
      for (const step of story) {
        w.nowMs += 100;
        if (step.desired) w.units = unitsOf(step.desired);
        const input = { nowMs: w.nowMs, units: w.units, instances: [...w.instances.values()] };
        const first = plan(input);
        expect(plan(structuredClone(input))).toEqual(first);
        expect(plan({ ...input, instances: [...input.instances].reverse() }).actions.map(short).sort()).toEqual(first.actions.map(short).sort());
        let rounds = 0;
        for (let p = first; p.actions.length > 0; p = plan({ nowMs: w.nowMs, units: w.units, instances: [...w.instances.values()] })) {
          for (const a of p.actions) obey(w, a);
          expect(++rounds).toBeLessThan(4);
        }
        happen(w, step.pick, step.kind);
      }
    }), { numRuns: 300 });
  });

  // Guarantee: once accidents end, exactly what is desired runs, once, and the generation counts as applied.
  it("converges", () => {
    fc.assert(fc.property(anyStory, anyDesired, (story, last) => {
      const w: World = { nowMs: 0, units: [], instances: new Map() };
      const step = (pick: number, kind: number, calm: boolean): void => {
        w.nowMs += 100;
        for (const a of plan({ nowMs: w.nowMs, units: w.units, instances: [...w.instances.values()] }).actions) obey(w, a);
        happen(w, pick, kind, calm);
      };
      for (const s of story) {
        if (s.desired) w.units = unitsOf(s.desired);
        step(s.pick, s.kind, false);
      }
      w.units = unitsOf(last);
      for (let i = 0; i < 200; i++) step(i, 0, true);
      const end = plan({ nowMs: w.nowMs, units: w.units, instances: [...w.instances.values()] });
      expect(end).toMatchObject({ actions: [], settled: true });
      const up = [...w.instances.values()].filter((i) => i.state !== "ended");
      expect(up.map((i) => i.id).sort()).toEqual(w.units.filter((u) => u.action === "run").map((u) => `${u.assignmentId}/${u.generation}`).sort());
      expect(up.every((i) => i.ready)).toBe(true);
    }), { numRuns: 300 });
  });
});
