/**
 * What the agent does next: a pure function from the units that should run and the instances that exist to actions.
 * It holds every rule of replacing, restarting and stopping; the executor only carries actions out and asks again.
 *
 *  - An instance is one attempt to run one revision of one assignment; its processes come and go within it.
 *  - A new revision is started beside the old one, and the old one is drained only once the new one is ready.
 *  - As long as the new one is not ready, an old one that has served is kept alive, restarts included; one that never
 *    became ready is drained as soon as it is superseded.
 *  - A revision from which a trial has gone back serves until the one before is ready, but is never started again.
 *  - What is not wanted is drained, then forgotten.
 */

export type PlanUnit = {
  assignmentId: string;
  generation: number;
  revisionDigest: string;
  action: "run" | "stop";
  /** Runs to completion instead of for ever. */
  batch: boolean;
  restart: "always" | "onFailure" | "never";
  /** The revision of a trial that is over: what runs of it may serve for the moment, and is not started again. */
  givenUp: { generation: number; revisionDigest: string } | null;
};

/**
 * `preparing`: artifacts are fetched. `up`: its process runs. `exited`: the process is gone and nothing has been decided
 * yet. `ended`: it shall not run again.
 */
export type InstanceState = "preparing" | "up" | "stopping" | "exited" | "ended";

export type PlanInstance = {
  id: string;
  assignmentId: string;
  generation: number;
  revisionDigest: string;
  state: InstanceState;
  /** Healthy, or up for long enough when it has no health check. */
  ready: boolean;
  /** It has been ready at some time: then it is worth keeping while its successor is not. */
  wasReady: boolean;
  /** It ended by itself and for good (`ended` only); false when it was stopped. */
  completed: boolean;
  /** The health check has failed for so long that only a restart may help. */
  hung: boolean;
  exitCode: number | null;
  /** Not to be started again before this; ms. */
  notBeforeMs: number;
  /** When the current readiness question may change by itself (the settling time of a unit without a check); ms. */
  readyAtMs: number | null;
};

export type Action =
  | { do: "create"; assignmentId: string; generation: number; revisionDigest: string }
  | { do: "relaunch"; instanceId: string }
  | { do: "end"; instanceId: string; completed: boolean }
  | { do: "drain"; instanceId: string; because: string }
  | { do: "restart"; instanceId: string; because: string }
  | { do: "forget"; instanceId: string };

export type Plan = {
  actions: Action[];
  /** When to look again although nothing happened, or null. */
  wakeAtMs: number | null;
  /** True when everything is as desired: then the generation is applied. */
  settled: boolean;
};

/** How many ended instances of one assignment are kept, with their logs, beside the wanted one. */
const KEPT_ENDED = 1;
const alive = (i: PlanInstance): boolean => i.state === "preparing" || i.state === "up" || i.state === "stopping";
const mayRun = (i: PlanInstance): boolean => i.state !== "ended" && i.state !== "stopping";

/** Plans the next actions. Safe to call at any time: the same input gives the same plan, and a done plan gives none. */
export function plan(s: { nowMs: number; units: readonly PlanUnit[]; instances: readonly PlanInstance[] }): Plan {
  const actions: Action[] = [];
  const wakes: number[] = [];
  let settled = true;
  const wanted = new Map(s.units.map((u) => [u.assignmentId, u]));

  for (const [assignmentId, instances] of grouped(s.instances)) {
    if (wanted.has(assignmentId)) continue;
    for (const instance of instances) {
      settled = false;
      if (alive(instance)) drain(instance, "its assignment is gone");
      else actions.push({ do: "forget", instanceId: instance.id });
    }
  }

  for (const unit of wanted.values()) {
    const own = s.instances.filter((i) => i.assignmentId === unit.assignmentId);
    if (unit.action === "stop") stopAll(unit, own);
    else run(unit, own);
  }
  const wakeAtMs = wakes.length > 0 ? Math.min(...wakes) : null;
  return { actions, wakeAtMs, settled };

  function drain(instance: PlanInstance, because: string): void {
    if (instance.state !== "stopping") actions.push({ do: "drain", instanceId: instance.id, because });
  }

  function stopAll(unit: PlanUnit, own: readonly PlanInstance[]): void {
    for (const instance of own) {
      if (alive(instance)) {
        settled = false;
        drain(instance, "it shall stop");
      } else if (instance.state === "exited") actions.push({ do: "end", instanceId: instance.id, completed: !runsAgain(unit, instance.exitCode) });
    }
  }

  function run(unit: PlanUnit, own: readonly PlanInstance[]): void {
    const target = own.find((i) => isOf(unit, i) && i.state !== "stopping");
    const others = own.filter((i) => i !== target);
    if (!target) {
      settled = false;
      // The same revision may still be stopping (it was unwanted for a moment): its place is free only afterwards.
      const leaving = others.find((i) => isOf(unit, i));
      if (!leaving) actions.push({ do: "create", assignmentId: unit.assignmentId, generation: unit.generation, revisionDigest: unit.revisionDigest });
    } else if (target.state === "ended" && !target.completed) {
      // It was stopped for another reason than its own end and is wanted again.
      settled = false;
      again(target);
    } else keepUp(unit, target);

    const done = target !== undefined && (target.ready || (target.state === "ended" && target.completed && target.exitCode === 0));
    if (!done) settled = false;
    for (const other of others) {
      if (done && alive(other)) {
        settled = false;
        drain(other, "a newer revision is ready");
      } else if (done && other.state === "exited") actions.push({ do: "end", instanceId: other.id, completed: false });
      else if (!done && mayRun(other) && other.wasReady && !isLost(unit, other)) keepUp(unit, other);
      else if (!done && alive(other)) drain(other, other.wasReady ? "its trial is over and it no longer serves" : "it never became ready and a newer revision is wanted");
      else if (!done && other.state === "exited") actions.push({ do: "end", instanceId: other.id, completed: false });
    }
    const ended = others.filter((i) => i.state === "ended").sort((a, b) => b.generation - a.generation || (a.id < b.id ? 1 : -1));
    for (const old of ended.slice(KEPT_ENDED)) actions.push({ do: "forget", instanceId: old.id });
  }

  /** Restarts what ended or hangs, as its policy says. */
  function keepUp(unit: PlanUnit, instance: PlanInstance): void {
    if (instance.state === "exited") {
      if (runsAgain(unit, instance.exitCode)) again(instance);
      else actions.push({ do: "end", instanceId: instance.id, completed: true });
    } else if (instance.state === "up" && instance.hung) actions.push({ do: "restart", instanceId: instance.id, because: "its health check keeps failing" });
    else if (instance.state === "up" && !instance.ready && instance.readyAtMs !== null) wakes.push(Math.max(s.nowMs + 1, instance.readyAtMs));
  }

  function again(instance: PlanInstance): void {
    if (s.nowMs >= instance.notBeforeMs) actions.push({ do: "relaunch", instanceId: instance.id });
    else wakes.push(instance.notBeforeMs);
  }
}

/** Whether a process that ended with this code (null when unknown or by a signal) is started again. */
export function runsAgain(unit: Pick<PlanUnit, "batch" | "restart">, exitCode: number | null): boolean {
  if (unit.restart === "never") return false;
  if (unit.batch || unit.restart === "onFailure") return exitCode !== 0;
  return true;
}

/** Of a revision that is not to be started again, and no longer any good as it is. */
const isLost = (unit: PlanUnit, i: PlanInstance): boolean => unit.givenUp !== null && i.generation === unit.givenUp.generation && i.revisionDigest === unit.givenUp.revisionDigest && (i.state !== "up" || i.hung);
const isOf = (unit: PlanUnit, i: PlanInstance): boolean => i.generation === unit.generation && i.revisionDigest === unit.revisionDigest;

function grouped(instances: readonly PlanInstance[]): Map<string, PlanInstance[]> {
  const groups = new Map<string, PlanInstance[]>();
  for (const i of instances) groups.set(i.assignmentId, [...(groups.get(i.assignmentId) ?? []), i]);
  return groups;
}
