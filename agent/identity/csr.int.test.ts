import { execFileSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { certificateRequest } from "./csr";
import { der, objectIdentifier } from "./der";

const openssl = (args: string[], input: string): string => execFileSync("openssl", args, { input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });

describe("the certificate request made by hand", () => {
  // Guarantee: OpenSSL accepts the request, its signature verifies and it carries our key.
  it("is accepted by openssl", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const request = certificateRequest(privateKey, "edge-7");
    const text = openssl(["req", "-verify", "-noout", "-text", "-inform", "PEM"], request);
    expect(text).toContain("edge-7");
    expect(text).toContain("ecdsa-with-SHA256");
    expect(text).toContain("prime256v1");
    expect(openssl(["req", "-noout", "-pubkey"], request).trim()).toBe(String(createPublicKey(privateKey).export({ type: "spki", format: "pem" })).trim());
  });

  // Guarantee: lengths and object identifiers are right on both sides of every size boundary.
  it("encodes lengths and identifiers as openssl reads them", () => {
    for (const size of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
      const text = openssl(["asn1parse", "-inform", "DER"], Buffer.from(der(0x04, Buffer.alloc(size, 7))) as unknown as string);
      expect(text).toContain(`l=${String(size).padStart(4)}`);
    }
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 28 }), { minLength: 1, maxLength: 4 }), (arcs) => {
      const dotted = ["1", "3", ...arcs.map(String)].join(".");
      expect(openssl(["asn1parse", "-inform", "DER"], Buffer.from(objectIdentifier(dotted)) as unknown as string)).toMatch(/OBJECT/);
    }), { numRuns: 5 });
  });
});
