import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { TLSSocket } from "node:tls";
import { artifactPath, gatewayError } from "../../server/protocol/messages";
import { exchange } from "../identity/exchange";
import { Fault, systemCode } from "../platform/fault";
import { remove, sizeOf } from "../platform/files";

/** A verified connection to the gateway as this node, and the Host to name. */
export type Dialled = { socket: TLSSocket; host: string };

/** A download that sends nothing for so long has stalled; it is resumed on a new connection. */
const STALL_MS = 30_000;
const FLUSH_EVERY_BYTES = 8 * 1024 * 1024;

/**
 * Fetches an artifact into `partialPath`, going on where an earlier attempt stopped, and verifies its SHA-256 while it
 * streams. Faults: artifact_refused (unknown, not ours, or bytes that do not match: then the partial file is removed),
 * disk_full. Any other error means "try again": what has arrived is kept.
 */
export async function fetchArtifact(o: { digest: string; partialPath: string; dial: () => Promise<Dialled>; signal: AbortSignal }): Promise<void> {
  const hash = createHash("sha256");
  const have = await hashExisting(o.partialPath, hash);
  const { socket, host } = await o.dial();
  const abort = (): void => void socket.destroy(new Error("no longer needed"));
  o.signal.addEventListener("abort", abort, { once: true });
  try {
    o.signal.throwIfAborted();
    const answer = await exchange(socket, { method: "GET", host, path: artifactPath(o.digest), headers: have > 0 ? { range: `bytes=${have}-` } : {} });
    const status = answer.statusCode ?? 0;
    // 416: there is nothing after what we have, so that must be all of it.
    if (status === 416 && have > 0) return await verify(o, hash);
    if (status !== 200 && status !== 206) throw await refusalOf(o.digest, status, answer);
    // 200 to a range means the gateway sends everything again: then what we have does not count.
    const goesOn = status === 206 && have > 0;
    const whole = goesOn ? hash : createHash("sha256");
    await receive(o.partialPath, goesOn ? have : 0, answer, socket, whole);
    await verify(o, whole);
  } finally {
    o.signal.removeEventListener("abort", abort);
    socket.destroy();
  }
}

async function hashExisting(path: string, hash: Hash): Promise<number> {
  const size = await sizeOf(path);
  if (size > 0) for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return size;
}

async function receive(path: string, from: number, answer: AsyncIterable<Buffer>, socket: TLSSocket, hash: Hash): Promise<void> {
  const file = await open(path, from > 0 ? "r+" : "w", 0o600);
  let stalled = setTimeout(() => undefined, 0);
  const alive = (): void => {
    clearTimeout(stalled);
    stalled = setTimeout(() => socket.destroy(new Error("the download stalled")), STALL_MS);
  };
  try {
    let at = from;
    let unflushed = 0;
    alive();
    for await (const chunk of answer) {
      alive();
      hash.update(chunk);
      await file.write(chunk, 0, chunk.length, at);
      at += chunk.length;
      unflushed += chunk.length;
      if (unflushed >= FLUSH_EVERY_BYTES) {
        await file.datasync();
        unflushed = 0;
      }
    }
    await file.sync();
  } catch (error) {
    if (systemCode(error) === "ENOSPC" || systemCode(error) === "EDQUOT") {
      await file.close();
      await remove(path);
      throw new Fault("disk_full", "There is no room on the disk for an artifact.", "Free space in the agent's data folder, or give the node a larger disk.");
    }
    throw error;
  } finally {
    clearTimeout(stalled);
    await file.close().catch(() => undefined);
  }
}

async function verify(o: { digest: string; partialPath: string }, hash: Hash): Promise<void> {
  const found = `sha256:${hash.digest("hex")}`;
  if (found === o.digest) return;
  await remove(o.partialPath);
  throw new Fault("artifact_refused", `The bytes of ${o.digest} have the digest ${found}; they were thrown away.`, "The agent fetches it again; if it stays so, upload the artifact again.");
}

async function refusalOf(digest: string, status: number, answer: AsyncIterable<Buffer>): Promise<Error> {
  let text = "";
  for await (const chunk of answer) text = (text + chunk.toString("utf8")).slice(0, 4_000);
  let told: ReturnType<typeof gatewayError.safeParse> | null = null;
  try {
    told = gatewayError.safeParse(JSON.parse(text));
  } catch {
    told = null;
  }
  const message = told?.success ? told.data.error.message : `The gateway answered ${status}`;
  const remedy = told?.success ? told.data.error.remedy : "See the gateway's log.";
  return status >= 400 && status < 500 && status !== 408 && status !== 429 ? new Fault("artifact_refused", `${digest} is not to be had: ${message}`, remedy) : new Error(`${digest}: ${message}`);
}
