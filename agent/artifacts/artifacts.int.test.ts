import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { ArtifactCache } from "./cache";
import { unpackTarGz } from "./untar";

const folders: string[] = [];
afterEach(() => {
  for (const f of folders.splice(0)) rmSync(f, { recursive: true, force: true });
});
function folder(): string {
  const f = mkdtempSync(join(tmpdir(), "holdfast-artifacts-"));
  folders.push(f);
  return f;
}
const limits = { maxBytes: 1_000_000, maxEntries: 100 };
/** A ustar header by hand, because a well-meaning tar would not write the names we need. */
function header(name: string, kind: string, o: { size?: number; link?: string } = {}): Buffer {
  const h = Buffer.alloc(512);
  h.write(name, 0);
  h.write("0000644\0", 100);
  h.write(`${(o.size ?? 0).toString(8).padStart(11, "0")}\0`, 124);
  h.write("        ", 148);
  h.write(kind, 156);
  h.write(o.link ?? "", 157);
  h.write("ustar\0" + "00", 257);
  h.write(`${h.reduce((a, b) => a + b, 0).toString(8).padStart(6, "0")}\0 `, 148);
  return h;
}
const body = (text: string): Buffer => Buffer.concat([Buffer.from(text), Buffer.alloc((512 - (text.length % 512)) % 512)]);
async function unpack(...blocks: Buffer[]): Promise<string> {
  const root = folder();
  const archive = join(root, "x.tgz");
  writeFileSync(archive, gzipSync(Buffer.concat([...blocks, Buffer.alloc(1_024)])));
  mkdirSync(join(root, "out"));
  await unpackTarGz(archive, join(root, "out"), limits);
  return join(root, "out");
}

describe("unpacking archives", () => {
  // Guarantee: nothing of an archive lands outside its folder, and only files, folders and inner links are made.
  it.each([
    ["an absolute name", [header("/tmp/holdfast-evil", "0", { size: 1 }), body("x")]],
    ["a name that climbs", [header("../evil", "0", { size: 1 }), body("x")]],
    ["a name that climbs later", [header("a/../../evil", "0", { size: 1 }), body("x")]],
    ["a link to outside", [header("l", "2", { link: "../../etc" })]],
    ["an absolute link", [header("l", "2", { link: "/etc" })]],
    ["a file through a link", [header("d", "5"), header("l", "2", { link: "d" }), header("l/f", "0", { size: 1 }), body("x")]],
    ["a hard link", [header("h", "1", { link: "/etc/passwd" })]],
    ["a device", [header("dev", "3")]],
    ["a pipe", [header("fifo", "6")]],
    ["a file twice", [header("f", "0", { size: 1 }), body("x"), header("f", "0", { size: 1 }), body("y")]],
    ["a bomb", [header("big", "0", { size: 2_000_000 })]],
    ["too many entries", Array.from({ length: 102 }, (_, i) => header(`f${i}`, "0"))],
    ["a damaged header", [Buffer.alloc(512, 65)]],
    ["a file that is cut short", [header("f", "0", { size: 900_000 }), body("x")]],
  ])("%s is refused", async (_name, blocks) => {
    await expect(unpack(...blocks)).rejects.toMatchObject({ code: "artifact_refused" });
    expect(existsSync("/tmp/holdfast-evil")).toBe(false);
  });

  it("refuses what is no gzip", async () => {
    const root = folder();
    writeFileSync(join(root, "x"), "plain");
    await expect(unpackTarGz(join(root, "x"), root, limits)).rejects.toMatchObject({ code: "artifact_refused" });
  });

  it("makes what the system's tar packed, long names and modes included", async () => {
    const root = folder();
    const long = `${"deep/".repeat(30)}${"n".repeat(90)}.txt`;
    mkdirSync(join(root, "in", "deep/".repeat(30)), { recursive: true });
    writeFileSync(join(root, "in", long), "long");
    writeFileSync(join(root, "in", "run.sh"), "#!/bin/sh\n", { mode: 0o755 });
    writeFileSync(join(root, "in", "empty"), "");
    execFileSync("ln", ["-s", "run.sh", join(root, "in", "link")]);
    for (const format of ["gnu", "pax"]) {
      execFileSync("tar", [`--format=${format}`, "-czf", join(root, "x.tgz"), "-C", join(root, "in"), "."]);
      const out = join(root, format);
      mkdirSync(out);
      await unpackTarGz(join(root, "x.tgz"), out, limits);
      expect(readFileSync(join(out, long), "utf8")).toBe("long");
      expect(lstatSync(join(out, "run.sh")).mode & 0o777).toBe(0o755);
      expect(lstatSync(join(out, "empty")).size).toBe(0);
      expect(readFileSync(join(out, "link"), "utf8")).toContain("/bin/sh");
    }
  });
});

describe("the artifact cache", () => {
  // Guarantee: what a unit uses is never removed; the rest goes after its time, or oldest first over the size limit.
  it("collects what nobody uses", async () => {
    const data = folder();
    const day = 86_400_000;
    const nowMs = 100 * day;
    const put = (name: string, ageDays: number, bytes: number): string => {
      const hex = createHash("sha256").update(name).digest("hex");
      mkdirSync(join(data, "artifacts", hex), { recursive: true });
      writeFileSync(join(data, "artifacts", hex, "blob"), Buffer.alloc(bytes));
      const when = (nowMs - ageDays * day) / 1_000;
      utimesSync(join(data, "artifacts", hex), when, when);
      return `sha256:${hex}`;
    };
    const [used, old, older, recent] = [put("used", 50, 400), put("old", 3, 400), put("older", 4, 400), put("recent", 1, 400)];
    put("ancient", 8, 10);
    const cache = new ArtifactCache(data, { dial: () => Promise.reject(new Error("offline")), settings: { maxBytes: 1_300, keepUnusedMs: 7 * day }, nowMs: () => nowMs });
    expect(await cache.collect(new Set([used]))).toEqual({ removed: 2, bytes: 410 });
    expect(readdirSync(join(data, "artifacts")).map((h) => `sha256:${h}`).sort()).toEqual([used, old, recent].sort());
    expect(await cache.find(older, "none")).toBeNull();
    expect(await cache.find(recent, "none")).toContain("blob");
  });

  // Guarantee: waiting for a download ends when the unit is no longer wanted.
  it("stops waiting when told to", async () => {
    const cache = new ArtifactCache(folder(), { dial: () => new Promise(() => undefined), settings: { maxBytes: 1, keepUnusedMs: 1 }, nowMs: () => 0 });
    const stop = new AbortController();
    const waiting = cache.ensure(`sha256:${"0".repeat(64)}`, "none", stop.signal);
    stop.abort();
    await expect(waiting).rejects.toThrow("no longer needed");
    await expect(cache.ensure("../../etc", "none", new AbortController().signal)).rejects.toMatchObject({ code: "artifact_refused" });
  });
});
