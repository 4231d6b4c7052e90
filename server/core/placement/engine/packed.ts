/**
 * All open nodes of one static key in one treap for each part of its tournament: what shapes that pack and come once are
 * searched in. The fullest node that has room is found among thousands of fuller ones without looking at them.
 */
import type { Needs } from "./columns";
import type { Floor } from "./floor";
import { NodeOrder } from "./node-order";
import type { Tournament } from "./once";
import { Treaps } from "./treaps";

const NONE = -1;

export class PackedNodes {
  private readonly order: NodeOrder;
  private readonly treaps: Treaps;
  private cursor: number;

  constructor(
    private readonly floor: Floor,
    private readonly tournament: Tournament,
  ) {
    const { columns, cells } = floor;
    this.order = new NodeOrder(columns, floor.free, floor.used, floor.tie);
    this.treaps = new Treaps(this.order, tournament.parts);
    const byPart: number[][] = Array.from({ length: tournament.parts }, () => []);
    for (let i = 0; i < columns.nodes.length; i++) byPart[tournament.partOfCell(cells.of[i] as number)]?.push(i);
    byPart.forEach((nodes, p) => this.treaps.build(p, Int32Array.from(nodes).sort((a, b) => (this.order.less(a, b) ? -1 : 1))));
    this.cursor = cells.changes.length;
  }

  /** Follows the changes of nodes since it was asked last. */
  catchUp(): void {
    const { changes, of } = this.floor.cells;
    for (; this.cursor < changes.length; this.cursor++) {
      const i = changes.items[this.cursor] as number;
      const p = this.tournament.partOfCell(of[i] as number);
      if (p !== NONE) this.treaps.moved(p, i);
    }
  }
  /** The most that a node of a part may score by use alone. */
  bound(p: number, use: number): number {
    return use * (this.floor.used[this.treaps.lastOf(p)] as number);
  }
  /** The node of a part that a demand goes to when it packs; -1 for none. */
  best(p: number, needs: Needs, except: number): number {
    this.order.want(needs, null, except);
    return this.treaps.fullest(p);
  }
}
