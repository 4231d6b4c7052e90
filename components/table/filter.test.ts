import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasTerm, parseFilter, passes, termText, toggleTerm, tokenAt } from "./filter";

const fields = ["state", "site", "kind"];
type Row = { name: string; state: string; site: string };
const read = (row: Row, field: string) => (field === "state" ? [row.state] : field === "site" ? [row.site] : []);
const rows: Row[] = [
  { name: "cam-1", state: "silent", site: "kiel" },
  { name: "cam-2", state: "healthy", site: "kiel" },
  { name: "gpu-1", state: "failing", site: "frankfurt am main" },
];
const names = (text: string) =>
  rows.filter((row) => passes(parseFilter(text, fields), row, read, (r) => r.name)).map((row) => row.name);

describe("the typed filter", () => {
  // Guarantee: terms of one field are alternatives, different fields all hold, a minus excludes.
  it.each([
    ["", ["cam-1", "cam-2", "gpu-1"]],
    ["state:silent", ["cam-1"]],
    ["state:silent state:failing", ["cam-1", "gpu-1"]],
    ["site:kiel state:healthy", ["cam-2"]],
    ["-state:healthy", ["cam-1", "gpu-1"]],
    ['site:"frankfurt am main"', ["gpu-1"]],
    ["CAM", ["cam-1", "cam-2"]],
    ["nofield:x", []],
    ["state:", ["cam-1", "cam-2", "gpu-1"]],
  ])("%s", (text, expected) => expect(names(text)).toEqual(expected));

  // Guarantee: any value survives being written as a term and read again.
  it("reads back every term it writes", () => {
    fc.assert(
      fc.property(fc.string().filter((s) => s.trim() !== "" && !s.includes('"')), (value) => {
        expect(parseFilter(termText("site", value), fields).terms).toEqual([{ field: "site", value, not: false }]);
      }),
    );
  });

  // Guarantee: toggling a term twice leaves the filter as it was.
  it("toggles", () => {
    const once = toggleTerm("cam state:silent", "site", "frankfurt am main");
    expect(hasTerm(once, "site", "frankfurt am main")).toBe(true);
    expect(toggleTerm(once, "site", "frankfurt am main")).toBe("cam state:silent");
  });

  it("finds the token under the cursor", () => {
    expect(tokenAt("state:si foo", 8)).toEqual({ text: "state:si", from: 0, to: 8 });
    expect(tokenAt("foo ", 4)).toEqual({ text: "", from: 4, to: 4 });
  });
});
