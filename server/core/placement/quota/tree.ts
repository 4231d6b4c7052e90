import { exactly, plus } from "./amounts";
import type { Amounts } from "./amounts";

/** A quota as its manifest gives it. Quotas with one parent are a cohort: they lend each other what they do not use. */
export interface QuotaFacts {
  name: string;
  parent: string | null;
  /** What is its own. A resource that any quota of the tree names is limited in the whole tree, and 0 where it is not named. */
  nominal: Amounts;
  /** At most so much above nominal; absent: whatever the others leave. */
  borrowingLimit: Amounts | null;
  /** At most so much of nominal may be used by others; absent: all of it. */
  lendingLimit: Amounts | null;
  /** Of two that borrow, one with weight 2 is due twice as much. */
  weight: number;
  /** Whose units may be stopped when this one needs what is its own. */
  reclaim: "never" | "lowerPriority" | "any";
}

/** What keeps an amount out of a quota, in one resource. */
export interface QuotaShortage {
  resource: string;
  wanted: number;
  available: number;
  nominal: number;
  used: number;
}

interface Entry extends QuotaFacts {
  children: Entry[];
  up: Entry | null;
  used: Record<string, number>;
  subtree: Record<string, number>;
}

/**
 * Quotas as a tree with what is used of them. Formulas are those of Kueue's hierarchical cohorts (its KEP-79): what a
 * child does not lend stays with it, the rest is pooled in the parent; a child that uses more than it keeps uses the pool.
 */
export class QuotaTree {
  private readonly entries = new Map<string, Entry>();
  /** Resources that are limited, sorted. */
  readonly resources: readonly string[];

  constructor(facts: readonly QuotaFacts[], used: ReadonlyMap<string, Amounts> = new Map()) {
    for (const f of facts) this.entries.set(f.name, { ...f, children: [], up: null, used: {}, subtree: {} });
    for (const e of this.entries.values()) {
      const up = e.parent === null ? undefined : this.entries.get(e.parent);
      // A parent that is not there, or one below itself, is none: the quota then stands alone and borrows from nobody.
      if (!up || this.isBelow(up, e)) continue;
      e.up = up;
      up.children.push(e);
    }
    this.resources = [...new Set(facts.flatMap((f) => Object.keys(f.nominal)))].sort();
    for (const root of this.entries.values()) if (!root.up) this.sumUp(root);
    for (const [name, amounts] of used) this.add(name, amounts);
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** Counts an amount as used (`sign` 1) or given back (-1), and in every parent whose pool it comes from. */
  add(name: string, amounts: Amounts, sign: 1 | -1 = 1): void {
    const entry = this.get(name);
    for (const r of this.resources) {
      const amount = sign * (amounts[r] ?? 0);
      if (amount !== 0) this.addOne(entry, r, amount);
    }
  }

  /** What more can be used, in one resource; negative when more is used than may be (after a quota was made smaller). */
  available(name: string, resource: string): number {
    return this.availableOf(this.get(name), resource);
  }

  /** Resources in which an amount does not fit; empty when it fits. */
  shortages(name: string, amounts: Amounts): QuotaShortage[] {
    const e = this.get(name);
    return this.resources.flatMap((resource) => {
      const wanted = amounts[resource] ?? 0;
      const available = exactly(resource, this.availableOf(e, resource));
      return wanted > 0 && wanted > available ? [{ resource, wanted, available: Math.max(0, available), nominal: e.subtree[resource] ?? 0, used: e.used[resource] ?? 0 }] : [];
    });
  }

  /** Used above nominal (of the quota with all below it), by resource. */
  borrowed(name: string): Amounts {
    const e = this.get(name);
    return Object.fromEntries(this.resources.map((r) => [r, Math.max(0, (e.used[r] ?? 0) - (e.subtree[r] ?? 0))]));
  }

  /** Whether it would use no more than nominal after taking an amount: what may be reclaimed for. */
  isWithinNominal(name: string, amounts: Amounts): boolean {
    const e = this.get(name);
    return this.resources.every((r) => (amounts[r] ?? 0) === 0 || exactly(r, (e.used[r] ?? 0) + (amounts[r] ?? 0)) <= (e.subtree[r] ?? 0));
  }

  /**
   * Dominant share (DRF: Ghodsi et al., NSDI 2011) of what is borrowed, as in Kueue's fair sharing: the largest, over
   * resources, of borrowed / what the whole cohort lends, divided by the weight. 0 for a quota within nominal; infinite
   * for one of weight 0 that borrows.
   */
  share(name: string, more: Amounts = {}): number {
    const e = this.get(name);
    let share = 0;
    for (const r of this.resources) {
      const over = (e.used[r] ?? 0) + (more[r] ?? 0) - (e.subtree[r] ?? 0);
      const pool = e.up ? this.poolOf(e.up, r) : (e.subtree[r] ?? 0);
      if (over > 0) share = Math.max(share, pool > 0 ? over / pool : Infinity);
    }
    return share === 0 ? 0 : e.weight > 0 ? share / e.weight : Infinity;
  }

  /** Nominal of the quota with what those below it lend, by resource. */
  nominal(name: string): Amounts {
    return { ...this.get(name).subtree };
  }
  used(name: string): Amounts {
    return { ...this.get(name).used };
  }
  reclaims(name: string): QuotaFacts["reclaim"] {
    return this.get(name).reclaim;
  }
  /** The root of the tree that a quota belongs to: what has to be held while it is used. */
  rootOf(name: string): string {
    let e = this.get(name);
    while (e.up) e = e.up;
    return e.name;
  }
  /** Names in the order of the tree, each parent before its children. */
  walk(): { name: string; parent: string | null; depth: number; leaf: boolean }[] {
    const found: { name: string; parent: string | null; depth: number; leaf: boolean }[] = [];
    const visit = (e: Entry, depth: number) => {
      found.push({ name: e.name, parent: e.up?.name ?? null, depth, leaf: e.children.length === 0 });
      for (const c of sorted(e.children)) visit(c, depth + 1);
    };
    for (const e of sorted([...this.entries.values()])) if (!e.up) visit(e, 0);
    return found;
  }

  /**
   * What each quota is due of its tree, in one resource, given what it uses and waits for: at least the smaller of nominal
   * and what it wants; what is left goes to those that want more, in proportion to their weights, until they have all they
   * want or may borrow (progressive filling, which gives max-min fairness).
   */
  deserved(resource: string, wanted: ReadonlyMap<string, number>): Map<string, number> {
    const found = new Map<string, number>();
    const want = (e: Entry): number => (wanted.get(e.name) ?? 0) + e.children.reduce((n, c) => n + want(c), 0);
    const whole = (e: Entry): number => e.children.reduce((n, c) => n + whole(c), e.nominal[resource] ?? 0);
    const share = (e: Entry, total: number) => {
      found.set(e.name, Math.min(total, want(e)));
      const wholes = e.children.map(whole);
      const caps = e.children.map((c, i) => Math.min(want(c), c.borrowingLimit?.[resource] === undefined ? Infinity : (wholes[i] ?? 0) + (c.borrowingLimit[resource] ?? 0)));
      const given = caps.map((cap, i) => Math.min(cap, wholes[i] ?? 0));
      // What a child neither needs nor lends is nobody else's.
      const unlent = e.children.reduce((n, c, i) => n + Math.max(0, Math.min(kept(c, resource), wholes[i] ?? 0) - (given[i] ?? 0)), 0);
      fill(given, caps, e.children.map((c) => c.weight), total - Math.min(total, wanted.get(e.name) ?? 0) - unlent);
      e.children.forEach((c, i) => share(c, given[i] ?? 0));
    };
    for (const e of this.entries.values()) if (!e.up) share(e, whole(e));
    return found;
  }

  private get(name: string): Entry {
    const e = this.entries.get(name);
    if (!e) throw new Error(`there is no quota ${name}`);
    return e;
  }
  private isBelow(e: Entry, top: Entry): boolean {
    for (let at: Entry | null = e; at; at = at.up) if (at === top) return true;
    return false;
  }
  private sumUp(e: Entry): void {
    for (const c of e.children) this.sumUp(c);
    for (const r of this.resources) e.subtree[r] = (e.nominal[r] ?? 0) + e.children.reduce((n, c) => n + (c.subtree[r] ?? 0) - kept(c, r), 0);
  }
  private addOne(e: Entry, r: string, amount: number): void {
    const before = Math.max(0, (e.used[r] ?? 0) - kept(e, r));
    e.used[r] = exactly(r, (e.used[r] ?? 0) + amount);
    const after = Math.max(0, (e.used[r] ?? 0) - kept(e, r));
    if (e.up && after !== before) this.addOne(e.up, r, after - before);
  }
  private availableOf(e: Entry, r: string): number {
    const used = e.used[r] ?? 0;
    if (!e.up) return (e.subtree[r] ?? 0) - used;
    const own = kept(e, r);
    let fromParent = this.availableOf(e.up, r);
    const limit = e.borrowingLimit?.[r];
    if (limit !== undefined) fromParent = Math.min(fromParent, (e.subtree[r] ?? 0) - own - Math.max(0, used - own) + limit);
    return Math.max(0, own - used) + fromParent;
  }
  private poolOf(e: Entry, r: string): number {
    return e.children.reduce((n, c) => n + (c.subtree[r] ?? 0) - kept(c, r), e.nominal[r] ?? 0) + (e.up ? this.poolOf(e.up, r) : 0);
  }
}

/** What a quota lends to nobody. */
const kept = (e: Entry, r: string): number => (e.lendingLimit?.[r] === undefined ? 0 : Math.max(0, (e.subtree[r] ?? 0) - (e.lendingLimit[r] ?? 0)));
const sorted = (list: readonly Entry[]): Entry[] => [...list].sort((a, b) => (a.name < b.name ? -1 : 1));

/** Raises what each is given by weight, up to its cap, while the sum is below `total`. */
function fill(given: number[], caps: readonly number[], weights: readonly number[], total: number): void {
  let left = total - given.reduce((n, x) => n + x, 0);
  let open = given.map((_, i) => i).filter((i) => (caps[i] ?? 0) > (given[i] ?? 0) && (weights[i] ?? 0) > 0);
  while (open.length > 0 && left > 1e-9) {
    const sum = open.reduce((n, i) => n + (weights[i] ?? 0), 0);
    const step = Math.min(left / sum, ...open.map((i) => ((caps[i] ?? 0) - (given[i] ?? 0)) / (weights[i] ?? 1)));
    for (const i of open) given[i] = (given[i] ?? 0) + step * (weights[i] ?? 0);
    left -= step * sum;
    open = open.filter((i) => (caps[i] ?? 0) - (given[i] ?? 0) > 1e-9);
  }
}

/** Used amounts by quota, summed. */
export function usageOf(list: readonly { quota: string; amounts: Amounts }[]): Map<string, Amounts> {
  const found = new Map<string, Amounts>();
  for (const x of list) found.set(x.quota, plus(found.get(x.quota) ?? {}, x.amounts));
  return found;
}
