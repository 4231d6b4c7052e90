/**
 * Devices that a plan's nodes have opened for shares, while the plan is made: which device each share got, and the largest
 * share that each node can still give. Only for plans in which shares are asked for.
 */
import type { Demand } from "../demand";
import { shareLeft, withShare } from "../shares";
import type { SharedDevice, SharedOn } from "../shares";
import type { Columns } from "./columns";

interface ShareChange {
  on: SharedOn;
  /** By how many the opened devices of the node became more. */
  count: -1 | 0 | 1;
}

export class ShareBook {
  private readonly opened = new Map<number, readonly SharedDevice[]>();
  private readonly changes = new Map<number, ShareChange>();
  private readonly modelAt: ReadonlyMap<string, number>;

  constructor(
    private readonly columns: Columns,
    private readonly free: Float64Array,
  ) {
    this.modelAt = new Map(columns.shares.flatMap(({ model }) => (model === null ? [] : [[model, columns.dimension.get(`device ${model}`) as number] as const])));
  }

  /** A unit with devices came to a node or left it (`logAt` is the number of that change): brings its row up to date, beyond what the amounts asked for have changed. */
  follow(node: number, devices: NonNullable<Demand["devices"]>, on: SharedOn | undefined, by: 1 | -1, logAt: number): void {
    const at = node * this.columns.width;
    if (devices.shareMillis !== undefined) {
      const change = withShare(this.openedOn(node), { model: devices.model, millis: devices.shareMillis, on: on ?? devices.on }, by);
      if (change) {
        this.opened.set(node, change.opened);
        this.changes.set(logAt, { on: change.on, count: change.count });
        if (change.count) for (const d of [3, this.modelAt.get(change.on.model)]) if (d !== undefined) this.free[at + d] = (this.free[at + d] as number) - change.count;
      }
    }
    const idle = (model: string | null): number => this.idle(at, model);
    for (const { d, model } of this.columns.shares) this.free[at + d] = shareLeft(this.openedOn(node), idle, model);
  }

  private openedOn(node: number): readonly SharedDevice[] | undefined {
    return this.opened.get(node) ?? this.columns.nodes[node]?.load.shared;
  }
  private idle(at: number, model: string | null): number {
    const all = this.free[at + 3] as number;
    const d = model === null ? undefined : this.modelAt.get(model);
    // A model that no node of the fleet has is overdrawn where something stands for it.
    return model === null ? all : d === undefined ? Math.min(all, -1) : Math.min(all, this.free[at + d] as number);
  }

  /** The device of the share that a change of the log took or gave back. */
  onOf(logAt: number): SharedOn | undefined {
    return this.changes.get(logAt)?.on;
  }
  /** What a change took of a dimension by opening a device, beyond what was asked for. */
  takenOf(logAt: number, d: number): number {
    const change = this.changes.get(logAt);
    return change && (d === 3 || this.modelAt.get(change.on.model) === d) ? change.count : 0;
  }
}
