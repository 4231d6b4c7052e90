/** The classes of a plan: made when a shape is asked for often, kept while they are worth it, given up when memory runs short. */
import { ClassMemory } from "./class-memory";
import type { Floor, Group } from "./floor";
import { ShapeClass } from "./shape-class";
import type { ShapeEntry } from "./shape-entry";

/** What classes of groups may take together, in bytes; the one that was asked for longest ago goes first. */
const MEMORY = 64 * 2 ** 20;
const LEAST_CLASSES = 80;
/** Classes that share a block of memory. */
const IN_TURNS = 64;

export class ClassBook {
  private readonly classes = new Map<string, ShapeClass>();
  private readonly avoidIds = new WeakMap<ReadonlySet<string>, number>();
  private avoids = 0;
  private readonly spare: ClassMemory[] = [];
  private block: { cells: number; free: ClassMemory[] } | undefined;
  private gaveUp = false;
  /** Shapes that are known to come; a block for more classes than that would only be cleared. */
  expected = IN_TURNS;

  constructor(private readonly floor: Floor) {}

  /** The class of a shape and group, up to date with the log. */
  of(entry: ShapeEntry, group: Group, avoid: ReadonlySet<string> | undefined): ShapeClass {
    const { floor } = this;
    const shunned = avoid?.size ? avoid : undefined;
    const last = entry.last;
    if (last && last.group === group && last.avoid === shunned && this.fresh(last)) {
      last.catchUp();
      return last;
    }
    const key = `${entry.id}/${group.id}/${shunned ? this.avoidId(shunned) : 0}`;
    let cls = this.classes.get(key);
    this.classes.delete(key);
    if (!cls || !this.fresh(cls)) {
      floor.staticsOf(entry.shape, entry.staticKey);
      let template = entry.template;
      if (!template || !this.fresh(template)) template = new ShapeClass(floor, entry, null, undefined, template && this.fits(template.memory) ? template.memory : this.memory(false));
      else template.catchUp();
      entry.template = template;
      cls = new ShapeClass(floor, entry, group, shunned, cls && this.fits(cls.memory) ? cls.memory : this.memory(true), template);
    } else cls.catchUp();
    this.classes.set(key, cls);
    if (this.classes.size > Math.max(LEAST_CLASSES, MEMORY / (3 * floor.columns.nodes.length + 16 * floor.cells.count))) this.giveUpOldest();
    entry.last = cls;
    return cls;
  }

  private giveUpOldest(): void {
    for (const [key, cls] of this.classes) {
      this.classes.delete(key);
      if (cls.entry.last === cls) cls.entry.last = undefined;
      this.gaveUp = true;
      if (cls.memory.stride === 1) this.spare.push(cls.memory);
      return;
    }
  }
  private fits(memory: ClassMemory): boolean {
    return memory.cells === this.floor.cells.count + this.floor.columns.sites.length;
  }
  private memory(inTurns: boolean): ClassMemory {
    const cells = this.floor.cells.count + this.floor.columns.sites.length;
    const n = this.floor.columns.nodes.length;
    if (this.block?.cells !== cells) {
      this.block = { cells, free: this.expected > 2 ? ClassMemory.block(n, cells, IN_TURNS) : [] };
      this.spare.length = 0;
    }
    // Once classes are given up they don't come in turns: each by itself is then faster to fill.
    const own = inTurns && !this.gaveUp ? this.block.free.pop() : this.spare.pop();
    return own ?? (ClassMemory.block(n, cells, 1)[0] as ClassMemory);
  }
  /** Whether following the log is right and cheaper than starting over. */
  private fresh(cls: ShapeClass): boolean {
    return cls.era === this.floor.era && cls.groupVersion === (cls.group?.version ?? 0) && cls.behind <= this.floor.columns.nodes.length / 2 + 64;
  }
  private avoidId(set: ReadonlySet<string>): number {
    let id = this.avoidIds.get(set);
    if (id === undefined) this.avoidIds.set(set, (id = ++this.avoids));
    return id;
  }
}
