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
  private block: ClassMemory[] | undefined;
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
      const own = cls?.memory ?? this.memory(true);
      // The first group of a shape most often stays the only one; what its units don't depend on is kept apart for the second.
      entry.firstGroup ??= group;
      cls = new ShapeClass(floor, entry, group, shunned, own, entry.firstGroup === group && !shunned ? undefined : this.templateOf(entry));
    } else cls.catchUp();
    this.classes.set(key, cls);
    if (this.classes.size > Math.max(LEAST_CLASSES, MEMORY / (3 * floor.columns.nodes.length))) this.giveUpOldest();
    entry.last = cls;
    return cls;
  }

  /** What is the same for all groups of a shape, up to date with the log. */
  private templateOf(entry: ShapeEntry): ShapeClass {
    const { template } = entry;
    if (template && this.fresh(template)) {
      template.catchUp();
      return template;
    }
    return (entry.template = new ShapeClass(this.floor, entry, null, undefined, template?.memory ?? this.memory(false)));
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
  private memory(inTurns: boolean): ClassMemory {
    const n = this.floor.columns.nodes.length;
    this.block ??= this.expected > 2 ? ClassMemory.block(n, IN_TURNS) : [];
    // Once classes are given up they don't come in turns: each by itself is then faster to fill.
    const own = inTurns && !this.gaveUp ? this.block.pop() : this.spare.pop();
    return own ?? (ClassMemory.block(n, 1)[0] as ClassMemory);
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
