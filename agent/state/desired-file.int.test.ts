import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { unitOf } from "../testing/harness";
import { DesiredFile } from "./desired-file";
import { createSealing } from "./sealing";

const folders: string[] = [];
afterEach(() => {
  for (const f of folders.splice(0)) rmSync(f, { recursive: true, force: true });
});
function folder(): string {
  const f = mkdtempSync(join(tmpdir(), "holdfast-desired-"));
  folders.push(f);
  return f;
}
const sealing = createSealing(Buffer.alloc(32, 7));
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const open = (data: string, s = sealing) => DesiredFile.open(data, s, quiet);
const state = (generation: number) => ({ generation, units: [unitOf("a1", "", { generation, environment: { KEY: "secret value" } })], endpoints: [], routes: [], receivedAtMs: generation });

describe("the desired state on disk", () => {
  // Guarantee: noting that one generation is applied never undoes the next one that is being written.
  it("keeps a new state that arrives while the old one is marked as applied", async () => {
    const file = await open(folder());
    await file.replace(state(1));
    const next = file.replace(state(2));
    const late = file.markApplied(1);
    await Promise.all([next, late]);
    expect(file.state).toMatchObject({ receivedGeneration: 2, appliedGeneration: 0 });
    await file.markApplied(2);
    expect(file.state).toMatchObject({ receivedGeneration: 2, appliedGeneration: 2 });
  });

  // Guarantee: it is read back whole, secrets included, by the same identity only, and holds no secret in the clear.
  it("is read back by the same identity only", async () => {
    const data = folder();
    const file = await open(data);
    await file.replace(state(3));
    await file.markApplied(3);
    expect(readFileSync(join(data, "state", "desired.json"), "utf8")).not.toContain("secret value");
    const again = await open(data);
    expect(again.state).toEqual(file.state);
    expect(again.state.units[0]?.environment).toEqual({ KEY: "secret value" });
    const other = await open(data, createSealing(Buffer.alloc(32, 8)));
    expect(other.unknown).toBe(true);
    expect(other.state.units).toEqual([]);
  });

  // Guarantee: going back to an older generation claims nothing of it to be applied before it is.
  it("never claims more to be applied than is", async () => {
    const file = await open(folder());
    await file.replace(state(9));
    await file.markApplied(9);
    await file.replace(state(4));
    expect(file.state).toMatchObject({ receivedGeneration: 4, appliedGeneration: 3 });
  });

  // Guarantee: a damaged file is known as such, and the next state heals it.
  it("knows that it does not know", async () => {
    const data = folder();
    await (await open(data)).replace(state(1));
    writeFileSync(join(data, "state", "desired.json"), "{");
    const file = await open(data);
    expect(file.unknown).toBe(true);
    await file.replace(state(2));
    expect(file.unknown).toBe(false);
  });
});

describe("sealing", () => {
  // Guarantee: one unit's secrets cannot be passed off as another's, nor changed.
  it("binds a secret to its unit", () => {
    const sealed = sealing.seal("plain", "environment:a1");
    expect(sealing.open(sealed, "environment:a1")).toBe("plain");
    expect(sealing.open(sealed, "environment:a2")).toBeNull();
    expect(sealing.open(`${sealed.slice(0, -6)}AAAA==`, "environment:a1")).toBeNull();
    for (const bad of ["", "v1.", "v2.xx", "v1.AAAA"]) expect(sealing.open(bad, "environment:a1")).toBeNull();
  });
});
