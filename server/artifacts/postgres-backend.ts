import { newId } from "../platform";
import type { Clock } from "../platform";
import { artifactRows } from "../store";
import type { Store } from "../store";
import { Pieces } from "./backend";
import type { ArtifactBackend } from "./backend";

/** Size of a chunk: small enough to hold a few in memory, large enough that a model is a few hundred rows. */
export const CHUNK_BYTES = 1_048_576;

/**
 * Bytes in PostgreSQL, in rows of 1 MiB: what needs nothing besides the database, and every gateway reaches. An upload
 * writes under a temporary key, row by row outside any long transaction, and takes its digest as key at the end.
 */
export function postgresBackend(o: { store: Store; clock: Clock; maxBytes: number }): ArtifactBackend {
  const { store } = o;
  return {
    kind: "postgres",
    maxBytes: o.maxBytes,
    async begin(digest) {
      const key = `upload:${o.clock.nowMs()}:${newId("upload")}`;
      const pieces = new Pieces(CHUNK_BYTES);
      let seq = 0;
      const put = (piece: Uint8Array) => artifactRows.putChunk(store.read.client, key, seq++, piece);
      return {
        async write(bytes) {
          for (const piece of pieces.add(bytes)) await put(piece);
        },
        async commit() {
          const last = pieces.rest();
          if (last.length > 0) await put(last);
          await store.inTransaction(async (tx) => {
            await artifactRows.lockDigest(tx.client, digest);
            await artifactRows.renameChunks(tx.client, key, digest);
          });
        },
        abort: () => artifactRows.deleteChunks(store.read.client, key),
      };
    },
    async *read(digest, from, to) {
      for (let seq = Math.floor(from / CHUNK_BYTES); seq * CHUNK_BYTES < to; seq++) {
        const chunk = await artifactRows.readChunk(store.read.client, digest, seq);
        if (!chunk) throw new Error(`chunk ${seq} of ${digest} is not in the store`);
        yield chunk.subarray(Math.max(0, from - seq * CHUNK_BYTES), Math.min(chunk.length, to - seq * CHUNK_BYTES));
      }
    },
    remove: (digest) => artifactRows.deleteChunks(store.read.client, digest),
    async sweep(beforeMs) {
      const keys = await artifactRows.staleUploads(store.read.client, beforeMs);
      for (const key of keys) await artifactRows.deleteChunks(store.read.client, key);
      return keys.length;
    },
  };
}
