import { describe, expect, it } from "vitest";
import { hashPassword, inventPassword, PASSWORD_COST, verifyPassword } from "./password";

describe("password hashes", () => {
  // Guarantee: the stated cost stands in the string, and only the password opens it.
  it("verifies what it hashed and nothing else", async () => {
    const phc = await hashPassword("the tide turns before noon");
    expect(phc).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await verifyPassword("the tide turns before noon", phc)).toEqual({ ok: true, rehash: false });
    expect((await verifyPassword("the tide turns before Noon", phc)).ok).toBe(false);
  });

  // Guarantee: a hash of another cost still opens and asks to be made anew.
  it("asks for a new hash when the cost was raised", async () => {
    const weak = await hashPassword("the tide turns before noon", { ...PASSWORD_COST, ln: 12, p: 1 });
    expect(await verifyPassword("the tide turns before noon", weak)).toEqual({ ok: true, rehash: true });
  });

  // Guarantee: an unknown login and a malformed hash are wrong passwords, not errors.
  it.each([null, "", "$scrypt$ln=40,r=8,p=3$AAAA$AAAA", "plain text"])("refuses against %s", async (phc) => {
    expect((await verifyPassword("anything at all", phc)).ok).toBe(false);
  });

  // Guarantee: a flood of sign-ins is sent away instead of filling the memory, and those in the queue are served.
  it("sends a flood away", async () => {
    const cheap = await hashPassword("x", { ln: 10, r: 8, p: 1 });
    const flood = await Promise.allSettled(Array.from({ length: 150 }, () => verifyPassword("x", cheap)));
    expect(flood.filter((f) => f.status === "fulfilled" && f.value.ok)).toHaveLength(102);
    expect(flood.filter((f) => f.status === "rejected")).toHaveLength(48);
    expect((await verifyPassword("x", cheap)).ok).toBe(true);
  });

  // Guarantee: invented passwords never repeat and have no look-alike characters.
  it("invents passwords that can be read aloud", () => {
    const many = new Set(Array.from({ length: 200 }, inventPassword));
    expect(many.size).toBe(200);
    for (const password of many) expect(password).toMatch(/^([a-hjkmnp-z2-9]{4}-){4}[a-hjkmnp-z2-9]{4}$/);
  });
});
