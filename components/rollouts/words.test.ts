import { describe, expect, test } from "vitest";
import type { VerdictView } from "@/server/core/views";
import { againstWords, effectSentence, effectText, flipSentence, list, notWorseWords, progress, restsOn } from "./words";

// Guarantee: evidence is said in words whose strength never exceeds what the e-value allows.
describe("evidence in words", () => {
  test("up to 1 an e-value says nothing, at the limit it proves, and never before", () => {
    expect(againstWords(0.2, 100)).toBe("None so far.");
    expect(againstWords(99, 100)).toMatch(/^Strong: up to 1 in 99 /);
    expect(againstWords(100, 100)).toMatch(/^Proven: at most 1 in 100 /);
    expect(notWorseWords(19.9, 20)).toMatch(/^On its way/);
    expect(notWorseWords(20, 20)).toMatch(/^Shown/);
  });
  test("progress is on the scale on which evidence adds up, and bounded", () => {
    expect(progress(0.5, 100)).toBe(0);
    expect(progress(10, 100)).toBeCloseTo(0.5);
    expect(progress(1e9, 100)).toBe(1);
  });
  test("an effect is said with its interval and its margin", () => {
    expect(effectSentence({ kind: "errors", effect: { scale: "ratio", value: 1.034, low: 0.98, high: 1.09 }, margin: 1.2, sample: { canary: 9, stable: 9 } })).toBe("× 1.03 of stable (× 0.98 to × 1.09); up to × 1.20 is allowed.");
    expect(effectSentence({ kind: "accuracy", effect: { scale: "difference", value: -0.008, low: null, high: null }, margin: 0.01, sample: { canary: 9, stable: 9 } })).toBe("−0.80 points against stable; down to −1.00 points is allowed.");
    expect(effectText("share", null)).toBe("unknown");
  });
});

// Guarantee: what a verdict rests on is never understated by a kind that counted less.
test("the largest sample of each thing that is counted", () => {
  const kind = (k: string, canary: number) => ({ kind: k, role: "counts", sample: { canary, stable: 2 * canary } });
  expect(restsOn({ metrics: [], sequential: { kinds: [kind("errors", 700), kind("tail", 0), kind("reporting", 8), kind("accuracy", 40)] } } as unknown as VerdictView)).toBe("Rests on 700 requests on the canary, 1,400 on stable; 40 labels on the canary, 80 on stable.");
  expect(restsOn({ metrics: [], sequential: null } as unknown as VerdictView)).toBe("Nothing was counted yet.");
});

// Guarantee: a verdict is called decided only if the judge says that no completion of what is missing gives another.
describe("can it still flip", () => {
  const view = (decided: boolean, withheldBy: string[]) => ({ verdict: "hold", sequential: { decided, completion: { best: "promote", worst: "rollBack", withheldBy } } }) as unknown as VerdictView;
  test("decided, not decided, and by whom", () => {
    expect(flipSentence(view(true, []))).toBe("Decided: nothing is withheld.");
    expect(flipSentence(view(true, ["kiel"]))).toBe("Decided: whatever kiel still withholds, the verdict stays.");
    expect(flipSentence(view(false, ["kiel", "bremen"]))).toBe("Not decided yet. What kiel and bremen withhold could still flip it: at best promote, at worst roll back.");
    expect(flipSentence({ verdict: "hold", sequential: null })).toBeNull();
  });
  test("long lists of sites are shortened by their number", () => {
    expect(list(["a", "b", "c", "d", "e", "f"])).toBe("a, b, c and 3 more");
    expect(list([])).toBe("nobody");
  });
});
