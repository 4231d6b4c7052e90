import { createHash, randomBytes } from "node:crypto";
import { request } from "node:https";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testDatabase } from "../testing/database";
import { DEFAULT_PROJECT } from "../testing/fleet-rows";
import { ask } from "../testing/test-agent";
import type { TestAgent } from "../testing/test-agent";
import { startTestGateway, testAdmin } from "../testing/test-gateway";
import type { TestGateway } from "../testing/test-gateway";

const db = testDatabase();
let gate: TestGateway;
let a: TestAgent;
const bytes = randomBytes(3_500_000);
const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const get = (d: string, headers: Record<string, string> = {}, method = "GET") => ask(gate.port, method, `/v1/artifacts/${encodeURIComponent(d)}`, { credentials: a.credentials, headers });
const put = (project: { id: string; name: string }, data: Buffer) =>
  gate.artifacts.commands.put(testAdmin, project, { digest: `sha256:${createHash("sha256").update(data).digest("hex")}`, name: "m.bin", mediaType: "application/octet-stream", sizeBytes: data.length, body: (async function* () { yield data; })() });

beforeAll(async () => {
  gate = await startTestGateway(db);
  a = await gate.agent("fetcher-1");
  await put(DEFAULT_PROJECT, bytes);
});
afterAll(() => gate.gateway.stop());

describe("artifacts through the gateway", () => {
  it("come whole, with their size and digest", async () => {
    const whole = await get(digest);
    expect([whole.status, whole.headers["content-length"], whole.headers["etag"]]).toEqual([200, String(bytes.length), `"${digest}"`]);
    expect(whole.bytes.equals(bytes)).toBe(true);
    const head = await get(digest, {}, "HEAD");
    expect([head.status, head.headers["content-length"], head.bytes.length]).toEqual([200, String(bytes.length), 0]);
  });

  // Guarantee: a fetch that broke off goes on where it was, and the parts make the whole.
  it("resume at any byte after a broken connection", async () => {
    const first: Buffer[] = [];
    await new Promise<void>((resolve) => {
      const outgoing = request({ host: "127.0.0.1", port: gate.port, path: `/v1/artifacts/${encodeURIComponent(digest)}`, rejectUnauthorized: false, agent: false, key: a.credentials?.key, cert: a.credentials?.certificate }, (response) => {
        response.on("data", (part: Buffer) => {
          first.push(part);
          if (Buffer.concat(first).length > 1_200_000) outgoing.destroy();
        });
        response.on("error", () => undefined);
        response.on("close", () => resolve());
      });
      outgoing.on("error", () => undefined);
      outgoing.end();
    });
    const got = Buffer.concat(first);
    expect(got.length).toBeLessThan(bytes.length);
    const rest = await get(digest, { range: `bytes=${got.length}-` });
    expect([rest.status, rest.headers["content-range"]]).toEqual([206, `bytes ${got.length}-${bytes.length - 1}/${bytes.length}`]);
    expect(Buffer.concat([got, rest.bytes]).equals(bytes)).toBe(true);
    expect((await get(digest, { range: "bytes=1048570-1048579" })).bytes.equals(bytes.subarray(1_048_570, 1_048_580))).toBe(true);
    expect(await get(digest, { range: `bytes=${bytes.length}-` })).toMatchObject({ status: 416, body: { error: { code: "invalid_input", field: "range" } } });
    // A range of another form is no error: the whole answers it.
    expect((await get(digest, { range: "bytes=-5" })).status).toBe(200);
  });

  // Guarantee: a node gets artifacts of its own project only, and nobody without a certificate gets any.
  it("go to nodes of the project only", async () => {
    await db.asOwner("insert into projects (id, name, title) values ('project-other', 'other', 'Other')");
    const secret = randomBytes(100);
    const { digest: foreign } = await put({ id: "project-other", name: "other" }, secret);
    expect(await get(foreign)).toMatchObject({ status: 404, body: { error: { code: "not_found" } } });
    expect(await get("sha256:zz")).toMatchObject({ status: 400, body: { error: { code: "invalid_input", field: "digest" } } });
    expect(await get("../../etc/passwd")).toMatchObject({ status: 400 });
    expect(await get("%ff")).toMatchObject({ status: 400 });
    expect(await get(digest, {}, "DELETE")).toMatchObject({ status: 405 });
    expect(await ask(gate.port, "GET", `/v1/artifacts/${digest}`)).toMatchObject({ status: 401, body: { error: { code: "unauthenticated" } } });
  });

  it("come whole to a reader that is slow", async () => {
    const parts: Buffer[] = [];
    await new Promise<void>((resolve, reject) => {
      request({ host: "127.0.0.1", port: gate.port, path: `/v1/artifacts/${encodeURIComponent(digest)}`, rejectUnauthorized: false, agent: false, key: a.credentials?.key, cert: a.credentials?.certificate }, (response) => {
        response.on("data", (part: Buffer) => {
          parts.push(part);
          response.pause();
          setImmediate(() => response.resume());
        });
        response.on("end", resolve);
        response.on("error", reject);
      }).end();
    });
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
  });
});
