import { CODES } from "./columns";
import { Ints } from "./ints";

const NUMBERS = 8;
const FACTS = 6;

/** What is known of the chosen node or the runner-up at the moment of the decision. */
export interface RecordedNode {
  node: number;
  /** In billionths. */
  score: number;
  onNode: number;
  onSite: number;
  /** What was left, before this unit. */
  freeCpu: number;
  freeMemory: number;
}

/**
 * Decisions as they are recorded while a plan is made: numbers only, in arrays that grow by doubling. Texts are made when
 * somebody reads them. Counts by reason are kept once for all decisions of a shape between which they did not change.
 */
export class Records {
  private readonly ints = new Ints();
  private floats = new Float64Array(1_024);
  private readonly counts = new Ints();
  length = 0;

  /** Makes room for so many more decisions. */
  expect(decisions: number): void {
    this.ints.reserve(NUMBERS * decisions);
    if ((this.length + decisions) * FACTS <= this.floats.length) return;
    const larger = new Float64Array((this.length + decisions) * FACTS);
    larger.set(this.floats);
    this.floats = larger;
  }

  /** Appends one decision and gives its number. `countsAt` is from `keepCounts`, or -1: to be counted when asked. */
  add(chosen: RecordedNode, runner: RecordedNode, countsAt: number, logAt: number): number {
    const at = this.length * FACTS;
    if (at + FACTS > this.floats.length) this.expect(this.length);
    const { floats, ints } = this;
    ints.push(chosen.node);
    ints.push(chosen.onNode);
    ints.push(chosen.onSite);
    ints.push(runner.node);
    ints.push(runner.onNode);
    ints.push(runner.onSite);
    ints.push(countsAt);
    ints.push(logAt);
    floats[at] = chosen.score;
    floats[at + 1] = chosen.freeCpu;
    floats[at + 2] = chosen.freeMemory;
    floats[at + 3] = runner.score;
    floats[at + 4] = runner.freeCpu;
    floats[at + 5] = runner.freeMemory;
    return this.length++;
  }

  /** Keeps counts by reason, unless they are what stands at `last`. Gives where they stand. */
  keepCounts(counts: Int32Array, last: number): number {
    if (last >= 0) {
      let same = true;
      for (let k = 0; same && k < CODES; k++) same = this.counts.items[last + k] === counts[k];
      if (same) return last;
    }
    const at = this.counts.length;
    for (let k = 0; k < CODES; k++) this.counts.push(counts[k] as number);
    return at;
  }

  nodeOf(k: number): number {
    return this.ints.items[k * NUMBERS] as number;
  }
  runnerOf(k: number): number {
    return this.ints.items[k * NUMBERS + 3] as number;
  }
  /** Position in the log at which decision k was made. */
  logAt(k: number): number {
    return this.ints.items[k * NUMBERS + 7] as number;
  }
  countsOf(k: number): Int32Array | null {
    const at = this.ints.items[k * NUMBERS + 6] as number;
    return at < 0 ? null : this.counts.items.subarray(at, at + CODES);
  }
  read(k: number, which: "chosen" | "runner"): RecordedNode {
    const i = k * NUMBERS + (which === "chosen" ? 0 : 3);
    const f = k * FACTS + (which === "chosen" ? 0 : 3);
    return { node: this.ints.items[i] as number, onNode: this.ints.items[i + 1] as number, onSite: this.ints.items[i + 2] as number, score: this.floats[f] as number, freeCpu: this.floats[f + 1] as number, freeMemory: this.floats[f + 2] as number };
  }
}
