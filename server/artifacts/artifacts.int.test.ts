import { createHash, randomBytes } from "node:crypto";
import { createServer, request } from "node:http";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import S3rver from "s3rver";
import type { Actor } from "../core/access/actor";
import { isRefused } from "../core/base/refusal";
import { silentLogger } from "../platform";
import { testClock } from "../testing/clock";
import { testDatabase } from "../testing/database";
import { until } from "../testing/until";
import { createArtifacts } from "./index";
import type { Artifacts } from "./index";

const db = testDatabase();
const clock = testClock();
const project = { id: "project-default", name: "default" };
const other = { id: "project-other", name: "other" };
const actor: Actor = { kind: "person", id: "person-1", name: "Ada", roles: () => ["operator"] };
const folder = mkdtempSync(path.join(tmpdir(), "holdfast-artifacts-"));
let s3: S3rver | undefined;
let s3Port = 0;

beforeAll(async () => {
  await db.asOwner("insert into projects (id, name, title) values ('project-other', 'other', 'Other')");
  s3 = new S3rver({ port: 0, address: "127.0.0.1", silent: true, directory: path.join(folder, "s3"), configureBuckets: [{ name: "models", configs: [] }] });
  s3Port = (await s3.run()).port;
});
afterAll(async () => {
  await s3?.close();
  rmSync(folder, { recursive: true, force: true });
});

const kinds = ["postgres", "directory", "s3"] as const;
function artifactsOf(kind: (typeof kinds)[number], maxBytes = 64 * 2 ** 20): Artifacts {
  const setting = { postgres: "postgres", directory: `dir:${path.join(folder, "dir")}`, s3: `s3:http://127.0.0.1:${s3Port}/models/holdfast` }[kind];
  return createArtifacts({ store: db.store, clock, log: silentLogger, env: { HOLDFAST_ARTIFACT_STORE: setting, HOLDFAST_ARTIFACT_MAX_BYTES: maxBytes, AWS_ACCESS_KEY_ID: "S3RVER", AWS_SECRET_ACCESS_KEY: "S3RVER" } });
}
const digestOf = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
async function* inPieces(bytes: Uint8Array, size = 70_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const inputOf = (bytes: Uint8Array, digest = digestOf(bytes)) => ({ digest, name: "model.bin", mediaType: "application/octet-stream", sizeBytes: bytes.length, body: inPieces(bytes) });
const codeOf = async (work: Promise<unknown>) => work.then(() => "done", (e: unknown) => (isRefused(e) ? e.holdfastRefusal.code : Promise.reject(e as Error)));
async function readAll(artifacts: Artifacts, digest: string, from = 0, to?: number): Promise<Buffer> {
  const opened = await artifacts.open(project.id, digest);
  if (!opened) throw new Error("not there");
  const parts: Uint8Array[] = [];
  for await (const part of opened.read(from, to ?? opened.sizeBytes)) parts.push(part);
  return Buffer.concat(parts);
}
/** Everything that a store holds, uploads that have not ended included. */
async function remains(kind: (typeof kinds)[number]): Promise<number> {
  if (kind === "postgres") return (await db.asOwner("select distinct digest from artifact_chunks")).length;
  if (kind === "directory") return readdirSync(path.join(folder, "dir"), { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).length;
  return readdirSync(path.join(folder, "s3"), { recursive: true, withFileTypes: true }).filter((e) => e.isFile() && e.name.endsWith("_object")).length;
}

describe.each(kinds)("artifacts in %s", (kind) => {
  // Guarantee: what was stored comes back byte for byte, whole and from any byte on.
  it.each([["nothing", 0], ["one byte", 1], ["less than a chunk", 300_000], ["whole chunks exactly", 2 * 1_048_576], ["many chunks and parts", 19_000_001]])("keep %s (%d bytes)", async (_what, size) => {
    const artifacts = artifactsOf(kind);
    const bytes = randomBytes(size);
    expect(await artifacts.commands.put(actor, project, inputOf(bytes))).toEqual({ digest: digestOf(bytes), sizeBytes: size, created: size !== 0 || kind === "postgres" });
    expect((await readAll(artifacts, digestOf(bytes))).equals(bytes)).toBe(true);
    for (const [from, to] of [[0, 1], [size - 1, size], [1_048_570, 1_048_580], [Math.floor(size / 2), size]] as const) {
      if (from < 0 || to > size) continue;
      expect((await readAll(artifacts, digestOf(bytes), from, to)).equals(bytes.subarray(from, to))).toBe(true);
    }
  });

  // Guarantee: an upload that ends early, or has another digest than it said, leaves nothing and is in no list.
  it("leave nothing of an upload that broke off, was too large, or had another digest", async () => {
    const artifacts = artifactsOf(kind);
    const before = await remains(kind);
    const bytes = randomBytes(9_000_000);
    const broken = async function* () {
      yield bytes.subarray(0, 8_900_000);
      throw new Error("the line was cut");
    };
    await expect(artifacts.commands.put(actor, project, { ...inputOf(bytes), body: broken() })).rejects.toThrow("the line was cut");
    expect(await codeOf(artifacts.commands.put(actor, project, inputOf(bytes, digestOf(Buffer.from("other")))))).toBe("digest_mismatch");
    if (kind === "postgres") {
      expect(await codeOf(artifactsOf(kind, 8_999_999).commands.put(actor, project, inputOf(bytes)))).toBe("too_large");
      // Also when it does not say how large it is.
      expect(await codeOf(artifactsOf(kind, 8_999_999).commands.put(actor, project, { ...inputOf(bytes), sizeBytes: null }))).toBe("too_large");
    }
    expect(await artifacts.open(project.id, digestOf(bytes))).toBeNull();
    expect(await remains(kind)).toBe(before);
    expect(await db.asOwner("select * from artifacts where not complete")).toEqual([]);
  });

  it("are kept once for all projects, and belong only to those that brought the bytes", async () => {
    const artifacts = artifactsOf(kind);
    const bytes = randomBytes(500_000);
    const digest = digestOf(bytes);
    const results = await Promise.all([artifacts.commands.put(actor, project, inputOf(bytes)), artifacts.commands.put(actor, project, inputOf(bytes))]);
    expect(results.map((r) => r.created).sort()).toEqual([false, true]);
    const held = await remains(kind);
    expect(await artifacts.open(other.id, digest)).toBeNull();
    expect(await codeOf(artifacts.commands.put(actor, other, inputOf(randomBytes(10), digest)))).toBe("digest_mismatch");
    expect(await artifacts.commands.put(actor, other, inputOf(bytes))).toMatchObject({ created: true });
    expect(await remains(kind)).toBe(held);
    await artifacts.commands.remove(actor, project, { digest });
    expect(await artifacts.open(project.id, digest)).toBeNull();
    expect(await remains(kind)).toBe(held);
    await artifacts.commands.remove(actor, other, { digest });
    expect(await remains(kind)).toBe(held - 1);
    expect(await codeOf(artifacts.commands.remove(actor, other, { digest }))).toBe("not_found");
  });
});

describe("artifacts of a project", () => {
  it("are listed with who uses them, audited, and not removed while a revision names them", async () => {
    const artifacts = artifactsOf("postgres");
    const bytes = randomBytes(100);
    const digest = digestOf(bytes);
    await artifacts.commands.put(actor, project, inputOf(bytes));
    const spec = { kind: "service", template: { artifacts: [{ name: "model", digest, unpack: "none" }] } };
    await db.asOwner("insert into objects (id, project_id, kind, name, generation, digest, spec) values ('w1', 'project-default', 'Workload', 'digits', 1, 'd', $1)", [spec]);
    await db.asOwner("insert into object_revisions (object_id, generation, digest, manifest, author, author_id, changes) values ('w1', 1, 'd', $1, 'a', 'a', '[]')", [{ spec }]);
    expect(await artifacts.queries.get(project, { digest })).toMatchObject({ digest, name: "model.bin", sizeBytes: 100, storage: "postgres", complete: true, createdBy: "Ada", usedBy: ["digits"] });
    expect((await artifacts.queries.list(project)).some((a) => a.digest === digest)).toBe(true);
    expect(await codeOf(artifacts.commands.remove(actor, project, { digest }))).toBe("in_use");
    expect(await db.asOwner("select outcome from audit_entries where object_id = $1 order by seq", [digest])).toEqual([{ outcome: "done" }, { outcome: "refused" }]);
  });

  it("refuse a bad digest, name and media type by field", async () => {
    const artifacts = artifactsOf("postgres");
    for (const bad of [{ digest: "md5:1" }, { name: "" }, { name: "a\nb" }, { mediaType: "not a type" }]) expect(await codeOf(artifacts.commands.put(actor, project, { ...inputOf(Buffer.from("x")), ...bad }))).toBe("invalid_input");
  });

  // Guarantee: what a killed process left of an upload is removed by the next sweep, and nothing else is.
  it("are swept of uploads that never ended", async () => {
    const artifacts = artifactsOf("postgres");
    await artifacts.sweep();
    const before = await remains("postgres");
    await db.asOwner("insert into artifact_chunks (digest, seq, data) values ($1, 0, 'x')", [`upload:${clock.nowMs() - 7 * 3_600_000}:upload-1`]);
    await db.asOwner("insert into artifact_chunks (digest, seq, data) values ($1, 0, 'x')", [`upload:${clock.nowMs()}:upload-2`]);
    expect(await artifacts.sweep()).toBe(1);
    expect(await remains("postgres")).toBe(before + 1);
  });
});

describe("uploads over HTTP", () => {
  it("answer with typed errors, and leave nothing when the sender hangs up", async () => {
    const artifacts = artifactsOf("postgres");
    const server = createServer((req, res) => void artifacts.handleUpload(req, res, actor, project).catch((e: unknown) => res.destroy(e as Error)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const bytes = randomBytes(3_000_000);
      const digest = digestOf(bytes);
      const put = (d: string, body: Uint8Array, query = "name=m.bin") => fetch(`${address}/api/artifacts/${encodeURIComponent(d)}?project=default&${query}`, { method: "PUT", body: body as BodyInit });
      const created = await put(digest, bytes);
      expect([created.status, await created.json()]).toEqual([201, { digest, sizeBytes: 3_000_000, created: true }]);
      expect((await put(digest, bytes)).status).toBe(200);
      const wrong = await put(digestOf(Buffer.from("z")), bytes);
      expect([wrong.status, await wrong.json()]).toMatchObject([422, { error: { code: "digest_mismatch", field: "digest" } }]);
      expect((await put(digest, bytes, "name=")).status).toBe(400);
      // The answer is seen although the body is refused in its middle.
      const large = await put(digestOf(Buffer.from("y")), randomBytes(66 * 2 ** 20));
      expect([large.status, await large.json()]).toMatchObject([413, { error: { code: "too_large" } }]);

      const before = await remains("postgres");
      const rest = randomBytes(5_000_000);
      const cut = request(`${address}/api/artifacts/${digestOf(rest)}?name=m.bin`, { method: "PUT", headers: { "content-length": rest.length } });
      cut.on("error", () => undefined);
      cut.write(rest.subarray(0, 4_000_000));
      await until("something of it has arrived", async () => (await remains("postgres")) > before);
      cut.destroy();
      await until("nothing of it is left", async () => (await remains("postgres")) === before);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
