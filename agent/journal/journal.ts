import { open, readFile, readdir, rename, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { systemCode, textOf } from "../platform/fault";
import { privateFolder, readIfThere, writeDurably } from "../platform/files";
import type { Log } from "../platform/log";
import { decodeRecords, encodeRecord } from "./record";

/** What is kept: `atMs` and a body whose `events` outlive the rest. */
export type Entry<B extends { events: readonly unknown[] }> = { number: number; atMs: number; body: B };
export type JournalSettings = { maxBytes: number; segmentBytes: number };
export const defaultJournal: JournalSettings = { maxBytes: 64 * 1024 * 1024, segmentBytes: 1024 * 1024 };

/** The file operations that write, so that tests can let them fail as a full disk does. */
export type JournalDisk = { append(file: FileHandle, bytes: Buffer): Promise<void>; create(path: string): Promise<FileHandle> };
const realDisk: JournalDisk = {
  async append(file, bytes) {
    await file.appendFile(bytes);
    await file.datasync();
  },
  create: (path) => open(path, "a", 0o600),
};

/** Entries that could not be written wait in memory, at most so many. */
const MAX_WAITING = 512;
/** The newest entries are also kept in memory up to so many bytes: while connected, nothing has to be read back. */
const RECENT_BYTES = 131_072;
type Segment = { name: string; first: number; last: number; bytes: number; thinned: boolean };

/**
 * Reports that the gateway has not stored yet, on disk, numbered without gaps for the life of the identity.
 *
 * Segments of about 1 MiB hold records with check sums; the end of the last one may be torn by a crash and is cut off.
 * The whole is bounded. When the bound is reached or the disk is full, telemetry is given up before events and old
 * before new: first the oldest segments are thinned to their events, then the oldest are dropped whole. Every entry
 * that lost something is counted. An entry that cannot be written at all waits in memory. Nothing here ever throws for
 * a full disk.
 */
export class Journal<B extends { events: readonly unknown[] }> {
  readonly #folder: string;
  readonly #o: { settings: JournalSettings; log: Log; disk: JournalDisk; thin: (body: B) => B };
  #segments: Segment[] = [];
  #waiting: Entry<B>[] = [];
  #recent: { entry: Entry<B>; bytes: number }[] = [];
  #recentBytes = 0;
  #file: FileHandle | null = null;
  #next = 1;
  #storedTo = 0;
  #dropped = 0;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, o: { settings: JournalSettings; log: Log; disk: JournalDisk; thin: (body: B) => B }) {
    this.#folder = folder;
    this.#o = o;
  }

  /** Opens the journal below `dataFolder`, and cuts off what a crash left half-written. `thin` empties a body but for its events. */
  static async open<B extends { events: readonly unknown[] }>(dataFolder: string, o: { settings: JournalSettings; log: Log; thin: (body: B) => B; disk?: JournalDisk }): Promise<Journal<B>> {
    const journal = new Journal<B>(join(dataFolder, "journal"), { disk: realDisk, ...o });
    await privateFolder(journal.#folder);
    await journal.#load();
    return journal;
  }

  /** Numbers of the entries that wait (`to` is before `from` when none does), and how many lost something so far. */
  get range(): { from: number; to: number; dropped: number } {
    const first = this.#segments.find((s) => s.last > this.#storedTo);
    const from = Math.max(this.#storedTo + 1, first?.first ?? this.#waiting[0]?.number ?? this.#next);
    return { from, to: this.#next - 1, dropped: this.#dropped };
  }

  /** How many entries wait. */
  get depth(): number {
    const { from, to } = this.range;
    return Math.max(0, to - from + 1);
  }

  /** Adds an entry; resolves with its number when it is on disk, or waits in memory because the disk is full. */
  append(atMs: number, body: B): Promise<number> {
    return this.#inTurn(async () => {
      const number = this.#next++;
      this.#waiting.push({ number, atMs, body });
      this.#remember({ number, atMs, body });
      await this.#flush();
      return number;
    });
  }

  /** Up to `count` entries with numbers from `from` on, in order. */
  read(from: number, count: number): Promise<Entry<B>[]> {
    return this.#inTurn(async () => {
      const oldest = this.#recent[0]?.entry.number ?? this.#next;
      if (from >= oldest) return this.#recent.map((r) => r.entry).filter((e) => e.number >= from).slice(0, count);
      const found: Entry<B>[] = [];
      for (const s of this.#segments) {
        if (s.last < from || found.length >= count) continue;
        for (const e of await this.#entries(s)) if (e.number >= from && found.length < count) found.push(e);
      }
      for (const e of this.#waiting) if (e.number >= from && found.length < count) found.push(e);
      return found;
    });
  }

  /** Forgets what is stored elsewhere, up to a number; also learns numbers that were used before the disk was lost. */
  trim(storedTo: number): Promise<void> {
    return this.#inTurn(async () => {
      this.#storedTo = Math.max(this.#storedTo, storedTo);
      this.#next = Math.max(this.#next, this.#storedTo + 1);
      this.#waiting = this.#waiting.filter((e) => e.number > this.#storedTo);
      while (this.#recent[0] && this.#recent[0].entry.number <= this.#storedTo) this.#recentBytes -= this.#recent.shift()?.bytes ?? 0;
      const open = this.#segments.at(-1);
      for (const s of this.#segments.filter((x) => x.last <= this.#storedTo && (x !== open || x.bytes >= this.#o.settings.segmentBytes))) await this.#dropSegment(s);
      await this.#flush();
    });
  }

  async close(): Promise<void> {
    await this.#queue;
    await this.#file?.close();
    this.#file = null;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  #remember(entry: Entry<B>): void {
    const bytes = JSON.stringify(entry).length;
    this.#recent.push({ entry, bytes });
    this.#recentBytes += bytes;
    while (this.#recentBytes > RECENT_BYTES) this.#recentBytes -= this.#recent.shift()?.bytes ?? 0;
  }

  async #load(): Promise<void> {
    const state = (await readIfThere(join(this.#folder, "state.json"))) ?? "";
    const m = /^\{"next":(\d+),"storedTo":(\d+),"dropped":(\d+)\}$/.exec(state.trim());
    if (m) [this.#next, this.#storedTo, this.#dropped] = [Number(m[1]), Number(m[2]), Number(m[3])];
    const names = (await readdir(this.#folder)).filter((n) => /^\d{16}\.(log|thin)$/.test(n)).sort();
    for (const name of names) {
      const bytes = await readFile(join(this.#folder, name));
      const { records, goodBytes } = decodeRecords(bytes);
      const first = records[0];
      const last = records.at(-1);
      if (goodBytes < bytes.length) this.#o.log.warn("journal.tornTail", { segment: name, lostBytes: bytes.length - goodBytes });
      if (!first || !last) {
        await unlink(join(this.#folder, name));
        continue;
      }
      if (goodBytes < bytes.length) await cut(join(this.#folder, name), goodBytes);
      this.#segments.push({ name, first: first.number, last: last.number, bytes: goodBytes, thinned: name.endsWith(".thin") });
    }
    this.#next = Math.max(this.#next, this.#storedTo + 1, (this.#segments.at(-1)?.last ?? 0) + 1);
  }

  /** Writes what waits in memory; makes room as often as that helps. */
  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const entry = this.#waiting[0];
      if (!entry) return;
      try {
        await this.#write(entry);
        this.#waiting.shift();
      } catch (error) {
        if (!(await this.#makeRoom(textOf(error), systemCode(error)))) break;
      }
    }
    while (this.#totalBytes() > this.#o.settings.maxBytes && (await this.#giveUpOldest())) continue;
    while (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift();
      await this.#countDropped(1);
    }
  }

  async #write(entry: Entry<B>): Promise<void> {
    const bytes = encodeRecord(entry.number, Buffer.from(JSON.stringify({ atMs: entry.atMs, body: entry.body }), "utf8"));
    let segment = this.#segments.at(-1);
    if (!segment || !this.#file || segment.thinned || segment.bytes + bytes.length > this.#o.settings.segmentBytes) {
      await this.#file?.close();
      this.#file = null;
      const name = `${String(entry.number).padStart(16, "0")}.log`;
      this.#file = await this.#o.disk.create(join(this.#folder, name));
      segment = { name, first: entry.number, last: entry.number - 1, bytes: 0, thinned: false };
      this.#segments.push(segment);
    }
    try {
      await this.#o.disk.append(this.#file, bytes);
    } catch (error) {
      // A part of the record may be there; it must not stand between later records.
      await this.#file.truncate(segment.bytes).catch(() => undefined);
      throw error;
    }
    segment.bytes += bytes.length;
    segment.last = entry.number;
  }

  async #makeRoom(message: string, code: string | null): Promise<boolean> {
    this.#o.log.error("journal.cannotWrite", { code, message, remedy: "Free space in the agent's data folder; older telemetry is given up meanwhile." });
    if (code !== "ENOSPC" && code !== "EDQUOT") return false;
    return this.#giveUpOldest();
  }

  /** Gives up the oldest telemetry, or the oldest segment when only events are left; false when nothing is left to give. */
  async #giveUpOldest(): Promise<boolean> {
    const closed = this.#segments.slice(0, -1);
    const fat = closed.find((s) => !s.thinned && s.last > this.#storedTo);
    try {
      if (fat) {
        await this.#thin(fat);
        return true;
      }
    } catch (error) {
      if (systemCode(error) !== "ENOSPC" && systemCode(error) !== "EDQUOT") this.#o.log.warn("journal.notThinned", { message: textOf(error) });
    }
    const oldest = closed[0];
    if (!oldest) return false;
    await this.#countDropped(Math.max(0, oldest.last - Math.max(oldest.first - 1, this.#storedTo)));
    await this.#dropSegment(oldest);
    return true;
  }

  async #thin(segment: Segment): Promise<void> {
    const entries = (await this.#entries(segment)).filter((e) => e.number > this.#storedTo);
    const thin = entries.map((e) => ({ ...e, body: this.#o.thin(e.body) }));
    const bytes = Buffer.concat(thin.map((e) => encodeRecord(e.number, Buffer.from(JSON.stringify({ atMs: e.atMs, body: e.body }), "utf8"))));
    const name = `${segment.name.slice(0, 16)}.thin`;
    const temporary = join(this.#folder, `${name}.new`);
    const file = await this.#o.disk.create(temporary);
    try {
      await this.#o.disk.append(file, bytes);
    } catch (error) {
      await file.close();
      await unlink(temporary);
      throw error;
    }
    await file.close();
    await rename(temporary, join(this.#folder, name));
    await unlink(join(this.#folder, segment.name));
    Object.assign(segment, { name, bytes: bytes.length, thinned: true });
    await this.#countDropped(entries.length);
  }

  async #dropSegment(segment: Segment): Promise<void> {
    if (segment === this.#segments.at(-1)) {
      await this.#file?.close();
      this.#file = null;
    }
    this.#segments = this.#segments.filter((s) => s !== segment);
    await unlink(join(this.#folder, segment.name)).catch(() => undefined);
    await this.#note();
  }

  async #countDropped(n: number): Promise<void> {
    this.#dropped += n;
    await this.#note();
  }

  /** Notes numbers and counts, so that they go on although the segments that held them are gone. */
  async #note(): Promise<void> {
    await writeDurably(join(this.#folder, "state.json"), JSON.stringify({ next: this.#next, storedTo: this.#storedTo, dropped: this.#dropped })).catch(() => undefined);
  }

  async #entries(segment: Segment): Promise<Entry<B>[]> {
    const { records } = decodeRecords(await readFile(join(this.#folder, segment.name)).catch(() => Buffer.alloc(0)));
    return records.map((r) => ({ number: r.number, ...(JSON.parse(r.payload.toString("utf8")) as { atMs: number; body: B }) }));
  }

  #totalBytes(): number {
    return this.#segments.reduce((n, s) => n + s.bytes, 0);
  }
}

async function cut(path: string, length: number): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.truncate(length);
    await file.sync();
  } finally {
    await file.close();
  }
}
