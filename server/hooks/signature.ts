import { createHmac, randomBytes } from "node:crypto";

/** A new signing secret in the form of the Standard Webhooks specification: `whsec_` and 24 to 64 bytes in base64. */
export const newSigningSecret = (): string => `whsec_${randomBytes(32).toString("base64")}`;

/**
 * Signature headers of the Standard Webhooks specification 1.0.0: HMAC-SHA-256 over `id.timestamp.body` in base64 with
 * the prefix `v1,`; one signature a secret, separated by spaces, so that a receiver may change over to a new secret.
 * `atMs` is the time of this attempt: receivers refuse old ones, which makes recorded requests useless.
 */
export function signatureHeaders(o: { id: string; atMs: number; body: string; secrets: readonly string[] }): Record<string, string> {
  const timestamp = String(Math.floor(o.atMs / 1_000));
  const sign = (secret: string) => `v1,${createHmac("sha256", Buffer.from(secret.replace(/^whsec_/, ""), "base64")).update(`${o.id}.${timestamp}.${o.body}`).digest("base64")}`;
  return { "webhook-id": o.id, "webhook-timestamp": timestamp, "webhook-signature": o.secrets.map(sign).join(" ") };
}
