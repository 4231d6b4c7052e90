import { describe, expect, it } from "vitest";
import { parseStat } from "./processes";

describe("reading /proc/PID/stat", () => {
  // Guarantee: a program cannot forge its start time or group by its name.
  it("is not misled by a name with blanks and parentheses", () => {
    const line = "4242 (a) R 1 (evil) 9) S 1 4240 4239 0 -1 4194304 100 0 0 0 17 5 0 0 20 0 1 0 987654 1000000 250 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0";
    expect(parseStat(line)).toEqual({ pid: 4242, state: "S", parent: 1, group: 4240, session: 4239, userTicks: 17, systemTicks: 5, startTicks: "987654", residentPages: 250 });
  });
  it("answers null for what is no such line", () => {
    for (const text of ["", "12", "12 (x", "12 (x) S 1"]) expect(parseStat(text)).toBeNull();
  });
});
