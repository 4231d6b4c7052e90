import { createHash } from "node:crypto";
import type { Actor, ProjectRef } from "../core/access/actor";
import { sha256Digest } from "../core/base/ids";
import { isRefused, refuseNow } from "../core/base/refusal";
import { auditedCommand, recordRefusal } from "../audit";
import type { Clock, Logger } from "../platform";
import { artifactRows } from "../store";
import type { Store } from "../store";
import type { ArtifactBackend } from "./backend";

export interface PutInput {
  digest: string;
  name: string;
  mediaType: string;
  /** Size as announced, when it was: too large a body is then refused before it is read. */
  sizeBytes: number | null;
  body: AsyncIterable<Uint8Array>;
}
export type PutResult = { digest: string; sizeBytes: number; created: boolean };

const LARGEST_NAME = 200;
const mediaTypeForm = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,60}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}$/i;

/**
 * Stores an artifact under its digest while its bytes stream in. The bytes are hashed as they come and refused when they
 * do not have the digest; nothing is left of an upload that ends early or is refused. Bytes that are kept already are
 * read and verified all the same: whoever adds an artifact to a project must have it, and not only know its digest.
 * Refusals: `invalid_input`, `too_large`, `digest_mismatch`, `unavailable` (removed meanwhile).
 */
export async function putArtifact(deps: { store: Store; clock: Clock; log: Logger; backend: ArtifactBackend; maxBytes: number }, actor: Actor, project: ProjectRef, input: PutInput): Promise<PutResult> {
  const { store, backend } = deps;
  const subject = { action: "artifact.put", objectKind: "artifact", objectId: input.digest.slice(0, 100), object: input.name.slice(0, LARGEST_NAME) || input.digest.slice(0, 100), projectId: project.id } as const;
  const refusing = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (isRefused(error)) await recordRefusal(store, actor, subject, error.holdfastRefusal);
      throw error;
    }
  };
  const tooLarge = (): never => refuseNow("too_large", `The artifact is larger than ${deps.maxBytes} bytes, the limit of this store.`, backend.kind === "postgres" ? "Set HOLDFAST_ARTIFACT_MAX_BYTES higher, or keep artifacts in a directory or an S3-compatible store (HOLDFAST_ARTIFACT_STORE)." : "Set HOLDFAST_ARTIFACT_MAX_BYTES higher.");

  const sizeBytes = await refusing(async () => {
    check(input);
    if (input.sizeBytes !== null && input.sizeBytes > deps.maxBytes) tooLarge();
    const kept = await artifactRows.storedDigest(store.read.client, input.digest);
    const upload = kept ? null : await backend.begin(input.digest);
    try {
      const hash = createHash("sha256");
      let bytes = 0;
      for await (const piece of input.body) {
        bytes += piece.length;
        if (bytes > deps.maxBytes) tooLarge();
        hash.update(piece);
        await upload?.write(piece);
      }
      const found = `sha256:${hash.digest("hex")}`;
      if (found !== input.digest) refuseNow("digest_mismatch", `The bytes have the digest ${found}, not ${input.digest}.`, "Upload the right file, or correct the digest.", [{ path: "digest", message: `the bytes have ${found}`, remedy: "Correct the digest or the file." }]);
      await store.inTransaction(async (tx) => {
        await artifactRows.lockDigest(tx.client, input.digest);
        const now = await artifactRows.storedDigest(tx.client, input.digest);
        if (kept && !now) refuseNow("unavailable", "The artifact was being removed while it was uploaded.", "Upload it again.");
        await artifactRows.reserveArtifact(tx.client, { projectId: project.id, digest: input.digest, name: input.name, mediaType: input.mediaType, sizeBytes: bytes, storage: now?.storage ?? backend.kind, createdBy: actor.name, createdAtMs: deps.clock.nowMs() });
      });
      await upload?.commit();
      return bytes;
    } catch (error) {
      await upload?.abort().catch((failed: unknown) => deps.log.warn({ err: failed, digest: input.digest }, "what was uploaded of an artifact could not be removed; it is swept later"));
      throw error;
    }
  });
  return auditedCommand(store, actor, subject, async (tx, note) => {
    const became = await artifactRows.completeArtifact(tx.client, project.id, input.digest);
    if (became === "gone") refuseNow("unavailable", "The artifact was removed while it was uploaded.", "Upload it again.");
    const created = became === "now";
    note({ nothing: !created, after: { name: input.name, mediaType: input.mediaType, sizeBytes } });
    if (created) tx.changes.add("artifact", input.digest, project.id);
    return { digest: input.digest, sizeBytes, created };
  });
}

function check(input: PutInput): void {
  if (!sha256Digest.safeParse(input.digest).success) refuseNow("invalid_input", "This is no digest.", "Write sha256: and 64 lower-case hex digits.", [{ path: "digest", message: "is no digest", remedy: "Write sha256: and 64 lower-case hex digits." }]);
  // eslint-disable-next-line no-control-regex
  if (input.name.trim() === "" || input.name.length > LARGEST_NAME || /[\u0000-\u001f\u007f]/.test(input.name)) refuseNow("invalid_input", "The artifact needs a name of 1 to 200 characters.", "Pass ?name=.", [{ path: "name", message: "is missing, too long, or holds control characters", remedy: "Name it, such as digits-r3.json." }]);
  if (!mediaTypeForm.test(input.mediaType)) refuseNow("invalid_input", `${input.mediaType.slice(0, 100)} is no media type.`, "Pass a media type such as application/octet-stream.", [{ path: "mediaType", message: "is no media type", remedy: "Write type/subtype." }]);
}
