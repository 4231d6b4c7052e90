import { createHash, createPrivateKey, webcrypto } from "node:crypto";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

/** A fresh key and a PKCS#10 request for it, as an agent makes them. `key` is PEM, for a TLS client. */
export async function makeRequest(curve: "P-256" | "P-384" = "P-256", existing?: CryptoKeyPair): Promise<{ csr: string; key: string; keys: CryptoKeyPair; spkiSha256: string }> {
  const crypto = webcrypto as unknown as Crypto;
  const keys = existing ?? ((await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: curve }, true, ["sign", "verify"])) as CryptoKeyPair);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: "CN=node", keys, signingAlgorithm: { name: "ECDSA", hash: curve === "P-256" ? "SHA-256" : "SHA-384" } }, crypto);
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" }).export({ type: "pkcs8", format: "pem" }).toString();
  return { csr: request.toString("pem"), key, keys, spkiSha256: createHash("sha256").update(Buffer.from(request.publicKey.rawData)).digest("hex") };
}
