import { after } from "./gpu";
import type { GpuNode, GpuShape } from "./gpu";
import type { NodeScore } from "./scores";

/** A node by its number in the fleet, and devices of it. */
export interface Place {
  node: number;
  devices: readonly number[];
}

/** The place that was found for a task. */
export interface Packed extends Place {
  /** What made it the best: the greater the better. */
  score: number;
}

/** A price of the fleet as a whole, taken off a node's score: it changes with every placement and is not remembered. */
export interface FleetPrice {
  /** What the fleet loses when this node takes the task, in devices. */
  of(node: GpuNode, shape: GpuShape): number;
  /** To be told of every change of a node. */
  changed(before: GpuNode, now: GpuNode): void;
}

interface ClassScores {
  score: Float64Array;
  /** Version of the node that a score was made for; -1 is none. */
  madeFor: Int32Array;
  devices: (readonly number[])[];
}

/**
 * A fleet that tasks are put on one after another, each on the node with the greatest score; ties go to the first node.
 * The score of a shape on a node is found once for each version of the node, so a placement looks anew only at nodes that
 * changed since the shape was last asked for.
 */
export class Packer {
  readonly #nodes: GpuNode[];
  readonly #version: Int32Array;
  readonly #classes = new Map<string, ClassScores>();

  constructor(nodes: readonly GpuNode[], readonly score: NodeScore, readonly price: FleetPrice | null = null) {
    this.#nodes = [...nodes];
    this.#version = new Int32Array(nodes.length);
  }

  get nodes(): readonly GpuNode[] {
    return this.#nodes;
  }

  /** The best place for a task, or null when it fits nowhere (but on `except`). Changes nothing. */
  find(shape: GpuShape, except = -1): Packed | null {
    const c = this.#classOf(shape);
    let found = -1;
    let best = Number.NEGATIVE_INFINITY;
    for (let n = 0; n < this.#nodes.length; n++) {
      if (c.madeFor[n] !== this.#version[n]) this.#look(c, n, shape);
      let score = c.score[n] ?? Number.NEGATIVE_INFINITY;
      if (score === Number.NEGATIVE_INFINITY || n === except) continue;
      if (this.price) score -= this.price.of(this.#at(n), shape);
      if (score > best) {
        best = score;
        found = n;
      }
    }
    return found < 0 ? null : { node: found, devices: c.devices[found] ?? [], score: best };
  }

  /** Puts a task where it is told. */
  take(at: Place, shape: GpuShape): void {
    this.#change(at.node, after(this.#at(at.node), shape, at.devices));
  }

  /** Takes a task away again. */
  release(at: Place, shape: GpuShape): void {
    this.#change(at.node, after(this.#at(at.node), shape, at.devices, -1));
  }

  #change(n: number, now: GpuNode): void {
    const before = this.#at(n);
    this.#nodes[n] = now;
    this.#version[n] = (this.#version[n] ?? 0) + 1;
    this.price?.changed(before, now);
  }

  #look(c: ClassScores, n: number, shape: GpuShape): void {
    const scored = this.score(this.#at(n), shape);
    c.madeFor[n] = this.#version[n] ?? 0;
    c.score[n] = scored?.score ?? Number.NEGATIVE_INFINITY;
    c.devices[n] = scored?.devices ?? [];
  }

  #at(n: number): GpuNode {
    const node = this.#nodes[n];
    if (!node) throw new RangeError(`no node ${n} in a fleet of ${this.#nodes.length}`);
    return node;
  }

  #classOf(shape: GpuShape): ClassScores {
    const key = `${shape.cpuMillis},${shape.memoryBytes},${shape.gpus},${shape.gpuMillis},${shape.models?.join("|") ?? ""}`;
    let c = this.#classes.get(key);
    if (!c) this.#classes.set(key, (c = { score: new Float64Array(this.#nodes.length), madeFor: new Int32Array(this.#nodes.length).fill(-1), devices: [] }));
    return c;
  }
}
