import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { goalOf } from "./goal";
import type { RevisionFacts } from "./goal";

/** "A B! C*": templates by generation; ! is held, * was made together with a rollout. */
const revisions = (text: string): RevisionFacts[] => text.split(" ").filter(Boolean).map((t, i) => ({ generation: i + 1, templateDigest: t.replace(/[!*]/g, ""), held: t.includes("!"), gated: t.includes("*"), createdAtMs: (i + 1) * 100 }));

describe("which revision should run", () => {
  it.each<[string, string, [number, number][], { generation: number; intent: number } | null]>([
    ["nothing without a revision", "", [], null],
    ["the first", "A", [], { generation: 1, intent: 1 }],
    ["the newest, without a strategy", "A B", [], { generation: 2, intent: 2 }],
    ["the older name when the template is the same", "A B B", [], { generation: 2, intent: 3 }],
    ["the one before, while a rollout is under way", "A B*", [], { generation: 1, intent: 2 }],
    ["the new one once the rollout has succeeded", "A B*", [[2, 900]], { generation: 2, intent: 2 }],
    ["the one before, after a rollback", "A B*!", [], { generation: 1, intent: 1 }],
    ["scaled while rolling out: the template waits with the rollout", "A B* B", [], { generation: 1, intent: 3 }],
    ["scaled while rolling out, then succeeded", "A B* B", [[2, 900]], { generation: 2, intent: 3 }],
    ["scaled after a rollback, from the one that ran", "A B*! A", [], { generation: 1, intent: 3 }],
    ["brought back an older one as a new revision", "A B A", [], { generation: 3, intent: 3 }],
    ["a rollout by hand to an older revision", "A B", [[1, 900]], { generation: 1, intent: 2 }],
    ["held after it ran everywhere: back to the one before", "A B!", [], { generation: 1, intent: 1 }],
    ["everything held: nothing may run", "A!", [], null],
    ["a hold that was lifted brings nothing back by itself", "A B* A", [], { generation: 1, intent: 3 }],
    ["a rollout that ended when a revision was written comes after it", "A B*", [[2, 100]], { generation: 2, intent: 2 }],
    ["of two rollouts that ended at once the newer", "A B* C*", [[3, 900], [2, 900]], { generation: 3, intent: 3 }],
    ["a revision with a template whose rollout succeeded before it was written is free", "A B* C B", [[2, 250]], { generation: 4, intent: 4 }],
    ["not one that was written before", "A B* C B", [[2, 450]], { generation: 2, intent: 4 }],
    ["nor one of the very moment", "A B* C B", [[2, 400]], { generation: 2, intent: 4 }],
    ["the first success frees it", "A B* C B", [[2, 950], [2, 250]], { generation: 4, intent: 4 }],
    ["another template's success does not", "A B* C* B", [[3, 250]], { generation: 3, intent: 4 }],
    ["a rollout to what is no more", "A", [[7, 900]], { generation: 1, intent: 1 }],
    ["the fix after a rollback goes its own way", "A B*! C*", [[3, 900]], { generation: 3, intent: 3 }],
  ])("%s", (_what, text, successes, expected) => {
    expect(goalOf(revisions(text), successes.map(([toGeneration, endedAtMs]) => ({ toGeneration, endedAtMs })))).toEqual(expected);
  });

  it("does not depend on the order in which revisions are read, nor changes it", () => {
    const list = revisions("A B* C B!").reverse();
    const was = [...list];
    expect(goalOf(list, [{ toGeneration: 2, endedAtMs: 900 }])).toEqual({ generation: 2, intent: 3 });
    expect(list).toEqual(was);
  });

  // Guarantee: whatever the history, a held revision is never the goal, nor one that waits for its rollout.
  it("never runs what is held or waits", () => {
    const history = fc.array(fc.tuple(fc.constantFrom("A", "B", "C"), fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(history, fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 3 }), (list, succeeded) => {
        const all = list.map(([templateDigest, held, gated], i): RevisionFacts => ({ generation: i + 1, templateDigest, held, gated: gated && i > 0, createdAtMs: (i + 1) * 100 }));
        const goal = goalOf(all, succeeded.map((toGeneration, i) => ({ toGeneration, endedAtMs: 1_000 + i })));
        if (!goal) return;
        const r = all.find((x) => x.generation === goal.generation) as RevisionFacts;
        expect(r.held).toBe(false);
        if (r.gated) expect(succeeded).toContain(r.generation);
      }),
    );
  });
});
