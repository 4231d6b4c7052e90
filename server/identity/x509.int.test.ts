import { execFileSync } from "node:child_process";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fingerprintOf, issueNodeCertificate, issueServerCertificate, makeAuthority, openAuthority, readCertificateRequest, readPeerCertificate, spiffeId } from "./x509";
import type { SigningAuthority } from "./x509";
import { makeRequest } from "../testing/certificate-request";

const nowMs = Date.UTC(2026, 10, 23, 12);
const hour = 3_600_000;
let ours: SigningAuthority;
let foreign: SigningAuthority;
const authority = async (id: string) => openAuthority({ id, ...(await makeAuthority({ id, nowMs })) });
const derOf = (pem: string) => new X509Certificate(pem).raw;

beforeAll(async () => {
  ours = await authority("ours");
  foreign = await authority("foreign");
});

describe("a node's certificate", () => {
  // Guarantee: what the authority issues is read back as exactly the node, key and times it was issued for.
  it("is read back as what it was issued for, by the authority that issued it only", async () => {
    const { csr } = await makeRequest();
    const request = await readCertificateRequest(csr);
    if (!request.ok) throw new Error(request.error);
    const issued = await issueNodeCertificate(ours, { request: request.value, project: "default", nodeId: "node-1", nowMs, lifeMs: hour });
    expect(readPeerCertificate(derOf(issued.certificate), [foreign, ours])).toEqual({ project: "default", nodeId: "node-1", serial: issued.serial, spkiSha256: request.value.spkiSha256, spki: Buffer.from(request.value.publicKey.rawData).toString("base64"), authorityId: "ours", notBeforeMs: issued.notBeforeMs, notAfterMs: nowMs + hour });
    expect(readPeerCertificate(derOf(issued.certificate), [foreign])).toBeNull();
    expect(new X509Certificate(issued.certificate).subjectAltName).toBe(`URI:${spiffeId("default", "node-1")}`);
  });

  // Guarantee: an authority that only copies our authority's name signs nothing that we accept.
  it("of an authority of the same name and another key is foreign", async () => {
    const twin = await authority("ours");
    const request = await readCertificateRequest((await makeRequest()).csr);
    if (!request.ok) throw new Error(request.error);
    const issued = await issueNodeCertificate(twin, { request: request.value, project: "default", nodeId: "node-1", nowMs, lifeMs: hour });
    expect(readPeerCertificate(derOf(issued.certificate), [ours])).toBeNull();
  });

  // Guarantee: neither a gateway's certificate nor the authority's own passes for a node.
  it("is not a gateway's, nor the authority's own", async () => {
    const server = await issueServerCertificate(ours, { names: ["localhost", "127.0.0.1", "::1"], nowMs, lifeMs: hour });
    expect(readPeerCertificate(derOf(server.certificate), [ours])).toBeNull();
    expect(readPeerCertificate(derOf(ours.certificate), [ours])).toBeNull();
    expect(new X509Certificate(server.certificate).subjectAltName).toBe("DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1");
  });
});

describe("a certificate request", () => {
  // Guarantee: only a P-256 key whose owner signed the request gets a certificate.
  it.each([
    ["no PEM", async () => "hello", "malformed"],
    ["PEM of noise", async () => "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "malformed"],
    ["an RSA key", async () => opensslRequest("rsa:2048"), "wrong_key"],
    ["a P-384 key", async () => (await makeRequest("P-384")).csr, "wrong_key"],
    ["a broken signature", async () => breakLastByte((await makeRequest()).csr), "bad_signature"],
  ])("with %s is refused", async (_what, make, fault) => {
    expect(await readCertificateRequest(await make())).toEqual({ ok: false, error: fault });
  });

  it("made by openssl is accepted", async () => {
    expect(await readCertificateRequest(opensslRequest("ec:"))).toMatchObject({ ok: true });
  });
});

describe("openssl as a second opinion", () => {
  // Guarantee: certificates follow RFC 5280 closely enough for other implementations.
  it("verifies a node's and a gateway's certificate for their purposes and not for each other's", async () => {
    const request = await readCertificateRequest((await makeRequest()).csr);
    if (!request.ok) throw new Error(request.error);
    const now = Date.now();
    const real = await openAuthority({ id: "real", ...(await makeAuthority({ id: "real", nowMs: now })) });
    const node = await issueNodeCertificate(real, { request: request.value, project: "default", nodeId: "node-1", nowMs: now, lifeMs: hour });
    const server = await issueServerCertificate(real, { names: ["localhost"], nowMs: now, lifeMs: hour });
    const check = (pem: string, purpose: string) => {
      writeFileSync(join(folder, "ca.pem"), real.certificate);
      writeFileSync(join(folder, "leaf.pem"), pem);
      try {
        return execFileSync("openssl", ["verify", "-x509_strict", "-purpose", purpose, "-CAfile", join(folder, "ca.pem"), join(folder, "leaf.pem")], { stdio: "pipe" }).toString().includes("OK");
      } catch {
        return false;
      }
    };
    expect([check(node.certificate, "sslclient"), check(node.certificate, "sslserver"), check(server.certificate, "sslserver"), check(server.certificate, "sslclient")]).toEqual([true, false, true, false]);
    expect(fingerprintOf(real.certificate)).toMatch(/^sha256:[0-9a-f]{64}$/);
  });
});

const folder = mkdtempSync(join(tmpdir(), "holdfast-x509-"));
afterAll(() => rmSync(folder, { recursive: true }));

function opensslRequest(key: "rsa:2048" | "ec:"): string {
  const keyFile = join(folder, "key.pem");
  if (key === "ec:") writeFileSync(keyFile, generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }));
  else writeFileSync(keyFile, generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" }));
  return execFileSync("openssl", ["req", "-new", "-key", keyFile, "-subj", "/CN=x"], { stdio: "pipe" }).toString();
}

function breakLastByte(pem: string): string {
  const body = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64");
  body[body.length - 1] = (body[body.length - 1] ?? 0) ^ 1;
  return `-----BEGIN CERTIFICATE REQUEST-----\n${body.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
}
