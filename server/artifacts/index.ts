/**
 * Artifacts: models, data sets and programs by digest, in a store that every gateway reaches: PostgreSQL by default, a
 * directory, or an S3-compatible store. It knows bytes, digests and projects; it does not know who may upload (the door
 * has checked that) nor which node may fetch (the gateway does).
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Actor, ProjectRef } from "../core/access/actor";
import { refuseNow } from "../core/base/refusal";
import { auditedCommand } from "../audit";
import type { Clock, Logger } from "../platform";
import { artifactRows } from "../store";
import type { Store } from "../store";
import type { ArtifactBackend } from "./backend";
import { directoryBackend } from "./directory-backend";
import { handleUpload as upload } from "./http";
import { postgresBackend } from "./postgres-backend";
import { putArtifact } from "./put";
import type { PutInput } from "./put";
import { s3Backend } from "./s3-backend";

export interface ArtifactsDeps {
  store: Store;
  clock: Clock;
  log: Logger;
  env: {
    /** `postgres`, `dir:/an/absolute/path`, or `s3:https://host/bucket[/prefix]`. */
    HOLDFAST_ARTIFACT_STORE: string;
    /** Largest artifact in PostgreSQL. Other stores take up to 64 GiB. */
    HOLDFAST_ARTIFACT_MAX_BYTES: number;
    AWS_ACCESS_KEY_ID?: string | undefined;
    AWS_SECRET_ACCESS_KEY?: string | undefined;
    AWS_REGION?: string | undefined;
  };
}

const LARGEST_ELSEWHERE = 64 * 2 ** 30;
/** An upload that has not ended after this long never will. */
const STALE_UPLOAD_MS = 6 * 3_600_000;

/** The backend that a setting names. Throws with the remedy when the setting can't be used. */
function backendOf(deps: ArtifactsDeps): ArtifactBackend {
  const { env } = deps;
  const setting = env.HOLDFAST_ARTIFACT_STORE;
  if (setting.startsWith("dir:")) return directoryBackend({ folder: setting.slice(4) });
  if (!setting.startsWith("s3:")) return postgresBackend({ store: deps.store, clock: deps.clock, maxBytes: env.HOLDFAST_ARTIFACT_MAX_BYTES });
  const address = new URL(setting.slice(3));
  const [bucket, ...rest] = address.pathname.split("/").filter((p) => p !== "");
  if (!bucket || !env.AWS_ACCESS_KEY_ID || !env.AWS_SECRET_ACCESS_KEY) throw new Error("HOLDFAST_ARTIFACT_STORE=s3:https://host/bucket needs a bucket, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.");
  return s3Backend({ endpoint: address.origin, bucket, region: env.AWS_REGION ?? "us-east-1", accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY, prefix: rest.length > 0 ? `${rest.join("/")}/` : "" });
}

export function createArtifacts(deps: ArtifactsDeps) {
  const { store } = deps;
  const backend = backendOf(deps);
  // What was stored before the setting changed stays readable, as long as its store can be reached with these settings.
  const backends = new Map<string, ArtifactBackend>([["postgres", postgresBackend({ store, clock: deps.clock, maxBytes: deps.env.HOLDFAST_ARTIFACT_MAX_BYTES })], [backend.kind, backend]]);
  const maxBytes = backend.maxBytes ?? Math.max(deps.env.HOLDFAST_ARTIFACT_MAX_BYTES, LARGEST_ELSEWHERE);
  const put = (actor: Actor, project: ProjectRef, input: PutInput) => putArtifact({ store, clock: deps.clock, log: deps.log, backend, maxBytes }, actor, project, input);

  return {
    queries: {
      /** The newest 500 artifacts of a project. */
      list: (project: ProjectRef) => artifactRows.artifactsOf(store.read.client, project.id, 500),
      /** One artifact by digest. Refusal: `not_found`. */
      get: async (project: ProjectRef, input: { digest: string }) => (await artifactRows.artifactOf(store.read.client, project.id, input.digest)) ?? refuseNow("not_found", `Project ${project.name} has no artifact ${input.digest}.`, "Look at the list of artifacts, or upload it."),
    },
    commands: {
      put,
      /** Removes an artifact that no revision of a live workload names; its bytes go with its last project. Refusals: `not_found`, `in_use`. */
      remove: async (actor: Actor, project: ProjectRef, input: { digest: string }) => {
        const orphan = await auditedCommand(store, actor, { action: "artifact.remove", objectKind: "artifact", objectId: input.digest, object: input.digest, projectId: project.id }, async (tx, note) => {
          await artifactRows.lockDigest(tx.client, input.digest);
          const row = await artifactRows.artifactOf(tx.client, project.id, input.digest);
          if (!row) refuseNow("not_found", `Project ${project.name} has no artifact ${input.digest}.`, "Look at the list of artifacts.");
          note({ object: row.name, before: { name: row.name, sizeBytes: row.sizeBytes } });
          const users = await artifactRows.workloadsNaming(tx.client, project.id, input.digest);
          if (users.length > 0) refuseNow("in_use", `Revisions of ${users.join(", ")} name this artifact.`, "Remove these workloads first; a roll-back could need it.");
          await artifactRows.deleteArtifact(tx.client, project.id, input.digest);
          const elsewhere = await artifactRows.digestHeld(tx.client, input.digest);
          // In the same transaction where it can be: bytes of a removed artifact must not outlive a crash unseen.
          if (!elsewhere && row.storage === "postgres") await artifactRows.deleteChunks(tx.client, input.digest);
          tx.changes.add("artifact", input.digest, project.id);
          return !elsewhere && row.storage !== "postgres" ? row.storage : null;
        });
        if (orphan) await backends.get(orphan)?.remove(input.digest);
        return { version: null, message: "The artifact is removed." };
      },
    },
    /** Opens an artifact of a project for delivery; null when the project has none of this digest. */
    open: async (projectId: string, digest: string) => {
      const row = await artifactRows.deliverableArtifact(store.read.client, projectId, digest);
      if (!row) return null;
      const from = backends.get(row.storage);
      if (!from) throw new Error(`artifact ${digest} is kept in a ${row.storage} store, which HOLDFAST_ARTIFACT_STORE no longer names`);
      return { sizeBytes: row.sizeBytes, mediaType: row.mediaType, read: (first: number, end: number) => from.read(digest, first, end) };
    },
    /** Handles `PUT /api/artifacts/{digest}` for the web server, which has checked `artifacts.write`. */
    handleUpload: (request: IncomingMessage, response: ServerResponse, actor: Actor, project: ProjectRef) => upload(put, request, response, actor, project),
    /** Removes what uploads that never ended left behind; gives how many there were. Run now and then. */
    sweep: async () => {
      const beforeMs = deps.clock.nowMs() - STALE_UPLOAD_MS;
      return (await backend.sweep(beforeMs)) + (await artifactRows.deleteReservations(store.read.client, beforeMs));
    },
  };
}

export type Artifacts = ReturnType<typeof createArtifacts>;
export type { PutInput, PutResult } from "./put";
