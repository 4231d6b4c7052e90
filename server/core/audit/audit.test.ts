import { describe, expect, it } from "vitest";
import { auditActionCodes, auditActions, changedFields, csvField, csvLine, sentenceOf } from "./index";
import type { Told } from "./index";

const told = (t: Partial<Told>): Told => ({ actor: "ada", actorKind: "person", action: "node.drain", object: "fra-1", outcome: "done", reason: null, refusal: null, ...t });

describe("sentences", () => {
  it("say who did what to what, and why", () => {
    expect(sentenceOf(told({}))).toBe("ada began to drain node fra-1.");
    expect(sentenceOf(told({ reason: "disk is failing" }))).toBe("ada began to drain node fra-1: disk is failing.");
    expect(sentenceOf(told({ reason: "Why not?" }))).toBe("ada began to drain node fra-1: Why not?");
  });
  it("say what was refused, and with which words", () => {
    expect(sentenceOf(told({ outcome: "refused", refusal: "You hold viewer in 'default'." }))).toBe("ada tried to drain node fra-1 and was refused: You hold viewer in 'default'.");
  });
  it("tell the kind of an actor that is no person", () => {
    expect(sentenceOf(told({ actorKind: "token", actor: "ci", action: "manifest.apply", object: "digits" }))).toBe("token ci applied digits.");
    expect(sentenceOf(told({ actorKind: "node", actor: "fra-1", action: "node.renew" }))).toBe("node fra-1 renewed the certificate of node fra-1.");
  });
  it("tell an action of another version by its code", () => {
    expect(sentenceOf(told({ action: "gone.away" }))).toBe("ada did gone.away to fra-1.");
  });
  // Guarantee: no entry reads as if the object were missing or a pattern were left over.
  it.each(auditActionCodes)("%s makes whole sentences", (action) => {
    for (const outcome of ["done", "refused"] as const) {
      const text = sentenceOf(told({ action, outcome, object: "$& x" }));
      expect(text).toMatch(/^\S.*\.$/);
      expect(text).not.toContain("{object}");
      if (auditActions[action][outcome === "done" ? "done" : "tried"].includes("{object}")) expect(text).toContain("$& x");
    }
    expect(action).toMatch(/^[a-z][A-Za-z]*\.[a-z][A-Za-z]*$/);
  });
});

describe("changed fields", () => {
  it("are told one by one, with what was and what is", () => {
    expect(changedFields({ replicas: 2, env: { A: "1" }, list: ["x"] }, { replicas: 3, env: { A: "1", B: "2" }, list: ["x", "y"] })).toEqual([
      { path: "env.B", before: null, after: "2" },
      { path: "list[1]", before: null, after: "y" },
      { path: "replicas", before: "2", after: "3" },
    ]);
  });
  it("of nothing are none", () => {
    expect(changedFields(null, null)).toEqual([]);
    expect(changedFields(undefined, { a: null })).toEqual([]);
    expect(changedFields("on", "off")).toEqual([{ path: "value", before: "on", after: "off" }]);
  });
});

describe("CSV", () => {
  // Guarantee: no field of an export is a formula in a spreadsheet.
  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "\n=1"])("defuses %j", (field) => {
    const made = csvField(field).replace(/^"/, "");
    expect(made.startsWith("'")).toBe(true);
  });
  it("quotes what needs it, and leaves the rest alone", () => {
    expect(csvLine(["a", 'say "b"', "c,d", null, -5, "e\nf"])).toBe('a,"say ""b""","c,d",,-5,"e\nf"\r\n');
  });
});
