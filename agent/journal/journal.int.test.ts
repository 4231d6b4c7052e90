import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { Log } from "../platform/log";
import { Journal } from "./journal";
import type { Entry, JournalDisk } from "./journal";
import { decodeRecords, encodeRecord } from "./record";

type Body = { events: string[]; telemetry: string };
const thin = (b: Body): Body => ({ events: b.events, telemetry: "" });
const folders: string[] = [];
const mounts: string[] = [];
afterEach(() => {
  for (const m of mounts.splice(0)) execFileSync("umount", [m]);
  for (const f of folders.splice(0)) rmSync(f, { recursive: true, force: true });
});
function folder(): string {
  const f = mkdtempSync(join(tmpdir(), "holdfast-journal-"));
  folders.push(f);
  return f;
}
function logOf(events: string[] = []): Log {
  const note = (event: string): void => void events.push(event);
  return { debug: note, info: note, warn: note, error: note };
}
const settings = { maxBytes: 400_000, segmentBytes: 20_000 };
const opened = (data: string, o: { settings?: typeof settings; log?: Log; disk?: JournalDisk } = {}) => Journal.open<Body>(data, { settings, log: logOf(), thin, ...o });
const body = (n: number, size = 1_000): Body => ({ events: n % 10 === 0 ? [`event ${n}`] : [], telemetry: "x".repeat(size) });
const numbers = (entries: Entry<Body>[]): number[] => entries.map((e) => e.number);
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe("the journal", () => {
  // Guarantee: entries come back in order, without gaps, after any number of restarts; what is stored elsewhere is forgotten.
  it("numbers without gaps over restarts and forgets what is stored", async () => {
    const data = folder();
    for (let round = 0; round < 4; round++) {
      const j = await opened(data);
      for (let i = 0; i < 30; i++) await j.append(i, body(i));
      await j.close();
    }
    const j = await opened(data);
    expect(numbers(await j.read(1, 1_000))).toEqual(upTo(120));
    expect(numbers(await j.read(50, 3))).toEqual([50, 51, 52]);
    await j.trim(100);
    expect(j.range).toEqual({ from: 101, to: 120, dropped: 0 });
    await j.trim(120);
    expect(j.depth).toBe(0);
    await j.close();
    const after = await opened(data);
    expect(await after.append(0, body(1))).toBe(121);
    await after.close();
  });

  // Guarantee: a torn or damaged tail costs what was torn and nothing before it, and numbers go on.
  it("survives a torn tail at every byte", async () => {
    const data = folder();
    const j = await opened(data, { settings: { maxBytes: 1e6, segmentBytes: 1e6 } });
    for (let i = 1; i <= 3; i++) await j.append(i, body(i, 10));
    await j.close();
    const name = readdirSync(join(data, "journal")).find((n) => n.endsWith(".log")) ?? "";
    const whole = readFileSync(join(data, "journal", name));
    const { records } = decodeRecords(whole);
    const second = records.slice(0, 2).reduce((n, r) => n + 16 + r.payload.length, 0);
    for (let cut = second + 1; cut < whole.length; cut += 7) {
      const copy = folder();
      mkdirSync(join(copy, "journal"), { recursive: true });
      writeFileSync(join(copy, "journal", name), whole.subarray(0, cut));
      const again = await opened(copy, { settings: { maxBytes: 1e6, segmentBytes: 1e6 } });
      expect(numbers(await again.read(1, 10))).toEqual([1, 2]);
      expect(await again.append(9, body(9, 10))).toBe(3);
      expect(numbers(await again.read(1, 10))).toEqual([1, 2, 3]);
      await again.close();
    }
    appendFileSync(join(data, "journal", name), Buffer.alloc(100, 0xff));
    const damaged = await opened(data);
    expect(numbers(await damaged.read(1, 10))).toEqual([1, 2, 3]);
    await damaged.close();
  });

  // Guarantee: the size is bounded; old telemetry goes first, events stay longer, and losses are counted.
  it("is bounded, keeps events longest and counts what it gives up", async () => {
    const data = folder();
    const j = await opened(data);
    for (let i = 1; i <= 2_000; i++) await j.append(i, body(i));
    const bytes = readdirSync(join(data, "journal")).reduce((n, f) => n + statSync(join(data, "journal", f)).size, 0);
    expect(bytes).toBeLessThan(settings.maxBytes + settings.segmentBytes * 2);
    const kept = await j.read(1, 10_000);
    expect(numbers(kept)).toEqual(upTo(2_000));
    expect(kept.filter((e) => e.body.events.length > 0)).toHaveLength(200);
    expect(kept.at(-1)?.body.telemetry).not.toBe("");
    expect(kept[0]?.body.telemetry).toBe("");
    const lost = kept.filter((e) => e.body.telemetry === "").length;
    expect(j.range.dropped).toBe(lost);
    await j.close();
    const again = await opened(data);
    expect(again.range).toEqual({ from: 1, to: 2_000, dropped: lost });
    await again.close();
  });

  // Guarantee: a disk that is really full stops nothing: nothing throws, the newest and the events win, and once there
  // is room everything goes on.
  it("goes on when the disk is full, and after it", async () => {
    const data = folder();
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=300k", "holdfast-test", data], { stdio: "ignore" });
      mounts.push(data);
    } catch {
      // Without the right to mount, the injected errors below show the same.
      return expectFullByInjection(folder());
    }
    const events: string[] = [];
    const j = await opened(data, { settings: { maxBytes: 10_000_000, segmentBytes: 20_000 }, log: logOf(events) });
    for (let i = 1; i <= 600; i++) await j.append(i, body(i));
    expect(events).toContain("journal.cannotWrite");
    const kept = await j.read(1, 10_000);
    expect(kept.at(-1)).toMatchObject({ number: 600, body: { telemetry: "x".repeat(1_000) } });
    expect(j.range.dropped).toBeGreaterThan(100);
    expect(numbers(kept)).toEqual(numbers(kept).map((_, i) => (kept[0]?.number ?? 0) + i));
    writeFileSync(join(data, "stranger"), "");
    try {
      appendFileSync(join(data, "stranger"), Buffer.alloc(400_000));
    } catch {
      // The disk is full to the last byte now.
    }
    for (let i = 601; i <= 620; i++) expect(await j.append(i, body(i))).toBe(i);
    expect(j.range.to).toBe(620);
    rmSync(join(data, "stranger"));
    await j.append(621, body(621));
    await j.close();
    const again = await opened(data);
    expect((await again.read(600, 100)).at(-1)?.number).toBe(621);
    await again.close();
  });

  it("goes on when every write fails, and after it", () => expectFullByInjection(folder()));

  // Guarantee: a part of a record that a full disk left behind does not hide the records after it.
  it("does not lose what follows a half-written record", async () => {
    let fail = false;
    const disk: JournalDisk = {
      create: (path) => open(path, "a", 0o600),
      async append(file, bytes) {
        if (fail) {
          await file.appendFile(bytes.subarray(0, bytes.length / 2));
          throw Object.assign(new Error("no space"), { code: "EIO" });
        }
        await file.appendFile(bytes);
      },
    };
    const data = folder();
    const j = await opened(data, { disk });
    await j.append(1, body(1));
    fail = true;
    await j.append(2, body(2));
    fail = false;
    await j.append(3, body(3));
    await j.close();
    const again = await opened(data);
    expect(numbers(await again.read(1, 10))).toEqual([1, 2, 3]);
    await again.close();
  });
});

async function expectFullByInjection(data: string): Promise<void> {
  let full = false;
  const disk: JournalDisk = {
    create: (path) => (full ? Promise.reject(Object.assign(new Error("no space left on device"), { code: "ENOSPC" })) : open(path, "a", 0o600)),
    append: (file, bytes) => (full ? Promise.reject(Object.assign(new Error("no space left on device"), { code: "ENOSPC" })) : file.appendFile(bytes)),
  };
  const j = await opened(data, { disk });
  for (let i = 1; i <= 50; i++) await j.append(i, body(i));
  full = true;
  for (let i = 51; i <= 700; i++) expect(await j.append(i, body(i))).toBe(i);
  const kept = await j.read(1, 10_000);
  expect(kept.at(-1)?.number).toBe(700);
  expect(j.range.dropped).toBeGreaterThan(0);
  full = false;
  await j.append(701, body(701));
  await j.close();
  const again = await opened(data);
  expect(again.range.to).toBe(701);
  expect((await again.read(690, 20)).map((e) => e.number)).toEqual([690, 691, 692, 693, 694, 695, 696, 697, 698, 699, 700, 701]);
  await again.close();
}

describe("journal records", () => {
  // Guarantee: whatever stands on the disk, only whole and undamaged records are read.
  it("reads back what was written and nothing else", () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 });
    fc.assert(fc.property(payloads, fc.uint8Array({ maxLength: 30 }), fc.nat(), (list, noise, flip) => {
      const bytes = Buffer.concat([...list.map((p, i) => encodeRecord(i + 1, Buffer.from(p))), Buffer.from(noise)]);
      const { records } = decodeRecords(bytes);
      expect(records.slice(0, list.length).map((r) => [...r.payload])).toEqual(list.map((p) => [...p]));
      if (list.length === 0) return;
      const whole = bytes.length - noise.length;
      const damaged = Buffer.from(bytes);
      const at = flip % whole;
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      const read = decodeRecords(damaged).records;
      let end = 0;
      const intact = list.filter((p) => (end += 16 + p.length) <= at).length;
      expect(read.length).toBe(intact);
    }));
  });
});
