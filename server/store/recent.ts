import type { ChangeTopic } from "./transaction";

interface Entry<T> {
  cursor: string;
  startedMs: number;
  value: Promise<T>;
}

/**
 * Remembers the answer to an expensive question about a project until something it depends on has changed, and never for
 * longer than `maxAgeMs` (time itself changes what is silent). Many people who look at one page, or one who is told of
 * every change, then cost one question. Whether something changed is asked each time, by change pointers: an answer is
 * never older than the last change that was committed before it was asked for.
 */
export class Recent<T> {
  private readonly entries = new Map<string, Entry<T>>();

  constructor(private readonly o: { changes: { changesNow(): Promise<string>; changedSince(cursor: string, topics: readonly string[], projectId: string): Promise<boolean> }; topics: readonly ChangeTopic[]; maxAgeMs: number; most?: number }) {}

  /** The remembered answer for a key, or a new one. An answer that failed is not remembered. */
  async get(projectId: string, key: string, ask: () => Promise<T>): Promise<T> {
    const id = `${projectId}\0${key}`;
    const known = this.entries.get(id);
    if (known && performance.now() - known.startedMs < this.o.maxAgeMs && !(await this.o.changes.changedSince(known.cursor, this.o.topics, projectId))) return known.value;
    // The cursor is taken before the question: a change during it makes the answer old at once.
    const cursor = await this.o.changes.changesNow();
    // Somebody else may have asked anew meanwhile.
    const other = this.entries.get(id);
    if (other && other !== known) return other.value;
    const entry: Entry<T> = { cursor, startedMs: performance.now(), value: ask() };
    this.entries.delete(id);
    this.entries.set(id, entry);
    if (this.entries.size > (this.o.most ?? 100)) this.entries.delete(this.entries.keys().next().value ?? id);
    entry.value.catch(() => {
      if (this.entries.get(id) === entry) this.entries.delete(id);
    });
    return entry.value;
  }
}
