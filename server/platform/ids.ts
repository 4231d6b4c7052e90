import { randomBytes } from "node:crypto";

/** Crockford's base 32 in lower case: no i, l, o or u, so that an id read aloud is not misheard. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** Random bytes are drawn many at a time: each call of the system costs as much as a hundred ids. */
const POOL = 4_096;
let pool = Buffer.alloc(0);
let drawn = 0;

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
  if (pool.length - drawn < 16) {
    pool = randomBytes(POOL);
    drawn = 0;
  }
  const bytes = Buffer.from(pool.subarray(drawn, (drawn += 16)));
  bytes.writeUIntBE(lastMs, 0, 6);
  bytes.writeUInt16BE(0x7000 | counter, 6);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return bytes;
}

/** 16 bytes as 26 characters, most significant first: text order is byte order. */
function base32(bytes: Buffer): string {
  let text = "";
  // 128 bits in groups of five from the end: the first character has the three that are left.
  let held = 0;
  let bits = 0;
  for (let i = 15; i >= 0; i--) {
    held |= (bytes[i] as number) << bits;
    bits += 8;
    for (; bits >= 5; bits -= 5, held >>= 5) text = (alphabet[held & 31] ?? "") + text;
  }
  return (alphabet[held] ?? "") + text;
}

/**
 * A new id such as `node-01ke4z8p3rfq0b7c2n6yv5x9ta`: the kind, then a UUID v7. It sorts by time of creation, is a DNS
 * label (so it may stand in certificates, host names and file names), and holds 62 random bits. Not a secret.
 */
export function newId(kind: string, nowMs: number = Date.now()): string {
  return `${kind}-${base32(uuid7(nowMs))}`;
}
