import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** A new secret token with 256 random bits, such as `hft_…`. The prefix lets secret scanners and people recognise it. */
export function newToken(prefix: string): string {
  return `${prefix}_${randomBytes(32).toString("base64url")}`;
}

/**
 * What the store keeps of a token. A plain SHA-256 is enough for a token of 256 random bits (there is nothing to guess,
 * unlike with a password), and lets a row be found by it.
 */
export function hashToken(token: string): string {
  return createHash("sha256").update(token, "utf8").digest("hex");
}

/** Compares two texts in a time that depends only on their lengths. */
export function sameSecret(a: string, b: string): boolean {
  const left = createHash("sha256").update(a, "utf8").digest();
  const right = createHash("sha256").update(b, "utf8").digest();
  return timingSafeEqual(left, right);
}
