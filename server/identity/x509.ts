/**
 * The embedded authority's cryptography: what a certificate of Holdfast looks like, how one is made and how one is read.
 * Nothing here knows the store or the clock: times come in. Profile: X.509 v3 (RFC 5280), ECDSA P-256 with SHA-256;
 * nodes are named by a SPIFFE id in the subject alternative name, as X.509-SVIDs are (SPIFFE X509-SVID, section 2).
 */
import "reflect-metadata";
import { createHash, createPublicKey, randomBytes, webcrypto, X509Certificate as NodeCertificate } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { err, ok } from "../core/base/result";
import type { Result } from "../core/base/result";

const crypto = webcrypto as unknown as Crypto;
x509.cryptoProvider.set(crypto);

const P256 = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
/** Clocks of nodes may be behind by this much before a fresh certificate looks like one from the future. */
export const SKEW_MS = 5 * 60_000;
export const AUTHORITY_YEARS = 10;

/** SPIFFE id of a node: the one name that the gateway reads from a certificate. */
export const spiffeId = (project: string, nodeId: string) => `spiffe://holdfast/project/${project}/node/${nodeId}`;
const spiffeForm = /^spiffe:\/\/holdfast\/project\/([a-z0-9-]{1,63})\/node\/([a-z0-9-]{1,80})$/;

export const sha256Hex = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
/** Fingerprint that people compare and agents pin: SHA-256 of the certificate's DER. */
export const fingerprintOf = (pem: string) => `sha256:${sha256Hex(new NodeCertificate(pem).raw)}`;

/** An authority with its private key, opened for signing. */
export type SigningAuthority = { id: string; certificate: string; key: webcrypto.CryptoKey };

/** A new authority: self-signed certificate in PEM and its private key as base64 of PKCS#8, to be sealed by the caller. */
export async function makeAuthority(o: { id: string; nowMs: number }): Promise<{ certificate: string; privateKey: string; notAfterMs: number }> {
  const keys = await crypto.subtle.generateKey(P256, true, ["sign", "verify"]);
  const notAfterMs = o.nowMs + AUTHORITY_YEARS * 365 * 86_400_000;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: `CN=Holdfast authority ${o.id}`,
    notBefore: new Date(o.nowMs - SKEW_MS),
    notAfter: new Date(notAfterMs),
    signingAlgorithm: SIGNING,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString("pem"), privateKey: Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64"), notAfterMs };
}

/** Opens an authority for signing. */
export async function openAuthority(o: { id: string; certificate: string; privateKey: string }): Promise<SigningAuthority> {
  const key = await webcrypto.subtle.importKey("pkcs8", Buffer.from(o.privateKey, "base64"), P256, false, ["sign"]);
  return { id: o.id, certificate: o.certificate, key };
}

export type IssuedCertificate = { certificate: string; serial: string; notBeforeMs: number; notAfterMs: number };

/** Issues a node's certificate for the key of its request: client authentication only, valid from a little before now. */
export function issueNodeCertificate(authority: SigningAuthority, o: { request: CertificateRequest; project: string; nodeId: string; nowMs: number; lifeMs: number }): Promise<IssuedCertificate> {
  return issue(authority, { publicKey: o.request.publicKey, subject: `CN=${o.nodeId}`, nowMs: o.nowMs, lifeMs: o.lifeMs, usage: CLIENT_AUTH, names: [{ type: "url", value: spiffeId(o.project, o.nodeId) }] });
}

/** Issues a gateway's certificate for host names and addresses, with a new key that never leaves the process. */
export async function issueServerCertificate(authority: SigningAuthority, o: { names: string[]; nowMs: number; lifeMs: number }): Promise<IssuedCertificate & { privateKey: string }> {
  const keys = await crypto.subtle.generateKey(P256, true, ["sign", "verify"]);
  const names = o.names.map((value) => (/^[\d.]+$|:/.test(value) ? ({ type: "ip", value } as const) : ({ type: "dns", value } as const)));
  const issued = await issue(authority, { publicKey: await x509.PublicKey.create(keys.publicKey), subject: "CN=holdfast gateway", nowMs: o.nowMs, lifeMs: o.lifeMs, usage: SERVER_AUTH, names });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return { ...issued, privateKey: `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/(.{64})/g, "$1\n").trimEnd()}\n-----END PRIVATE KEY-----\n` };
}

async function issue(authority: SigningAuthority, o: { publicKey: x509.PublicKey; subject: string; nowMs: number; lifeMs: number; usage: string; names: { type: "url" | "dns" | "ip"; value: string }[] }): Promise<IssuedCertificate> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const serial = newSerial();
  // Certificates count in whole seconds.
  const notBeforeMs = Math.floor((o.nowMs - SKEW_MS) / 1_000) * 1_000;
  const notAfterMs = Math.ceil((o.nowMs + o.lifeMs) / 1_000) * 1_000;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: o.subject,
    issuer: issuer.subjectName,
    notBefore: new Date(notBeforeMs),
    notAfter: new Date(notAfterMs),
    signingAlgorithm: SIGNING,
    publicKey: o.publicKey,
    signingKey: authority.key as unknown as CryptoKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([o.usage]),
      new x509.SubjectAlternativeNameExtension(o.names),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(o.publicKey),
    ],
  });
  return { certificate: certificate.toString("pem"), serial, notBeforeMs, notAfterMs };
}

/** 127 random bits, positive, as RFC 5280 section 4.1.2.2 asks; lower-case hex as kept in the store. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

/** A certificate request whose signature holds: its owner has the private key. */
export type CertificateRequest = { publicKey: x509.PublicKey; spkiSha256: string };
export type RequestFault = "malformed" | "wrong_key" | "bad_signature";

/** Reads a PKCS#10 request in PEM. Errors: not readable, another key than P-256, or a signature by another key. */
export async function readCertificateRequest(pem: string): Promise<Result<CertificateRequest, RequestFault>> {
  let request: x509.Pkcs10CertificateRequest;
  try {
    if (!/^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(pem)) return err("malformed");
    request = new x509.Pkcs10CertificateRequest(pem);
  } catch {
    return err("malformed");
  }
  const algorithm = request.publicKey.algorithm as { name: string; namedCurve?: string };
  if (algorithm.name !== "ECDSA" || algorithm.namedCurve !== "P-256") return err("wrong_key");
  try {
    // The key is read once more by OpenSSL, which refuses a point that is not on the curve.
    createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: "der", type: "spki" });
    if (!(await request.verify())) return err("bad_signature");
  } catch {
    return err("bad_signature");
  }
  return ok({ publicKey: request.publicKey, spkiSha256: sha256Hex(new Uint8Array(request.publicKey.rawData)) });
}

/** What a node's certificate says, once one of our authorities is known to have signed it. `spki`: its public key, DER in base64. */
export type PeerCertificate = { project: string; nodeId: string; serial: string; spkiSha256: string; spki: string; authorityId: string; notBeforeMs: number; notAfterMs: number };

/**
 * Reads the certificate that a peer presented. Null when it was not issued to a node by one of these authorities
 * (foreign). Time is not judged here: whether an ended certificate may still do something is the caller's to say.
 */
export function readPeerCertificate(der: Buffer, authorities: readonly { id: string; certificate: string }[]): PeerCertificate | null {
  try {
    const leaf = new NodeCertificate(der);
    const authority = authorities.find((a) => {
      const issuer = new NodeCertificate(a.certificate);
      return leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey);
    });
    if (!authority || leaf.ca || !(leaf.keyUsage as string[] | undefined)?.includes(CLIENT_AUTH)) return null;
    const name = spiffeForm.exec(/^URI:(\S+)$/.exec(leaf.subjectAltName ?? "")?.[1] ?? "");
    if (!name?.[1] || !name[2]) return null;
    const spki = leaf.publicKey.export({ type: "spki", format: "der" });
    return { project: name[1], nodeId: name[2], serial: leaf.serialNumber.toLowerCase(), spkiSha256: sha256Hex(spki), spki: spki.toString("base64"), authorityId: authority.id, notBeforeMs: Date.parse(leaf.validFrom), notAfterMs: Date.parse(leaf.validTo) };
  } catch {
    return null;
  }
}
