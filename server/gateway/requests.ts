import type { IncomingMessage, ServerResponse } from "node:http";
import { once } from "node:events";
import { refuse } from "../core/base/refusal";
import { artifactDigest, enrolRequest, renewRequest } from "../protocol/messages";
import { newId } from "../platform";
import { Buckets } from "./bucket";
import type { GatewayDeps } from "./deps";
import { addressOf, answer, answerRefusal, certificateOf, closeUnlessRead, readBody, refusalOf } from "./http";
import type { GatewayMetrics } from "./metrics";

/** The plain requests of agents: enrol, renew, artifacts. Every path judges the peer's certificate itself. */
export class Requests {
  private readonly certificates: Buckets;

  constructor(
    private readonly deps: GatewayDeps,
    private readonly metrics: GatewayMetrics,
  ) {
    this.certificates = new Buckets(deps.settings.certificatesPerMinute / 60, deps.settings.certificateBurst);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.route(request, response);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal) return this.refuse(request, response, refusal);
      // The peer hung up in the middle: nothing to answer, and no bug.
      if (request.destroyed || response.destroyed) return;
      const id = newId("error");
      this.deps.log.error({ err: error, errorId: id, path: request.url?.slice(0, 200) }, "a request failed");
      if (response.headersSent) response.destroy();
      else answer(response, 500, { error: { code: "internal", message: `The gateway failed (${id}).`, remedy: "Try again; if it stays, look for this id in the gateway's log." } });
    }
  }

  private async route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    const method = request.method ?? "GET";
    if (path === "/v1/enrol") return method === "POST" ? this.enrol(request, response) : this.wrongMethod(request, response, "POST");
    if (path === "/v1/renew") return method === "POST" ? this.renew(request, response) : this.wrongMethod(request, response, "POST");
    if (path.startsWith("/v1/artifacts/")) return method === "GET" || method === "HEAD" ? this.artifact(request, response, path.slice("/v1/artifacts/".length), method === "HEAD") : this.wrongMethod(request, response, "GET");
    this.refuse(request, response, refuse("not_found", "There is nothing at this path.", "Agents use /v1/enrol, /v1/renew, /v1/artifacts/{digest} and the WebSocket /v1/session."));
  }

  private async enrol(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.throttled(request, response)) return;
    const body = await readBody(request, enrolRequest);
    if (!body.ok) return this.refuse(request, response, body.error);
    const made = await this.deps.identity.enrol({ ...body.value, address: addressOf(request) });
    this.deps.log.info({ nodeId: made.nodeId, node: made.node, site: made.site, address: addressOf(request) }, "node enrolled");
    answer(response, 200, made);
  }

  private async renew(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.throttled(request, response)) return;
    const peer = await this.deps.identity.checkPeer(certificateOf(request), { expired: "renewable" });
    if (!peer.ok) return this.refuse(request, response, peer.error);
    const body = await readBody(request, renewRequest);
    if (!body.ok) return this.refuse(request, response, body.error);
    const made = await this.deps.identity.renew(peer.value, body.value);
    this.deps.log.info({ nodeId: made.nodeId, node: made.node }, "certificate renewed");
    answer(response, 200, made);
  }

  /** Streams an artifact of the node's own project, from a byte on when asked; the reader's pace is kept. */
  private async artifact(request: IncomingMessage, response: ServerResponse, name: string, headOnly: boolean): Promise<void> {
    const peer = await this.deps.identity.checkPeer(certificateOf(request), { expired: "refused" });
    if (!peer.ok) return this.refuse(request, response, peer.error);
    const digest = artifactDigest.safeParse(decode(name));
    if (!digest.success) return this.refuse(request, response, refuse("invalid_input", "This is no digest.", "Ask for sha256: and 64 lower-case hex digits.", [{ path: "digest", message: "is no digest", remedy: "Write sha256: and 64 hex digits." }]));
    const artifact = await this.deps.artifacts.open(peer.value.identity.projectId, digest.data);
    if (!artifact) return this.refuse(request, response, refuse("not_found", `Project ${peer.value.identity.project} has no artifact ${digest.data}.`, "Upload it, or correct the digest in the manifest."));
    const range = readRange(request.headers.range, artifact.sizeBytes);
    if (range === "unsatisfiable") {
      response.setHeader("content-range", `bytes */${artifact.sizeBytes}`);
      answer(response, 416, { error: { code: "invalid_input", message: `The artifact has ${artifact.sizeBytes} bytes.`, remedy: "Ask for a range within it, or fetch it anew.", field: "range" } });
      return;
    }
    const { from, to } = range ?? { from: 0, to: artifact.sizeBytes };
    response.writeHead(range ? 206 : 200, {
      "content-type": "application/octet-stream", "content-length": to - from, "accept-ranges": "bytes", etag: `"${digest.data}"`, "cache-control": "private, immutable, max-age=31536000",
      ...(range ? { "content-range": `bytes ${from}-${to - 1}/${artifact.sizeBytes}` } : {}),
    });
    if (headOnly || from === to) return void response.end();
    // A reader that takes nothing for so long is gone; it resumes where it was.
    response.setTimeout(120_000, () => response.destroy());
    for await (const chunk of artifact.read(from, to)) {
      if (response.destroyed) return;
      this.metrics.artifactBytes.inc(chunk.length);
      // A reader that pauses makes us pause; one that has gone ends the wait by closing.
      if (!response.write(chunk)) await Promise.race([once(response, "drain"), once(response, "close")]);
    }
    response.end();
  }

  private throttled(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.certificates.take(addressOf(request), this.deps.clock.nowMs())) return false;
    this.refuse(request, response, refuse("throttled", "Too many requests for certificates came from this address.", "Wait a minute and try again."));
    return true;
  }

  private wrongMethod(request: IncomingMessage, response: ServerResponse, allow: string): void {
    response.setHeader("allow", allow);
    closeUnlessRead(request, response);
    answer(response, 405, { error: { code: "invalid_input", message: `Use ${allow} here.`, remedy: `Send the request with ${allow}.` } });
  }

  private refuse(request: IncomingMessage, response: ServerResponse, r: ReturnType<typeof refuse>): void {
    this.metrics.refused.inc({ code: r.code });
    this.deps.log.warn({ code: r.code, detail: r.message, path: request.url?.slice(0, 200), address: addressOf(request) }, "refused a request");
    answerRefusal(request, response, r);
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** Reads `bytes=N-` or `bytes=N-M` (RFC 9110, section 14.2) as a half-open range; null when there is none or it is of another form, which is then ignored. */
export function readRange(header: string | undefined, sizeBytes: number): { from: number; to: number } | "unsatisfiable" | null {
  const m = /^bytes=(\d{1,15})-(\d{1,15})?$/.exec(header ?? "");
  if (!m) return null;
  const from = Number(m[1]);
  const to = m[2] === undefined ? sizeBytes : Math.min(sizeBytes, Number(m[2]) + 1);
  // Everything is there already: an agent that resumes at the very end is told so by the size.
  return from >= sizeBytes || from >= to ? "unsatisfiable" : { from, to };
}
