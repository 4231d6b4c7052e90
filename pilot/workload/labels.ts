/** A label that is learnt some time after the prediction it belongs to. */
export type PendingLabel = { readonly id: string; readonly label: string; readonly dueAtMs: number };

/**
 * Labels that wait for their time, as they do where a person or a later measurement has to supply them.
 * Bounded: when too many wait the oldest is forgotten and counted.
 */
export class LabelBacklog {
  readonly #waiting: PendingLabel[] = [];
  readonly #capacity: number;
  #dropped = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#waiting.length;
  }

  get dropped(): number {
    return this.#dropped;
  }

  add(label: PendingLabel): void {
    this.#waiting.push(label);
    if (this.#waiting.length > this.#capacity) {
      this.#waiting.shift();
      this.#dropped += 1;
    }
  }

  /** Takes out the labels whose time has come, in the order in which they were added. */
  takeDue(nowMs: number): PendingLabel[] {
    const due = this.#waiting.filter((label) => label.dueAtMs <= nowMs);
    if (due.length > 0) {
      const rest = this.#waiting.filter((label) => label.dueAtMs > nowMs);
      this.#waiting.splice(0, this.#waiting.length, ...rest);
    }
    return due;
  }
}
