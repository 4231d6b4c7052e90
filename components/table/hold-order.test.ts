import fc from "fast-check";
import { expect, it } from "vitest";
import { holdOrder } from "./hold-order";

type Row = { id: string; v: number };
const id = (row: Row) => row.id;
const list = (v: number) =>
  fc.uniqueArray(fc.constantFrom(..."abcdefghij"), { maxLength: 10 }).map((ids) => ids.map((name) => ({ id: name, v })));

// Guarantee: a row that is on screen never moves while it is held, and shows its newest value.
it("never moves a shown row and never loses a change", () => {
  fc.assert(
    fc.property(list(1), list(2), (shown, current) => {
      const held = holdOrder(shown, current, id);
      shown.forEach((row, index) => expect(held.rows[index]?.id).toBe(row.id));
      for (const row of current) {
        const there = held.rows.find((other) => other.id === row.id);
        if (there) expect(there.v).toBe(2);
      }
      const known = new Set(shown.map(id));
      const fresh = current.filter((row) => !known.has(row.id)).length;
      expect(held.rows.length - shown.length + held.added).toBe(fresh);
      expect(held.gone).toBe(shown.filter((row) => !current.some((other) => other.id === row.id)).length);
    }),
  );
});

// Guarantee: the next page of a list is appended without a chip.
it("appends what comes behind the last known row", () => {
  const page1 = [{ id: "a", v: 1 }, { id: "b", v: 1 }];
  const held = holdOrder(page1, [...page1, { id: "c", v: 1 }], id);
  expect(held).toEqual({ rows: [...page1, { id: "c", v: 1 }], added: 0, gone: 0 });
});
