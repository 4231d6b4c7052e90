import { chmod, readdir, rename, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "../platform/fault";
import { privateFolder, remove, syncFolder } from "../platform/files";
import { fetchArtifact } from "./fetch";
import type { Dialled } from "./fetch";
import { unpackTarGz } from "./untar";

export type Unpack = "none" | "tar.gz";
export type CacheSettings = { maxBytes: number; keepUnusedMs: number };
export const defaultCache: CacheSettings = { maxBytes: 20 * 2 ** 30, keepUnusedMs: 7 * 86_400_000 };

const PARALLEL = 2;
const MAX_ENTRIES = 200_000;

/**
 * Artifacts on this node, by digest, shared by all units. An artifact appears under its name only when it is whole and
 * verified. `artifacts/HEX/blob` is the file, `artifacts/HEX/unpacked/` its content when asked for.
 */
export class ArtifactCache {
  readonly #root: string;
  readonly #o: { dial: () => Promise<Dialled>; settings: CacheSettings; nowMs: () => number };
  readonly #fetching = new Map<string, Promise<void>>();
  #busy = 0;
  readonly #queue: (() => void)[] = [];

  constructor(dataFolder: string, o: { dial: () => Promise<Dialled>; settings: CacheSettings; nowMs: () => number }) {
    this.#root = join(dataFolder, "artifacts");
    this.#o = o;
  }

  /** Path of an artifact if it is here, else null. */
  async find(digest: string, unpack: Unpack): Promise<string | null> {
    const path = this.#path(digest, unpack);
    try {
      await stat(path);
      const now = new Date(this.#o.nowMs());
      await utimes(this.#folder(digest), now, now);
      return path;
    } catch {
      return null;
    }
  }

  /** Whether all of these are here. */
  async holds(artifacts: readonly { digest: string; unpack: Unpack }[]): Promise<boolean> {
    for (const a of artifacts) if ((await this.find(a.digest, a.unpack)) === null) return false;
    return true;
  }

  /** Fetches an artifact unless it is here; resolves with its path. Faults as fetchArtifact and unpackTarGz; other errors: try again. */
  async ensure(digest: string, unpack: Unpack, signal: AbortSignal): Promise<string> {
    const there = await this.find(digest, unpack);
    if (there !== null) return there;
    const key = `${digest} ${unpack}`;
    // Units that want the same one share the download; it goes on even if the first of them is stopped.
    let work = this.#fetching.get(key);
    if (!work) {
      work = this.#limited(() => this.#provide(digest, unpack)).finally(() => this.#fetching.delete(key));
      this.#fetching.set(key, work);
    }
    await Promise.race([work, aborted(signal)]);
    return this.#path(digest, unpack);
  }

  /** Removes what no unit uses: after the time set, and the least recently used ones while over the size limit. */
  async collect(inUse: ReadonlySet<string>): Promise<{ removed: number; bytes: number }> {
    await privateFolder(this.#root);
    const entries: { digest: string; folder: string; usedMs: number; bytes: number }[] = [];
    for (const name of await readdir(this.#root)) {
      const folder = join(this.#root, name);
      const s = await stat(folder);
      entries.push({ digest: `sha256:${name}`, folder, usedMs: s.mtimeMs, bytes: await bytesBelow(folder) });
    }
    let total = entries.reduce((n, e) => n + e.bytes, 0);
    let removed = 0;
    let bytes = 0;
    for (const e of entries.sort((a, b) => a.usedMs - b.usedMs)) {
      const old = this.#o.nowMs() - e.usedMs > this.#o.settings.keepUnusedMs;
      if (inUse.has(e.digest) || [...this.#fetching.keys()].some((k) => k.startsWith(e.digest)) || !(old || total > this.#o.settings.maxBytes)) continue;
      await remove(e.folder);
      total -= e.bytes;
      removed += 1;
      bytes += e.bytes;
    }
    return { removed, bytes };
  }

  async #provide(digest: string, unpack: Unpack): Promise<void> {
    const folder = this.#folder(digest);
    const blob = join(folder, "blob");
    await privateFolder(folder);
    if ((await this.find(digest, "none")) === null) {
      const partialPath = join(folder, "partial");
      await fetchArtifact({ digest, partialPath, dial: this.#o.dial, signal: new AbortController().signal });
      // Read-only, because units share it; executable, because an artifact may be the program.
      await chmod(partialPath, 0o555);
      await rename(partialPath, blob);
      await syncFolder(folder);
    }
    if (unpack === "tar.gz") {
      const temporary = join(folder, "unpacking");
      await remove(temporary);
      await privateFolder(temporary);
      await unpackTarGz(blob, temporary, { maxBytes: this.#o.settings.maxBytes, maxEntries: MAX_ENTRIES });
      await rename(temporary, join(folder, "unpacked"));
      await syncFolder(folder);
    }
  }

  async #limited(work: () => Promise<void>): Promise<void> {
    if (this.#busy >= PARALLEL) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#busy += 1;
    try {
      await work();
    } finally {
      const next = this.#queue.shift();
      if (next) next();
      else this.#busy -= 1;
    }
  }

  #folder(digest: string): string {
    const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
    if (hex === undefined) throw new Fault("artifact_refused", `"${digest}" is no digest.`, "Write it as sha256: and 64 lower-case hex digits.");
    return join(this.#root, hex);
  }

  #path(digest: string, unpack: Unpack): string {
    return join(this.#folder(digest), unpack === "none" ? "blob" : "unpacked");
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void => reject(new Error("no longer needed"));
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}

async function bytesBelow(folder: string): Promise<number> {
  let total = 0;
  for (const e of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (e.isFile()) total += (await stat(join(e.parentPath, e.name)).catch(() => ({ size: 0 }))).size;
  }
  return total;
}
