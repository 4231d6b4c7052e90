import { appendFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Outgoing } from "../session/session";
import { streamLog } from "../logs/stream";
import { LogFile } from "./log-file";

const folders: string[] = [];
afterEach(() => {
  for (const f of folders.splice(0)) rmSync(f, { recursive: true, force: true });
});
function path(): string {
  const f = mkdtempSync(join(tmpdir(), "holdfast-log-"));
  folders.push(f);
  return join(f, "log");
}
type Chunk = Extract<Outgoing, { type: "log" }>;

describe("a unit's log", () => {
  // Guarantee: offsets count on over rotations and restarts of the agent, and a reader gets every byte that is left, once.
  it("keeps offsets over rotations", async () => {
    const p = path();
    let whole = "";
    for (let round = 0; round < 5; round++) {
      const file = new LogFile(p, 1_000);
      for (let i = 0; i < 20; i++) {
        const line = `${round}.${i} ${"x".repeat(50)}\n`;
        whole += line;
        appendFileSync(p, line);
      }
      expect(await file.rotateIfNeeded()).toBe(true);
      expect(statSync(p).size).toBe(0);
      const { from, to } = await file.bounds();
      expect(to).toBe(whole.length);
      const read: Buffer[] = [];
      for (let at = from; at < to; ) {
        const part = await file.read(at, 300);
        expect(part.offset).toBe(at);
        read.push(part.bytes);
        at += part.bytes.length;
      }
      expect(Buffer.concat(read).toString()).toBe(whole.slice(from));
    }
  });

  // Guarantee: a crash in the middle of a rotation loses no place: before the file was cut, and after.
  it("finds its place after a crash in a rotation", async () => {
    const p = path();
    writeFileSync(p, "a".repeat(500));
    writeFileSync(`${p}.json`, JSON.stringify({ base: 800, rotating: { base: 300, size: 500 } }));
    expect((await new LogFile(p, 100).bounds()).to).toBe(800);
    writeFileSync(p, "b".repeat(20));
    expect((await new LogFile(p, 100).bounds()).to).toBe(820);
    writeFileSync(`${p}.json`, "damaged");
    expect((await new LogFile(p, 100).bounds()).to).toBe(20);
  });

  // Guarantee: what grew without bound while the agent was down is bounded at its first look.
  it("bounds what grew while nobody looked", async () => {
    const p = path();
    writeFileSync(p, "z".repeat(1_000_000));
    const file = new LogFile(p, 10_000);
    await file.rotateIfNeeded();
    expect(statSync(`${p}.1`).size).toBe(10_000);
    expect(await file.bounds()).toEqual({ from: 990_000, to: 1_000_000 });
  });

  // Guarantee: chunks begin and end between characters, whatever the sizes, and their offsets are those of their bytes.
  it("is sent in whole characters with true offsets", async () => {
    const p = path();
    const text = "aé漢😀".repeat(600);
    writeFileSync(p, text);
    const bytes = Buffer.from(text);
    for (const tailBytes of [bytes.length, 4_001, 4_002, 4_003, 0]) {
      const chunks: Chunk[] = [];
      await streamLog({ requestId: "r", tailBytes, follow: false, maxBytesPerSecond: 1_024 * 1_024 }, new LogFile(p, 1e9), { send: (m) => chunks.push(m as Chunk) > 0, signal: new AbortController().signal });
      expect(chunks.every((c) => !c.text.includes("\ufffd"))).toBe(true);
      for (const c of chunks) expect(bytes.subarray(c.offset, c.offset + Buffer.byteLength(c.text)).toString()).toBe(c.text);
      expect(chunks.at(-1)).toMatchObject({ end: true, error: null });
      const got = chunks.map((c) => c.text).join("");
      expect(text.endsWith(got)).toBe(true);
      expect(Buffer.byteLength(got)).toBeGreaterThan(tailBytes - 4);
    }
  });
});
