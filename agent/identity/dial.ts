import { createHash, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { checkServerIdentity, connect } from "node:tls";
import type { ConnectionOptions, PeerCertificate, TLSSocket } from "node:tls";
import { Fault, systemCode, textOf } from "../platform/fault";

/** Where the gateway listens. */
export type Address = { host: string; port: number };

/** Whom to trust, and as whom to speak. `authority` and the client's certificate and key are PEM. */
export type Trust = { authority: string; client?: { certificate: string; key: string } };

/** Short, because a connection that began in a black hole never comes out of it; long enough for a satellite link. */
const DIAL_TIMEOUT_MS = 8_000;
/** How far this machine's clock may be off before the gateway's certificate is refused for its dates. */
const CLOCK_TOLERANCE_MS = 24 * 3_600_000;
const datesOnly = new Set(["CERT_NOT_YET_VALID", "CERT_HAS_EXPIRED"]);

/** Reads "host:port" (IPv6 in brackets). */
export function parseAddress(text: string): Address | null {
  const m = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s/]+)):(\d{1,5})$/.exec(text);
  const port = Number(m?.[3]);
  return m && port > 0 && port < 65_536 ? { host: m[1] ?? m[2] ?? "", port } : null;
}

/**
 * A TLS connection to the gateway, verified. OpenSSL decides, with one exception: a machine whose clock is wrong (no
 * battery, no time server yet) must still reach the gateway that tells it the time. So when the dates are the only
 * complaint, chain and name are checked by hand and the dates with a day's tolerance.
 */
export async function dial(address: Address, trust: Trust, nowMs: number): Promise<TLSSocket> {
  try {
    return await open(address, { ...optionsOf(address, trust), rejectUnauthorized: true });
  } catch (error) {
    if (!datesOnly.has(systemCode(error) ?? "")) throw error;
    const socket = await open(address, { ...optionsOf(address, trust), rejectUnauthorized: false });
    const complaint = complaintOf(socket, address, certificatesIn(trust.authority), nowMs);
    if (complaint === null) return socket;
    socket.destroy();
    throw new Fault("gateway_unreachable", `The gateway's certificate is not accepted: ${complaint}.`, "Set this machine's clock, or renew the gateway's certificate.");
  }
}

/**
 * Finds the authority's certificate with this fingerprint among those the gateway presents; PEM. It is what makes the
 * first contact safe: nothing is sent before the chain has been verified against it by `dial`.
 */
export async function authorityByFingerprint(address: Address, fingerprint: string): Promise<string> {
  const wanted = fingerprint.replace(/^sha256:/i, "").replaceAll(":", "").toLowerCase();
  const socket = await open(address, { ...optionsOf(address, { authority: "" }), rejectUnauthorized: false });
  const presented = chainOf(socket);
  socket.destroy();
  const found = presented.find((raw) => createHash("sha256").update(raw).digest("hex") === wanted);
  if (found) return new X509Certificate(found).toString();
  const root = presented.at(-1);
  const seen = root ? `sha256:${createHash("sha256").update(root).digest("hex")}` : "no certificate";
  throw new Fault("fingerprint_mismatch", `The gateway at ${address.host}:${address.port} does not present the authority ${fingerprint}; it presents ${seen}.`, "Copy --ca-fingerprint again from Settings, join tokens; if it still differs, somebody may stand between: do not go on.");
}

function optionsOf(address: Address, trust: Trust): ConnectionOptions {
  return {
    host: address.host,
    port: address.port,
    // A server name must be a name (RFC 6066); addresses are matched against the certificate all the same.
    ...(isIP(address.host) ? {} : { servername: address.host }),
    minVersion: "TLSv1.2",
    ALPNProtocols: ["http/1.1"],
    ...(trust.authority === "" ? {} : { ca: trust.authority }),
    ...(trust.client ? { cert: trust.client.certificate, key: trust.client.key } : {}),
  };
}

function open(address: Address, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect(options);
    const late = setTimeout(() => socket.destroy(new Error(`no TLS answer from ${address.host}:${address.port} within ${DIAL_TIMEOUT_MS} ms`)), DIAL_TIMEOUT_MS);
    socket.once("secureConnect", () => {
      clearTimeout(late);
      socket.removeListener("error", failed);
      socket.setKeepAlive(true, 30_000);
      resolve(socket);
    });
    const failed = (error: Error): void => {
      clearTimeout(late);
      reject(error);
    };
    socket.once("error", failed);
  });
}

/** DER of the certificates the peer presented, leaf first, authority last. */
function chainOf(socket: TLSSocket): Buffer[] {
  const chain: Buffer[] = [];
  for (let at: PeerCertificate | undefined = socket.getPeerCertificate(true); at?.raw && chain.length < 10; ) {
    chain.push(at.raw);
    const issuer: PeerCertificate | undefined = "issuerCertificate" in at ? (at.issuerCertificate as PeerCertificate) : undefined;
    if (!issuer?.raw || issuer.raw.equals(at.raw)) break;
    at = issuer;
  }
  return chain;
}

/** Certificates of a PEM bundle. */
export function certificatesIn(bundle: string): X509Certificate[] {
  return (bundle.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []).map((p) => new X509Certificate(p));
}

function complaintOf(socket: TLSSocket, address: Address, authorities: readonly X509Certificate[], nowMs: number): string | null {
  const raw = chainOf(socket)[0];
  if (!raw) return "none was presented";
  const leaf = new X509Certificate(raw);
  if (!authorities.some((a) => a.ca && leaf.checkIssued(a) && leaf.verify(a.publicKey))) return "it was not issued by the authority of this node";
  try {
    const wrongName = checkServerIdentity(address.host, leaf.toLegacyObject() as unknown as PeerCertificate);
    if (wrongName) return textOf(wrongName);
  } catch (error) {
    return textOf(error);
  }
  const early = Date.parse(leaf.validFrom) - CLOCK_TOLERANCE_MS;
  const late = Date.parse(leaf.validTo) + CLOCK_TOLERANCE_MS;
  return nowMs < early || nowMs > late ? `it is valid from ${leaf.validFrom} to ${leaf.validTo}, and this machine's clock says ${new Date(nowMs).toUTCString()}` : null;
}
