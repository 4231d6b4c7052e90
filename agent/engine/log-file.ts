import { open, rename, truncate } from "node:fs/promises";
import { z } from "zod";
import { readIfThere, remove, sizeOf, writeDurably } from "../platform/files";

const meta = z.object({
  /** How many bytes were rotated away before the first byte of the present file. */
  base: z.int(),
  /** Set while a rotation is under way: the present file's base and size before it. */
  rotating: z.object({ base: z.int(), size: z.int() }).nullable(),
});
type Meta = z.infer<typeof meta>;

const COPY_CHUNK = 262_144;

/**
 * The log of one unit: the present file, to which the unit itself appends whether or not the agent lives, and the one
 * before it. When the present file is over the bound it is copied and cut to nothing ("copy and truncate"), because a
 * running process cannot be told to open another file. Bytes have offsets that count up over rotations, so that
 * readers can go on where they were. While the agent is down nothing rotates; it does so first when it is back.
 */
export class LogFile {
  readonly path: string;
  readonly previousPath: string;
  readonly #metaPath: string;
  readonly #maxBytes: number;
  #meta: Meta = { base: 0, rotating: null };
  #loaded = false;

  constructor(path: string, maxBytes: number) {
    this.path = path;
    this.previousPath = `${path}.1`;
    this.#metaPath = `${path}.json`;
    this.#maxBytes = maxBytes;
  }

  /** Rotates if the file is over the bound; true when it did. */
  async rotateIfNeeded(): Promise<boolean> {
    const size = await sizeOf(this.path);
    if (size <= this.#maxBytes) return false;
    await this.#load();
    const end = await this.#copy();
    await writeDurably(this.#metaPath, JSON.stringify({ base: this.#meta.base + end, rotating: { base: this.#meta.base, size: end } }));
    await truncate(this.path, 0);
    this.#meta = { base: this.#meta.base + end, rotating: null };
    await writeDurably(this.#metaPath, JSON.stringify(this.#meta));
    return true;
  }

  /** Offsets of the first byte that is still there and of the end. */
  async bounds(): Promise<{ from: number; to: number }> {
    await this.#load();
    const base = this.#meta.base;
    return { from: base - (await sizeOf(this.previousPath)), to: base + (await sizeOf(this.path)) };
  }

  /** Up to `limit` bytes from `offset` on; from the first byte that is left when that one is gone. */
  async read(offset: number, limit: number): Promise<{ offset: number; bytes: Buffer }> {
    const { from, to } = await this.bounds();
    const base = this.#meta.base;
    const start = Math.min(Math.max(offset, from), to);
    const length = Math.min(limit, to - start);
    if (length <= 0) return { offset: start, bytes: Buffer.alloc(0) };
    if (start >= base) return { offset: start, bytes: await readPart(this.path, start - base, length) };
    return { offset: start, bytes: await readPart(this.previousPath, start - from, Math.min(length, base - start)) };
  }

  /** Removes the files. */
  async removeAll(): Promise<void> {
    for (const path of [this.path, this.previousPath, this.#metaPath]) await remove(path);
  }

  async #load(): Promise<void> {
    if (this.#loaded) return;
    const parsed = meta.safeParse(safeJson((await readIfThere(this.#metaPath)) ?? ""));
    if (parsed.success) {
      const { base, rotating } = parsed.data;
      // A crash between noting a rotation and cutting the file: the file's size tells which came to pass.
      const notCut = rotating !== null && (await sizeOf(this.path)) >= rotating.size;
      this.#meta = { base: notCut ? rotating.base : base, rotating: null };
    }
    this.#loaded = true;
  }

  /** Copies the present file to its predecessor's place; returns how many bytes, what arrived meanwhile included. */
  async #copy(): Promise<number> {
    const temporary = `${this.previousPath}.new`;
    const from = await open(this.path, "r");
    const to = await open(temporary, "w", 0o600);
    try {
      // Only the last part is kept, so that a log that grew without bound while the agent was down is bounded again.
      const start = Math.max(0, (await from.stat()).size - this.#maxBytes);
      const buffer = Buffer.allocUnsafe(COPY_CHUNK);
      let at = start;
      for (;;) {
        const { bytesRead } = await from.read(buffer, 0, buffer.length, at);
        if (bytesRead === 0) break;
        await to.write(buffer, 0, bytesRead);
        at += bytesRead;
        if (at - start > this.#maxBytes * 2) break;
      }
      await rename(temporary, this.previousPath);
      return at;
    } finally {
      await from.close();
      await to.close();
    }
  }
}

async function readPart(path: string, position: number, length: number): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const buffer = Buffer.allocUnsafe(length);
    const { bytesRead } = await file.read(buffer, 0, length, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}


function safeJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
