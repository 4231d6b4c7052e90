/** One look at a repair that is under way, as a pure function: what became of its moves, and whether it is over. */

/** A move as far as its progress goes. */
export interface RepairStepMove {
  unit: string;
  /** The assignment that leaves. */
  assignmentId: string;
  /** The assignment that takes its place; null until it is placed. */
  becomes: string | null;
  state: "waiting" | "moving" | "done" | "dropped";
  because: string | null;
  /** Since when it stands so; null while it was never its turn. */
  sinceMs: number | null;
}
export interface RepairSnapshot<M extends RepairStepMove> {
  nowMs: number;
  startedMs: number;
  moves: readonly M[];
  /** By assignment; one that is not there was never made. */
  stand: ReadonlyMap<string, { desired: "run" | "stop"; ended: boolean; serves: boolean }>;
  /** The workload that waits: how many of its units run, and how many have to for the plan to be fulfilled; null without one. */
  waiting: { running: number; wanted: number } | null;
}
export interface RepairStep<M extends RepairStepMove> {
  moves: M[];
  end: { outcome: "placed" | "moved" | "waits" | "dropped"; because: string } | null;
  /** The move whose turn it is now; -1 when there is none. */
  turn: number;
  changed: boolean;
  wakeAtMs: number | null;
}

/** A move that takes longer than this is given up: its unit stays, and what was started for it stops. */
const MOVE_MS = 600_000;
/** How long those that wait may take to use the room before the repair is over without them. */
const SETTLE_MS = 120_000;
/** How soon an open repair is looked at again. */
const LOOK_MS = 500;

/** The move whose turn it is: the first that is neither done nor dropped. */
export const turnOf = (moves: readonly RepairStepMove[]): number => moves.findIndex((m) => m.state === "waiting" || m.state === "moving");

/** Decides what became of the moves. One is made at a time, in their order; when one is dropped the rest make no sense and are dropped with it. */
export function repairStep<M extends RepairStepMove>(s: RepairSnapshot<M>): RepairStep<M> {
  const moves = [...s.moves];
  let changed = false;
  const set = (i: number, to: Partial<RepairStepMove>) => {
    moves[i] = { ...(moves[i] as M), ...to, sinceMs: s.nowMs };
    changed = true;
  };
  const dropped = () => moves.find((m) => m.state === "dropped");
  for (let i = turnOf(moves); i >= 0 && !dropped(); i = turnOf(moves)) {
    const found = look(moves[i] as M, s);
    if (!found) break;
    set(i, found);
  }
  const lost = dropped();
  if (lost) {
    moves.forEach((m, i) => {
      if (m.state === "waiting" || m.state === "moving") set(i, { state: "dropped", because: `${lost.unit} could not be moved, and the plan holds only as a whole.` });
    });
    return { moves, changed, turn: -1, wakeAtMs: null, end: { outcome: "dropped", because: lost.because ?? `${lost.unit} could not be moved.` } };
  }
  const turn = turnOf(moves);
  if (turn >= 0) {
    // The clock of a move runs from its turn on.
    if (moves[turn]?.sinceMs === null) set(turn, {});
    return { moves, changed, turn, end: null, wakeAtMs: s.nowMs + LOOK_MS };
  }
  if (!s.waiting) return { moves, changed, turn, wakeAtMs: null, end: { outcome: "moved", because: "Every move of the plan is done." } };
  if (s.waiting.running >= s.waiting.wanted) return { moves, changed, turn, wakeAtMs: null, end: { outcome: "placed", because: "Every move of the plan is done, and those that waited have their nodes." } };
  const doneMs = Math.max(s.startedMs, ...moves.map((m) => m.sinceMs ?? 0));
  if (s.nowMs >= doneMs + SETTLE_MS) return { moves, changed, turn, wakeAtMs: null, end: { outcome: "waits", because: "Every move of the plan is done, but those that waited did not take the room in two minutes." } };
  return { moves, changed, turn, end: null, wakeAtMs: s.nowMs + LOOK_MS };
}

/** What became of the move whose turn it is; null while it is under way. */
function look(m: RepairStepMove, s: RepairSnapshot<RepairStepMove>): Partial<RepairStepMove> | null {
  const from = s.stand.get(m.assignmentId);
  const to = m.becomes === null ? undefined : s.stand.get(m.becomes);
  const arrived = to !== undefined && !to.ended && to.desired === "run";
  if (!from || from.ended) return arrived ? { state: "done", because: null } : m.becomes === null ? { state: "done", because: `${m.unit} has left by itself.` } : { state: "dropped", because: `${m.unit} and its replacement are both gone.` };
  if (m.becomes !== null && !arrived) return { state: "dropped", because: `The replacement of ${m.unit} is no longer there.` };
  if (m.sinceMs !== null && s.nowMs - m.sinceMs >= MOVE_MS) return { state: "dropped", because: to?.serves ? `${m.unit} did not stop in ten minutes.` : `The replacement of ${m.unit} did not serve in ten minutes.` };
  return null;
}
