import { describe, expect, it } from "vitest";
import { lockMsAfter, throttleRules } from "./throttle";

describe("throttling of sign-ins", () => {
  // Guarantee: a person who mistypes a few times is not locked out.
  it("leaves the first failures free", () => {
    for (let n = 0; n < throttleRules.login.free; n++) expect(lockMsAfter("login", n)).toBe(0);
  });

  // Guarantee: guessing gets slower with each failure and never faster, up to a bound that lets people back in.
  it("doubles up to the longest lock", () => {
    let previous = 0;
    for (let n = throttleRules.login.free; n < 100; n++) {
      const lock = lockMsAfter("login", n);
      expect(lock).toBeGreaterThanOrEqual(previous);
      expect(lock).toBeLessThanOrEqual(throttleRules.login.longestLockMs);
      previous = lock;
    }
    expect(lockMsAfter("login", 5)).toBe(5_000);
    expect(lockMsAfter("login", 6)).toBe(10_000);
    expect(previous).toBe(900_000);
  });

  // Guarantee: many people behind one address are not locked out by one of them.
  it("allows an address more than a login", () => {
    expect(lockMsAfter("address", 10)).toBe(0);
    expect(lockMsAfter("login", 10)).toBeGreaterThan(0);
  });
});
