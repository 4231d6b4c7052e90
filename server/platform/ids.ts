import { randomBytes } from "node:crypto";

/** Crockford's base 32 in lower case: no i, l, o or u, so that an id read aloud is not misheard. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

let lastMs = 0;
let counter = 0;

/**
 * A UUID of version 7 (RFC 9562, section 5.7) as 16 bytes: 48 bits of Unix ms, 12 bits that count within one ms (method
 * 1 of section 6.2, so that ids made by one process sort by creation), 62 random bits.
 */
function uuid7(nowMs: number): Buffer {
  if (nowMs > lastMs) {
    lastMs = nowMs;
    counter = 0;
  } else if (++counter > 0xfff) {
    lastMs += 1; // More than 4,096 in a millisecond: borrow from the next.
    counter = 0;
  }
  const bytes = randomBytes(16);
  bytes.writeUIntBE(lastMs, 0, 6);
  bytes.writeUInt16BE(0x7000 | counter, 6);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return bytes;
}

/** 16 bytes as 26 characters, most significant first: text order is byte order. */
function base32(bytes: Buffer): string {
  let value = bytes.readBigUInt64BE(0) * 2n ** 64n + bytes.readBigUInt64BE(8);
  let text = "";
  for (let i = 0; i < 26; i++) {
    text = (alphabet[Number(value & 31n)] ?? "") + text;
    value >>= 5n;
  }
  return text;
}

/**
 * A new id such as `node-01ke4z8p3rfq0b7c2n6yv5x9ta`: the kind, then a UUID v7. It sorts by time of creation, is a DNS
 * label (so it may stand in certificates, host names and file names), and holds 62 random bits. Not a secret.
 */
export function newId(kind: string, nowMs: number = Date.now()): string {
  return `${kind}-${base32(uuid7(nowMs))}`;
}
