import { createReadStream } from "node:fs";
import { mkdir, open, symlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { createGunzip } from "node:zlib";
import { Fault } from "../platform/fault";

const BLOCK = 512;
/** Bounds against archives made to fill the disk. */
export type UnpackLimits = { maxBytes: number; maxEntries: number };
const refused = (why: string): Fault => new Fault("artifact_refused", `The archive is refused: ${why}.`, "Make it with plain files and folders only, all below the archive's root, for example: tar -czf model.tar.gz -C folder .");

type Entry = { name: string; size: number; mode: number; kind: string; link: string };

/**
 * Unpacks a tar.gz (POSIX ustar with pax and GNU long names) into an empty folder. Our own reader and not the system's
 * tar, because archives come from people: only regular files, folders and symbolic links that stay inside are made;
 * absolute names, "..", hard links, devices and pipes are refused, and so is anything over the limits. Fault: artifact_refused.
 */
export async function unpackTarGz(archive: string, folder: string, limits: UnpackLimits): Promise<void> {
  const input = new Blocks(createReadStream(archive).pipe(createGunzip()));
  const links = new Set<string>();
  let long: { name?: string; link?: string } = {};
  let bytes = 0;
  for (let entries = 0; ; entries++) {
    const header = await input.take(BLOCK);
    if (header === null || header.every((b) => b === 0)) return;
    if (entries > limits.maxEntries) throw refused(`it has more than ${limits.maxEntries} entries`);
    const entry = readHeader(header);
    if (["x", "g", "L", "K"].includes(entry.kind)) {
      if (entry.size > 65_536) throw refused("an extended header is too large");
      const body = await input.takePadded(entry.size);
      if (entry.kind === "x") long = { ...long, ...paxNames(body) };
      if (entry.kind === "L") long.name = body.toString("utf8").replace(/\0+$/, "");
      if (entry.kind === "K") long.link = body.toString("utf8").replace(/\0+$/, "");
      continue;
    }
    const name = inside(long.name ?? entry.name);
    const link = long.link ?? entry.link;
    long = {};
    bytes += entry.size;
    if (bytes > limits.maxBytes) throw refused(`it unpacks to more than ${limits.maxBytes} bytes`);
    // A link made earlier in the archive must not become a folder that later entries go through.
    for (let at = name; at !== "."; at = dirname(at)) if (links.has(at)) throw refused(`${name} goes through a link`);
    const path = join(folder, name);
    if (entry.kind === "5") await mkdir(path, { recursive: true, mode: 0o755 });
    else if (entry.kind === "0" || entry.kind === "\0" || entry.kind === "7") {
      await mkdir(dirname(path), { recursive: true, mode: 0o755 });
      await writeEntry(path, entry, input);
    } else if (entry.kind === "2") {
      inside(join(dirname(name), absoluteRefused(link)));
      await mkdir(dirname(path), { recursive: true, mode: 0o755 });
      await symlink(link, path);
      links.add(name);
    } else throw refused(`${name} is neither a file, a folder nor a symbolic link`);
  }
}

async function writeEntry(path: string, entry: Entry, input: Blocks): Promise<void> {
  const file: FileHandle = await open(path, "wx", entry.mode & 0o111 ? 0o755 : 0o644).catch((error: unknown) => {
    throw refused(`${entry.name} cannot be made (${error instanceof Error ? error.message : "unknown"})`);
  });
  try {
    for (let left = entry.size; left > 0; ) {
      const part = await input.some(left);
      if (part === null) throw refused("it ends in the middle of a file");
      await file.write(part);
      left -= part.length;
    }
    await input.skip((BLOCK - (entry.size % BLOCK)) % BLOCK);
  } finally {
    await file.close();
  }
}

function absoluteRefused(link: string): string {
  if (link.startsWith("/")) throw refused(`a link points to ${link}`);
  return link;
}

/** The name if it stays below the root, else refused. */
function inside(name: string): string {
  const clean = normalize(name).replace(/\/+$/, "");
  if (name === "" || name.includes("\0") || clean.startsWith("/") || clean === ".." || clean.startsWith("../")) throw refused(`"${name}" leads out of it`);
  return clean === "" ? "." : clean;
}

function readHeader(block: Buffer): Entry {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : (block[i] ?? 0);
  if (sum !== number(block, 148, 8)) throw refused("a header's check sum is wrong");
  const ustar = block.subarray(257, 262).toString("latin1") === "ustar";
  const prefix = ustar ? text(block, 345, 155) : "";
  const name = text(block, 0, 100);
  return { name: prefix === "" ? name : `${prefix}/${name}`, mode: number(block, 100, 8), size: number(block, 124, 12), kind: String.fromCharCode(block[156] ?? 0), link: text(block, 157, 100) };
}

function text(block: Buffer, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? length : end).toString("utf8");
}

function number(block: Buffer, at: number, length: number): number {
  const first = block[at] ?? 0;
  // GNU tar writes sizes beyond 8 GiB in base 256 with the top bit set.
  if (first & 0x80) return block.subarray(at + 1, at + length).reduce((n, b) => n * 256 + b, 0);
  const digits = text(block, at, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw refused("a header is damaged");
  return digits === "" ? 0 : parseInt(digits, 8);
}

/** Path and linkpath of a pax header: records "LENGTH KEY=VALUE\n", the length counting itself, in bytes. */
function paxNames(body: Buffer): { name?: string; link?: string } {
  const found: { name?: string; link?: string } = {};
  for (let at = 0; at < body.length; ) {
    const blank = body.indexOf(0x20, at);
    const length = Number(body.subarray(at, blank).toString("latin1"));
    if (blank < 0 || !Number.isInteger(length) || length < 5 || at + length > body.length) throw refused("an extended header is damaged");
    const record = body.subarray(blank + 1, at + length - 1).toString("utf8");
    if (record.startsWith("path=")) found.name = record.slice(5);
    if (record.startsWith("linkpath=")) found.link = record.slice(9);
    if (record.startsWith("size=")) throw refused("it holds a file of more than 8 GiB");
    at += length;
  }
  return found;
}

/** Takes bytes off a stream in the sizes asked for. */
class Blocks {
  readonly #source: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.#source = stream[Symbol.asyncIterator]();
  }

  /** Between one and `most` bytes; null at the end. */
  async some(most: number): Promise<Buffer | null> {
    while (this.#held.length === 0) {
      const next = await this.#next();
      if (next === null) return null;
      this.#held = next;
    }
    const part = this.#held.subarray(0, most);
    this.#held = this.#held.subarray(part.length);
    return part;
  }

  /** Exactly `size` bytes; null at the end. */
  async take(size: number): Promise<Buffer | null> {
    const parts: Buffer[] = [];
    for (let left = size; left > 0; ) {
      const part = await this.some(left);
      if (part === null) {
        if (left === size) return null;
        throw refused("it is cut short");
      }
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  async takePadded(size: number): Promise<Buffer> {
    const body = (await this.take(size)) ?? Buffer.alloc(0);
    await this.skip((BLOCK - (size % BLOCK)) % BLOCK);
    return body;
  }

  async skip(size: number): Promise<void> {
    if (size > 0) await this.take(size);
  }

  async #next(): Promise<Buffer | null> {
    try {
      const next = await this.#source.next();
      return next.done ? null : next.value;
    } catch (error) {
      throw refused(`it cannot be decompressed (${error instanceof Error ? error.message : "unknown"})`);
    }
  }
}
