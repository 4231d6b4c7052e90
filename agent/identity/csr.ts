import { createPublicKey, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { bitString, der, objectIdentifier, pem, sequence, setOf, smallInteger, utf8String } from "./der";

const COMMON_NAME = "2.5.4.3";
const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";

/**
 * A PKCS#10 certificate request (RFC 2986) in PEM for a P-256 key, signed by it with SHA-256. The name is only a
 * courtesy: the authority takes the identity from the join token or from the old certificate, never from the request.
 */
export function certificateRequest(key: KeyObject, commonName: string): string {
  const publicKey = createPublicKey(key).export({ type: "spki", format: "der" });
  const subject = sequence(setOf(sequence(objectIdentifier(COMMON_NAME), utf8String(commonName))));
  const noAttributes = der(0xa0);
  const info = sequence(smallInteger(0), subject, publicKey, noAttributes);
  const signature = sign("sha256", info, { key, dsaEncoding: "der" });
  return pem("CERTIFICATE REQUEST", sequence(info, sequence(objectIdentifier(ECDSA_WITH_SHA256)), bitString(signature)));
}
