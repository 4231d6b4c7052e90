/** Grows by doubling; for logs that are appended to in the inner loop. */
export class Ints {
  items = new Int32Array(1_024);
  length = 0;
  push(value: number): void {
    if (this.length === this.items.length) this.reserve(this.length);
    this.items[this.length++] = value;
  }
  /** Makes room for so many more, where there is none. */
  reserve(more: number): void {
    if (this.length + more <= this.items.length) return;
    const larger = new Int32Array(this.length + more);
    larger.set(this.items);
    this.items = larger;
  }
}
