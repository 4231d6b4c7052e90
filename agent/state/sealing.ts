import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/** Encrypts and decrypts what the agent keeps of secrets on disk. */
export type Sealing = { seal(plain: string, context: string): string; open(sealed: string, context: string): string | null };

const PREFIX = "v1.";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * AES-256-GCM with a key derived from the node's private key. `context` (such as the assignment's id) is bound to the
 * ciphertext, so that one unit's secrets cannot be moved under another's name.
 */
export function createSealing(key: Uint8Array): Sealing {
  return {
    seal(plain, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(context, "utf8"));
      const body = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()]);
      return PREFIX + Buffer.concat([nonce, body, cipher.getAuthTag()]).toString("base64");
    },
    open(sealed, context) {
      if (!sealed.startsWith(PREFIX)) return null;
      const bytes = Buffer.from(sealed.slice(PREFIX.length), "base64");
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return null;
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES)).setAAD(Buffer.from(context, "utf8"));
      decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES)), decipher.final()]).toString("utf8");
      } catch {
        return null;
      }
    },
  };
}

/** Seals a unit's environment; it is what holds secrets. */
export function sealEnvironment(sealing: Sealing, assignmentId: string, environment: Readonly<Record<string, string>>): string {
  return sealing.seal(JSON.stringify(environment), `environment:${assignmentId}`);
}

/** The environment that `sealEnvironment` sealed; null when the key or the unit is another. */
export function openEnvironment(sealing: Sealing, assignmentId: string, sealed: string): Record<string, string> | null {
  const plain = sealing.open(sealed, `environment:${assignmentId}`);
  return plain === null ? null : (JSON.parse(plain) as Record<string, string>);
}
