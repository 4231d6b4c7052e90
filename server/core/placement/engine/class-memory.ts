/**
 * The memory of a class, handed on when the class is given up: large arrays made by the thousand would keep the collector
 * busy. Classes that are asked in turns share one block, in which what they know of a node stands side by side: all of them
 * look at the same node soon after it changed, and find it in the processor's cache.
 */
export class ClassMemory {
  private known = new Int32Array(0);

  private constructor(
    /** Node i of this class stands at i * stride + slot. */
    readonly codes: Uint8Array,
    readonly own: Uint16Array,
    readonly stride: number,
    readonly slot: number,
  ) {}
  /** Room for what is known of each cell, in pairs, all of them -1. */
  forCells(count: number): Int32Array {
    if (this.known.length < 2 * count) this.known = new Int32Array(2 * count);
    return this.known.fill(-1);
  }
  static block(nodes: number, stride: number): ClassMemory[] {
    const codes = new Uint8Array(nodes * stride);
    return Array.from({ length: stride }, (_, slot) => new ClassMemory(codes, new Uint16Array(nodes), stride, slot));
  }
}
