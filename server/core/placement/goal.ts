/** A revision as far as "what should run" depends on it. */
export interface RevisionFacts {
  generation: number;
  templateDigest: string;
  held: boolean;
  /** Made together with a rollout, which alone may bring it to units. */
  gated: boolean;
  createdAtMs: number;
}
/** A rollout that ended with its revision on every unit. */
export interface RolloutSuccess {
  toGeneration: number;
  endedAtMs: number;
}

export interface Goal {
  /** The generation that units should run when no rollout is open. */
  generation: number;
  /** The newest generation that is not held: replicas, policy and everything outside the unit template come from it at once. */
  intent: number;
}

/**
 * Which revision should run. A revision is released when it is written, unless a rollout was made with it: then when a
 * rollout to it has succeeded. The goal is the release that came last; revisions that are held (they were rolled back)
 * never count.
 *
 * Two revisions with one unit template run the same thing. So
 *  - a revision with the template of the goal before it changes nothing that runs: the goal keeps the older name, and no
 *    unit restarts. r1 (template A), r2 (B), r3 (B with more replicas) has the goal r2 and the intent r3;
 *  - a revision with the template of one that still waits for its rollout waits with it: r1 (A), r2 (B, rolling out),
 *    r3 (B with more replicas) has the goal r1 until the rollout to r2 has succeeded.
 */
export function goalOf(revisions: readonly RevisionFacts[], successes: readonly RolloutSuccess[]): Goal | null {
  const ordered = [...revisions].sort((a, b) => a.generation - b.generation);
  const byGeneration = new Map(ordered.map((r) => [r.generation, r]));
  const releases: { generation: number; atMs: number; order: number }[] = successes.map((r) => ({ generation: r.toGeneration, atMs: r.endedAtMs, order: 1 }));
  /** Templates by the moment after which a revision may bring them without a rollout; Infinity while they wait for one. */
  const freeAfter = new Map<string, number>();
  for (const r of ordered) {
    const success = successes.filter((x) => byGeneration.get(x.toGeneration)?.templateDigest === r.templateDigest).reduce((least, x) => Math.min(least, x.endedAtMs), Infinity);
    if (!freeAfter.has(r.templateDigest)) freeAfter.set(r.templateDigest, r.gated ? success : -Infinity);
    if (!r.gated && (freeAfter.get(r.templateDigest) ?? Infinity) < r.createdAtMs) releases.push({ generation: r.generation, atMs: r.createdAtMs, order: 0 });
  }
  releases.sort((a, b) => a.atMs - b.atMs || a.order - b.order || a.generation - b.generation);

  let goal: RevisionFacts | null = null;
  for (const release of releases) {
    const revision = byGeneration.get(release.generation);
    if (!revision || revision.held) continue;
    if (goal && goal.templateDigest === revision.templateDigest) continue;
    goal = revision;
  }
  const intent = ordered.filter((r) => !r.held).at(-1);
  if (!goal || !intent) return null;
  return { generation: goal.generation, intent: intent.generation };
}
