import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createRounds } from "./rounds";

/** Questions that a test answers when it likes. */
function questions() {
  const asked: string[][] = [];
  const answers: ((again?: readonly string[]) => void)[] = [];
  const rounds = createRounds((topics) => {
    asked.push([...topics].sort());
    return new Promise((resolve) => answers.push((again = []) => resolve(again)));
  });
  return { rounds, asked, answer: async (again?: readonly string[]) => (answers.shift()?.(again), vi.advanceTimersByTimeAsync(0)) };
}

describe("rounds of questions", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("ask for the first change at once, and take those that follow together", async () => {
    const q = questions();
    q.rounds.add("node");
    await vi.advanceTimersByTimeAsync(0);
    expect(q.asked).toEqual([["node"]]);
    await q.answer();
    q.rounds.add("node");
    q.rounds.add("rollout");
    await vi.advanceTimersByTimeAsync(290);
    expect(q.asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(20);
    expect(q.asked).toEqual([["node"], ["node", "rollout"]]);
  });

  // Guarantee: however fast things change, a question is never given up for the next one, and every change is asked for.
  it("wait for the answers, however long they take, and then ask for all that came meanwhile", async () => {
    const q = questions();
    q.rounds.add("node");
    await vi.advanceTimersByTimeAsync(0);
    for (let i = 0; i < 20; i++) {
      q.rounds.add(i % 2 ? "node" : "observation");
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(q.asked).toHaveLength(1);
    await q.answer();
    expect(q.asked).toEqual([["node"], ["node", "observation"]]);
  });

  it("ask once more for what was on its way when it changed", async () => {
    const q = questions();
    q.rounds.add("node");
    await vi.advanceTimersByTimeAsync(0);
    await q.answer(["node"]);
    await vi.advanceTimersByTimeAsync(300);
    expect(q.asked).toEqual([["node"], ["node"]]);
    await q.answer();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(q.asked).toHaveLength(2);
  });

  it("go on without a server that does not answer, or one that fails, and stop when told", async () => {
    const asked: string[] = [];
    const rounds = createRounds((topics) => {
      asked.push(...topics);
      return topics.includes("fails") ? Promise.reject(new Error("no")) : new Promise(() => undefined);
    });
    rounds.add("fails");
    await vi.advanceTimersByTimeAsync(0);
    rounds.add("hangs");
    await vi.advanceTimersByTimeAsync(300);
    rounds.add("after");
    await vi.advanceTimersByTimeAsync(14_000);
    expect(asked).toEqual(["fails", "hangs"]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(asked).toEqual(["fails", "hangs", "after"]);
    rounds.end();
    rounds.add("never");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).not.toContain("never");
  });
});
