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
  /** Moves of one batch are made at the same time, batch after batch; a move without one is a batch of its own. */
  batch?: number;
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
  /** The moves whose turn it is now. */
  turns: number[];
  changed: boolean;
  wakeAtMs: number | null;
}

/** A move that takes longer than this is given up: its unit stays, and what was started for it stops. */
const MOVE_MS = 600_000;
/** How long those that wait may take to use the room before the repair is over without them. */
const SETTLE_MS = 120_000;
/** How soon an open repair is looked at again. */
const LOOK_MS = 500;

/** The moves whose turn it is: those of the first batch that is not through. */
export function turnsOf(moves: readonly RepairStepMove[]): number[] {
  const isOpen = (m: RepairStepMove) => m.state === "waiting" || m.state === "moving";
  const first = moves.findIndex(isOpen);
  const batch = moves[first]?.batch;
  return batch === undefined ? (first < 0 ? [] : [first]) : moves.flatMap((m, i) => (m.batch === batch && isOpen(m) ? [i] : []));
}

/** Decides what became of the moves. They are made batch after batch; when one is dropped the rest make no sense and are dropped with it. */
export function repairStep<M extends RepairStepMove>(s: RepairSnapshot<M>): RepairStep<M> {
  const moves = [...s.moves];
  let changed = false;
  const set = (i: number, to: Partial<RepairStepMove>) => {
    moves[i] = { ...(moves[i] as M), ...to, sinceMs: s.nowMs };
    changed = true;
  };
  const dropped = () => moves.find((m) => m.state === "dropped");
  for (let again = true; again && !dropped(); ) {
    again = false;
    for (const i of turnsOf(moves)) {
      const found = look(moves[i] as M, s);
      if (found) set(i, found);
      again ||= found !== null;
    }
  }
  const lost = dropped();
  if (lost) {
    moves.forEach((m, i) => {
      if (m.state === "waiting" || m.state === "moving") set(i, { state: "dropped", because: `${lost.unit} could not be moved, and the plan holds only as a whole.` });
    });
    return { moves, changed, turns: [], wakeAtMs: null, end: { outcome: "dropped", because: lost.because ?? `${lost.unit} could not be moved.` } };
  }
  const turns = turnsOf(moves);
  if (turns.length > 0) {
    // The clock of a move runs from its turn on.
    for (const i of turns) if (moves[i]?.sinceMs === null) set(i, {});
    return { moves, changed, turns, end: null, wakeAtMs: s.nowMs + LOOK_MS };
  }
  if (!s.waiting) return { moves, changed, turns, wakeAtMs: null, end: { outcome: "moved", because: "Every move of the plan is done." } };
  if (s.waiting.running >= s.waiting.wanted) return { moves, changed, turns, wakeAtMs: null, end: { outcome: "placed", because: "Every move of the plan is done, and those that waited have their nodes." } };
  const doneMs = Math.max(s.startedMs, ...moves.map((m) => m.sinceMs ?? 0));
  if (s.nowMs >= doneMs + SETTLE_MS) return { moves, changed, turns, wakeAtMs: null, end: { outcome: "waits", because: "Every move of the plan is done, but those that waited did not take the room in two minutes." } };
  return { moves, changed, turns, end: null, wakeAtMs: s.nowMs + LOOK_MS };
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
