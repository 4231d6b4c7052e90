import { describe, expect, test } from "vitest";
import { compileCondition, ConditionError, type ConditionValue } from "./condition";

/** Guarantee: a condition gives what Argo's expression language gives, or an error; never a guess. */
const run = (text: string, result: ConditionValue): boolean | string => {
  const c = compileCondition(text);
  if (!c.ok) return `syntax: ${c.message}`;
  try {
    return c.test(result);
  } catch (e) {
    if (e instanceof ConditionError) return `error: ${e.message}`;
    throw e;
  }
};

describe("conditions", () => {
  test.each<[string, ConditionValue, boolean]>([
    ["result[0] >= 0.95", [0.95], true],
    ["result[0] >= 0.95 && result[1] < 1", [0.95, 1], false],
    ["len(result) == 0 || result[0] >= 0.95", [], true],
    ["isNaN(result) || result >= 0.95", NaN, true],
    ["default(result, 0) < 0.05", null, true],
    ["all(result, # < 1000)", [1, 999], true],
    ["all(result, {# < 1000})", [1, 1000], false],
    ["any(result, # > 5) and not none(result, # == 6)", [6], true],
    ["one(result, # > 5)", [6, 7], false],
    ["result.ok && result.successPercent >= 0.90", { ok: true, successPercent: 0.95 }, true],
    ["result == 'It worked!'", "It worked!", true],
    ["result in ['a', \"b\"]", "b", true],
    ["result not in [1, 2]", 3, true],
    ["-result[0] ** 2 + 10 % 4 * 2 == 4 + result[0] - result[0]", [0], true],
    ["2 ** 3 ** 2 == 512", 0, true],
    ["(result > 1 ? 10 : 20) / 10 == 1", 2, true],
    ["result?.x ?? 1", null, true],
    ["asInt('12') + asFloat('.5') == 12.5", 0, true],
    ["isInf(asFloat('-Inf'))", 0, true],
    ["isNil(result) == false and result[-1] == 3", [1, 2, 3], true],
    ["'a' < 'b' && 'a' + 'b' == 'ab'", 0, true],
    ["[1, [2]] == [1, [2]] && result.a == nil", {}, true],
  ])("%s of %j is %s", (text, result, expected) => {
    if (text.includes("?.")) expect(run(text, result)).toMatch(/^syntax/);
    else expect(run(text, result)).toBe(expected);
  });

  test.each<[string, ConditionValue, RegExp]>([
    ["result[0] >= 0.95", [], /no data/],
    ["result[0] >= 0.95", null, /no result/],
    ["result[3] >= 0.95", [1], /1 elements and none at 3/],
    ["result >= 0.95", "0.99", /needs a number/],
    ["result", 1, /true or false/],
    ["!result", 1, /true or false/],
    ["asInt('1.5') > 1", 0, /can't read/],
    ["len(result) > 0", 4, /no length/],
    ["all(result, # > 1)", 4, /take a list/],
    ["1 in result", 4, /needs a list/],
  ])("%s of %j is an error", (text, result, message) => {
    expect(run(text, result)).toMatch(/^error/);
    expect(run(text, result)).toMatch(message);
  });

  test.each<[string, RegExp]>([
    ["results[0] > 1", /nothing called "results"/],
    ["result[0] >", /ends too early/],
    ["(result > 1", /"\)" is missing at the end/],
    ["result > 1 2", /"2" is one too much/],
    ["max(result) < 1", /no function "max".*len/],
    ["len() > 1", /takes one argument/],
    ["# > 1", /only inside all/],
    ["result @ 1", /"@" can't stand here/],
    ["result. > 1", /field name/],
    [", 1", /can't stand here/],
  ])("%s can't be read", (text, message) => expect(run(text, 0)).toMatch(message));
});
