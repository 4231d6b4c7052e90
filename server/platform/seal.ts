import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";

/**
 * Seals secrets at rest with the installation's master key: AES-256-GCM, a fresh 96-bit nonce each time (NIST SP
 * 800-38D), the purpose as additional data, so that a sealed value can't be moved to another place and opened there.
 *
 * Envelope: `s1.<key id>.<nonce>.<ciphertext and tag>`, parts in base64url. The key id lets old values be opened while
 * the key is being changed: the first key seals, every key opens.
 */
export interface Sealer {
  /** Id of the key that seals now: the first 12 hex digits of the SHA-256 of the key. */
  readonly keyId: string;
  /** Seals a text for one purpose, such as `secret/<project>/<name>`. */
  seal(plain: string, purpose: string): string;
  /** Opens it. Throws `CannotOpen` when it was changed, moved, or sealed with a key that is not here. */
  open(sealed: string, purpose: string): string;
  /** True when it was sealed with an older key, and should be sealed again. */
  isStale(sealed: string): boolean;
  /** 32 bytes for one use (such as signing cookies), derived from the sealing key by HKDF-SHA-256 (RFC 5869). */
  derive(use: string): Buffer;
}

/** A sealed value that can't be opened, and why. */
export class CannotOpen extends Error {
  override name = "CannotOpen";
}

const idOf = (key: Buffer) => createHash("sha256").update(key).digest("hex").slice(0, 12);

/** Makes a sealer of master keys of 32 bytes each; the first seals. */
export function createSealer(keys: readonly Buffer[]): Sealer {
  const [current] = keys;
  if (!current) throw new Error("a sealer needs at least one key");
  for (const key of keys) if (key.length !== 32) throw new Error(`a master key has 32 bytes, not ${key.length}`);
  const byId = new Map(keys.map((key) => [idOf(key), key]));
  const keyId = idOf(current);
  return {
    keyId,
    seal(plain, purpose) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", current, nonce).setAAD(Buffer.from(purpose, "utf8"));
      const text = Buffer.concat([cipher.update(plain, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return `s1.${keyId}.${nonce.toString("base64url")}.${text.toString("base64url")}`;
    },
    open(sealed, purpose) {
      const [format, id, nonce, text] = sealed.split(".");
      if (format !== "s1" || !id || !nonce || !text) throw new CannotOpen("this is not a sealed value");
      const key = byId.get(id);
      if (!key) throw new CannotOpen(`it was sealed with master key ${id}, which this installation does not have`);
      const bytes = Buffer.from(text, "base64url");
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64url"), { authTagLength: 16 }).setAAD(Buffer.from(purpose, "utf8"));
        decipher.setAuthTag(bytes.subarray(-16));
        return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString("utf8");
      } catch {
        throw new CannotOpen("it was changed, or belongs to another place");
      }
    },
    isStale: (sealed) => sealed.split(".")[1] !== keyId,
    derive: (use) => Buffer.from(hkdfSync("sha256", current, Buffer.alloc(0), `holdfast/${use}`, 32)),
  };
}

/** A new master key as text, for a key file. */
export const newMasterKey = (): string => randomBytes(32).toString("base64");

/**
 * Master keys from text: one a line, base64 of 32 bytes or 64 hex digits, the sealing one first; `#` starts a comment.
 * Throws with the remedy when there is none or one is malformed.
 */
export function parseMasterKeys(text: string): Buffer[] {
  const lines = text.split("\n").map((line) => line.replace(/#.*/, "").trim()).filter((line) => line !== "");
  if (lines.length === 0) throw new Error("There is no master key. Make one with `openssl rand -base64 32`.");
  return lines.map((line, i) => {
    const key = /^[0-9a-f]{64}$/i.test(line) ? Buffer.from(line, "hex") : Buffer.from(line, "base64");
    if (key.length !== 32) throw new Error(`Master key ${i + 1} has ${key.length} bytes and not 32. Make one with \`openssl rand -base64 32\`.`);
    return key;
  });
}

/** The sealer of a process, from `HOLDFAST_MASTER_KEY` or the file that `HOLDFAST_MASTER_KEY_FILE` names. */
export function sealerFrom(env: { HOLDFAST_MASTER_KEY?: string | undefined; HOLDFAST_MASTER_KEY_FILE?: string | undefined }): Sealer {
  if (env.HOLDFAST_MASTER_KEY) return createSealer(parseMasterKeys(env.HOLDFAST_MASTER_KEY.replaceAll(",", "\n")));
  const file = env.HOLDFAST_MASTER_KEY_FILE;
  if (!file) throw new Error("Set HOLDFAST_MASTER_KEY_FILE (or HOLDFAST_MASTER_KEY): secrets are sealed with it. Make one with `openssl rand -base64 32`.");
  if (!existsSync(file)) throw new Error(`The master key file ${file} is not there. Make one with \`openssl rand -base64 32 > ${file}\`, readable by this account only; without the old one, sealed secrets are lost.`);
  return createSealer(parseMasterKeys(readFileSync(file, "utf8")));
}
