/**
 * The memory of a class, handed on when the class is given up: large arrays made by the thousand would keep the collector
 * busy. Classes that are asked in turns share one block, in which what they know of a node stands side by side: all of them
 * look at the same node soon after it changed, and find it in the processor's cache.
 */
export class ClassMemory {
  private constructor(
    /** Node i of this class stands at i * stride + slot. */
    readonly codes: Uint8Array,
    readonly tops: Float64Array,
    readonly own: Uint16Array,
    readonly stride: number,
    readonly slot: number,
    readonly cells: number,
  ) {}
  static block(nodes: number, cells: number, stride: number): ClassMemory[] {
    const codes = new Uint8Array(nodes * stride);
    return Array.from({ length: stride }, (_, slot) => new ClassMemory(codes, new Float64Array(2 * cells), new Uint16Array(nodes), stride, slot, cells));
  }
}
