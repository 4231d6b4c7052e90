import { describe, expect, it } from "vitest";
import { passwordFault } from "./password-rules";

// Guarantee: a weak new password is refused with the field and the remedy; a long sentence is accepted as it is.
describe("password rules", () => {
  it.each([
    ["short", "it is too short", "Sh0rt!pass"],
    ["login", "it contains the login", "my-ada-lovelace-word"],
    ["common", "it is common", "Password12345!"],
    ["same", "it repeats", "aaaaaaaabbbb"],
    ["long", "it is too long", "x".repeat(150) + "abcdefgh".repeat(10)],
  ])("refuses %s", (_name, _why, password) => {
    const fault = passwordFault(password, "ada-lovelace", "next");
    expect(fault?.path).toBe("next");
    expect(fault?.remedy).toContain("12 characters");
  });

  it("accepts a sentence without digits or signs", () => {
    expect(passwordFault("the tide turns before noon", "ada", "next")).toBeNull();
  });
});
