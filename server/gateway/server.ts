import { createServer } from "node:https";
import type { Server } from "node:https";
import type { IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { refuse } from "../core/base/refusal";
import type { Refusal } from "../core/base/refusal";
import { MAX_FRAME_BYTES, PROTOCOL } from "../protocol/messages";
import type { GatewayMessage } from "../protocol/messages";
import type { GatewayDeps } from "./deps";
import { addressOf, certificateOf, errorBody, statusFor } from "./http";
import { Hub } from "./hub";
import { gatewayMetrics } from "./metrics";
import { Requests } from "./requests";
import { ServerCertificate } from "./server-certificate";
import { Session } from "./session";

const CERTIFICATE_CHECK_MS = 30_000;
/** The socket's own limit, above ours: a message between the two gets a typed refusal before the socket is closed. */
const SOCKET_MAX_PAYLOAD = 2 * MAX_FRAME_BYTES;
/** Refusals that an agent of ours can act on, told in the protocol's own words after the upgrade. */
const asRefused = { expired: "expired", revoked: "revoked", not_found: "unknown_node" } as const;

export interface Gateway {
  /** Port it listens on. */
  readonly port: number;
  /** Sessions that are open. */
  readonly sessions: number;
  /** Beats the clockwork once, for tests that move the clock. */
  tick(): Promise<void>;
  /** Tells agents to come back later, ends all sessions, closes. */
  stop(): Promise<void>;
}

/**
 * Starts a gateway: TLS 1.2 or newer, a client certificate asked for but judged by each path itself, because joining
 * machines have none yet and an ended one may still renew.
 */
export async function startGateway(deps: GatewayDeps): Promise<Gateway> {
  const { settings, log } = deps;
  await deps.identity.authorities.ensure();
  const metrics = gatewayMetrics(deps.registry);
  const hub = new Hub(deps, metrics);
  const requests = new Requests(deps, metrics);
  const certificate = new ServerCertificate(deps.identity, deps.clock, settings.publicAddress);

  const server = createServer({
    ...(await certificate.issue()),
    minVersion: "TLSv1.2",
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ["http/1.1"],
    handshakeTimeout: settings.handshakeTimeoutMs,
    maxHeaderSize: 16_384,
    headersTimeout: settings.headersTimeoutMs,
    requestTimeout: settings.headersTimeoutMs * 3,
    keepAliveTimeout: 5_000,
    connectionsCheckingInterval: Math.min(2_000, settings.headersTimeoutMs / 2),
  });
  server.maxConnections = settings.maxConnections;
  server.maxHeadersCount = 100;
  const connections = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
  });
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: SOCKET_MAX_PAYLOAD, clientTracking: false, handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false) });

  server.on("request", (request, response) => void requests.handle(request, response));
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    upgrade(request, socket, head).catch((error: unknown) => {
      metrics.handshakes.inc({ outcome: "failed" });
      log.error({ err: error, address: addressOf(request) }, "an upgrade failed");
      refuseUpgrade(socket, refuse("unavailable", "The gateway can't open a session now.", "The agent tries again by itself."));
    });
  });
  server.on("tlsClientError", (error: Error, socket) => {
    metrics.handshakes.inc({ outcome: "tls_failed" });
    log.debug({ err: error.message, address: socket.remoteAddress }, "a TLS handshake failed");
  });
  server.on("clientError", (error: Error & { code?: string }, socket: Duplex) => {
    const tooLarge = error.code === "HPE_HEADER_OVERFLOW";
    const slow = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
    metrics.refused.inc({ code: tooLarge ? "headers_too_large" : slow ? "too_slow" : "malformed_http" });
    log.warn({ code: error.code ?? "malformed_http", address: (socket as { remoteAddress?: string }).remoteAddress }, "refused a request");
    // What fails before or below HTTP gets no answer: the handshake may never have ended.
    if (!socket.writable || !(slow || error.code?.startsWith("HPE_"))) return void socket.destroy();
    const [status, message] = tooLarge ? ["431 Request Header Fields Too Large", "The request's head is too large."] : slow ? ["408 Request Timeout", "The request came too slowly."] : ["400 Bad Request", "This is no HTTP request."];
    writePlain(socket, status, { error: { code: tooLarge ? "too_large" : slow ? "throttled" : "invalid_input", message, remedy: "Send a well-formed request in time." } });
  });

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const address = addressOf(request);
    const refused = (r: Refusal) => {
      metrics.handshakes.inc({ outcome: r.code });
      metrics.refused.inc({ code: r.code });
      log.warn({ code: r.code, detail: r.message, address }, "refused a session");
      refuseUpgrade(socket, r);
    };
    if ((request.url ?? "").split("?")[0] !== "/v1/session") return refused(refuse("not_found", "There is no WebSocket at this path.", "Use /v1/session."));
    const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((p) => p.trim());
    if (!offered.includes(PROTOCOL)) return refused(refuse("invalid_input", `This gateway speaks ${PROTOCOL}.`, `Offer the subprotocol ${PROTOCOL}, or update the agent.`));
    const peer = await hub.gate.run(() => deps.identity.checkPeer(certificateOf(request), { expired: "refused" }));
    if (socket.destroyed) return;
    if (peer.ok) {
      sockets.handleUpgrade(request, socket, head, (ws) => {
        metrics.handshakes.inc({ outcome: "opened" });
        hub.add(new Session(hub, ws, peer.value, address));
      });
      return;
    }
    const code = peer.error.code in asRefused ? asRefused[peer.error.code as keyof typeof asRefused] : undefined;
    if (!code) return refused(peer.error);
    // The certificate is one of ours, only not good any more: the agent learns why in the protocol, and acts on it.
    sockets.handleUpgrade(request, socket, head, (ws) => {
      metrics.handshakes.inc({ outcome: code });
      metrics.refused.inc({ code });
      log.warn({ code, detail: peer.error.message, address }, "refused a session");
      ws.on("error", () => ws.terminate());
      ws.send(JSON.stringify({ type: "refused", code, message: peer.error.message, remedy: peer.error.remedy, fatal: true, retryAfterMs: null } satisfies GatewayMessage));
      ws.close(1008, code);
      setTimeout(() => ws.terminate(), 2_000).unref();
    });
  }

  async function renewCertificate(): Promise<void> {
    try {
      await deps.identity.authorities.retireEmpty();
      const issuing = (await deps.identity.authorities.believed()).findLast((a) => a.state === "active");
      if (issuing) metrics.authorityEnds.set(issuing.notAfterMs / 1_000);
      if (!(await certificate.due())) return;
      server.setSecureContext({ ...(await certificate.issue()), minVersion: "TLSv1.2" });
      log.info("the gateway's own certificate was replaced");
    } catch (error) {
      log.error({ err: error }, "the gateway's own certificate could not be looked after; it is tried again");
    }
  }

  const certificateTimer = setInterval(() => void renewCertificate(), CERTIFICATE_CHECK_MS);
  await hub.start();
  await listen(server, settings.port, settings.host);
  void renewCertificate();
  const { port } = server.address() as AddressInfo;
  log.info({ host: settings.host, port }, "listening for agents");

  return {
    port,
    get sessions() {
      return hub.size;
    },
    tick: async () => {
      await renewCertificate();
      await hub.tick();
    },
    async stop() {
      clearInterval(certificateTimer);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await hub.stop();
      server.closeIdleConnections();
      // Downloads get a moment to end; an agent resumes what is cut off. Whatever else is still there is cut off too.
      const cut = setTimeout(() => connections.forEach((socket) => socket.destroy()), 3_000);
      await closed;
      clearTimeout(cut);
    },
  };
}

function refuseUpgrade(socket: Duplex, r: Refusal): void {
  writePlain(socket, `${statusFor(r)} Refused`, errorBody(r));
}

function writePlain(socket: Duplex, status: string, body: unknown): void {
  if (!socket.writable) return void socket.destroy();
  const text = `${JSON.stringify(body)}\n`;
  socket.end(`HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`);
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
