/** What one look at one key came to. */
export interface Looked {
  /** When to look again although nothing nudges; null for "only when nudged" (the resync looks anyway). */
  nextLookAtMs: number | null;
  /** Whether it found something to change: what a resync finds is counted as a correction. */
  changed?: boolean;
  /** The key's object is no more: forget the key. */
  gone?: boolean;
}

/** One kind of key and how to look at it. Level-triggered: a look reads what is, never what happened. */
export interface Reconciler {
  readonly kind: string;
  /** Every key that should exist: what the resync adds. */
  liveKeys(): Promise<string[]>;
  reconcile(key: string): Promise<Looked>;
}
