import "reflect-metadata";
import { createHash, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

x509.cryptoProvider.set(webcrypto as Crypto);
const P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const YEAR_MS = 365 * 86_400_000;
const serial = (): string => webcrypto.randomUUID().replaceAll("-", "");

/** A throwaway certificate authority for tests, with the certificates a gateway and a node need. */
export class TestAuthority {
  readonly certificate: x509.X509Certificate;
  readonly #keys: CryptoKeyPair;

  private constructor(certificate: x509.X509Certificate, keys: CryptoKeyPair) {
    this.certificate = certificate;
    this.#keys = keys;
  }

  static async create(name = "holdfast test authority"): Promise<TestAuthority> {
    const keys = (await webcrypto.subtle.generateKey(P256, true, ["sign", "verify"])) as CryptoKeyPair;
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serial(),
      name: `CN=${name}`,
      notBefore: new Date(Date.now() - 10 * YEAR_MS),
      notAfter: new Date(Date.now() + YEAR_MS),
      signingAlgorithm: P256,
      keys,
      extensions: [new x509.BasicConstraintsExtension(true, 0, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true)],
    });
    return new TestAuthority(certificate, keys);
  }

  get pem(): string {
    return this.certificate.toString("pem");
  }

  get fingerprint(): string {
    return `sha256:${createHash("sha256").update(Buffer.from(this.certificate.rawData)).digest("hex")}`;
  }

  /** A server certificate for 127.0.0.1 and localhost (or other names), with its key, both PEM. */
  async server(o: { fromMs?: number; toMs?: number; names?: string[] } = {}): Promise<{ certificate: string; key: string }> {
    const keys = (await webcrypto.subtle.generateKey(P256, true, ["sign", "verify"])) as CryptoKeyPair;
    const names = o.names ?? ["localhost", "127.0.0.1"];
    const certificate = await this.#issue(keys.publicKey, "CN=gateway", o.fromMs ?? Date.now() - 60_000, o.toMs ?? Date.now() + YEAR_MS, [
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: /^[\d.]+$/.test(value) ? ("ip" as const) : ("dns" as const), value }))),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    ]);
    const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
    return { certificate, key: x509.PemConverter.encode(pkcs8, "PRIVATE KEY") };
  }

  /** A node's certificate for a request, valid from..to; the request's own signature is verified. */
  async node(csrPem: string, nodeId: string, fromMs: number, toMs: number): Promise<{ certificate: string; publicKey: string }> {
    const request = new x509.Pkcs10CertificateRequest(csrPem);
    if (!(await request.verify())) throw new Error("the request's signature is wrong");
    const certificate = await this.#issue(request.publicKey, `CN=${nodeId}`, fromMs, toMs, [
      new x509.SubjectAlternativeNameExtension([{ type: "url", value: `spiffe://holdfast/project/default/node/${nodeId}` }]),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
    ]);
    return { certificate, publicKey: request.publicKey.toString("pem") };
  }

  async #issue(publicKey: x509.PublicKeyType, subject: string, fromMs: number, toMs: number, extensions: x509.Extension[]): Promise<string> {
    const certificate = await x509.X509CertificateGenerator.create({ serialNumber: serial(), subject, issuer: this.certificate.subject, notBefore: new Date(fromMs), notAfter: new Date(toMs), signingAlgorithm: P256, publicKey, signingKey: this.#keys.privateKey, extensions });
    return certificate.toString("pem");
  }
}
