import { createReadStream } from "node:fs";
import { link, mkdir, open, readdir, rm, stat, unlink } from "node:fs/promises";
import path from "node:path";
import { newId } from "../platform";
import type { ArtifactBackend } from "./backend";

/**
 * Bytes in a directory that every gateway and web process mounts. An upload is a file of its own until it is whole and
 * on disk; then it gets its digest as name in one step, so that a crash leaves either nothing or all.
 */
export function directoryBackend(o: { folder: string }): ArtifactBackend {
  const uploads = path.join(o.folder, "uploads");
  const fileOf = (digest: string) => {
    const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
    if (!hex) throw new Error("not a digest");
    return path.join(o.folder, hex.slice(0, 2), hex);
  };
  return {
    kind: "directory",
    maxBytes: null,
    async begin(digest) {
      await mkdir(uploads, { recursive: true, mode: 0o750 });
      const temporary = path.join(uploads, newId("upload"));
      const file = await open(temporary, "wx", 0o640);
      let closed = false;
      const close = async () => {
        if (!closed) await file.close();
        closed = true;
      };
      return {
        async write(bytes) {
          // One call may write less than it was given.
          for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
        },
        async commit() {
          await file.sync();
          await close();
          const target = fileOf(digest);
          await mkdir(path.dirname(target), { recursive: true, mode: 0o750 });
          // A link refuses to replace what is there, unlike a rename.
          await link(temporary, target).catch((error: NodeJS.ErrnoException) => {
            if (error.code !== "EEXIST") throw error;
          });
          await unlink(temporary);
          const folder = await open(path.dirname(target), "r");
          await folder.sync().finally(() => folder.close());
        },
        async abort() {
          await close();
          await rm(temporary, { force: true });
        },
      };
    },
    async *read(digest, from, to) {
      if (to <= from) return;
      for await (const chunk of createReadStream(fileOf(digest), { start: from, end: to - 1, highWaterMark: 262_144 })) yield chunk as Buffer;
    },
    remove: (digest) => rm(fileOf(digest), { force: true }),
    async sweep(beforeMs) {
      let count = 0;
      for (const name of await readdir(uploads).catch(() => [])) {
        const file = path.join(uploads, name);
        const age = await stat(file).catch(() => null);
        if (!age || age.mtimeMs >= beforeMs) continue;
        await rm(file, { force: true });
        count++;
      }
      return count;
    },
  };
}
