import { holds, mayMove, moved, placesFor, startOf } from "./state";
import type { RepairState } from "./state";
import type { PendingGang, RepairFleet, RepairLimits } from "./types";

/** What a search found: a state that holds the gang, none within the limits, or that it gave up. */
export type SearchResult = { found: RepairState } | { found: null; gaveUp: boolean };

/**
 * The cheapest plan in seconds, then in moves, by uniform-cost search (Dijkstra) over where the units are and what the
 * budgets paid. Exact: with `gaveUp` false and nothing found there is no plan. `below` leaves out what costs as much as a
 * plan that is already known.
 */
export function cheapest(fleet: RepairFleet, gang: PendingGang, limits: RepairLimits, maxStates: number, below = Number.POSITIVE_INFINITY): SearchResult {
  const queue = new Heap();
  const best = new Map<string, number>();
  queue.push(startOf(fleet));
  let seen = 0;
  for (let state = queue.pop(); state; state = queue.pop()) {
    if (holds(state, gang)) return { found: state };
    if (++seen > maxStates) return { found: null, gaveUp: true };
    for (let u = 0; u < fleet.units.length; u++) {
      const unit = fleet.units[u];
      if (!unit || !mayMove(state, unit, limits) || state.seconds + unit.warmStartSeconds >= below) continue;
      for (const to of placesFor(state, fleet, unit)) {
        const next = moved(state, fleet, u, to);
        // Fewer moves for the same seconds matter only to the limit on moves: the key holds them.
        const key = keyOf(next);
        const known = best.get(key);
        if (known !== undefined && known <= next.seconds) continue;
        best.set(key, next.seconds);
        queue.push(next);
      }
    }
  }
  return { found: null, gaveUp: false };
}

function keyOf(state: RepairState): string {
  const places = state.places.map((p) => `${p.node}:${p.devices.join("+")}`).join(";");
  const used = [...state.used].sort(([a], [b]) => (a < b ? -1 : 1)).map(([budget, n]) => `${budget}=${n}`).join(",");
  return `${places}|${used}|${state.moves.length}`;
}

/** A binary heap: the least seconds first, then the fewest moves, then the first that came. */
class Heap {
  readonly #items: { state: RepairState; order: number }[] = [];
  #order = 0;

  push(state: RepairState): void {
    this.#items.push({ state, order: this.#order++ });
    let i = this.#items.length - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.#before(i, parent)) break;
      this.#swap(i, parent);
      i = parent;
    }
  }

  pop(): RepairState | null {
    const top = this.#items[0];
    const last = this.#items.pop();
    if (!top || !last) return null;
    if (this.#items.length > 0) {
      this.#items[0] = last;
      this.#sink();
    }
    return top.state;
  }

  #sink(): void {
    for (let i = 0; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) if (child < this.#items.length && this.#before(child, least)) least = child;
      if (least === i) return;
      this.#swap(i, least);
      i = least;
    }
  }

  #before(i: number, j: number): boolean {
    const a = this.#items[i];
    const b = this.#items[j];
    if (!a || !b) return false;
    return a.state.seconds - b.state.seconds < 0 || (a.state.seconds === b.state.seconds && (a.state.moves.length - b.state.moves.length || a.order - b.order) < 0);
  }

  #swap(i: number, j: number): void {
    const a = this.#items[i];
    const b = this.#items[j];
    if (!a || !b) return;
    this.#items[i] = b;
    this.#items[j] = a;
  }
}
