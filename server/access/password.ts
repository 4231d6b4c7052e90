import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { ScryptOptions } from "node:crypto";
import { refuseNow } from "../core/base/refusal";

/**
 * Passwords are kept as scrypt hashes (RFC 7914) in a PHC string: `$scrypt$ln=15,r=8,p=3$salt$hash`. The cost, 2^15
 * blocks of 8 in 3 passes (32 MiB, about a quarter of a second), is one of the settings that OWASP's password storage
 * sheet names as equal in strength. It stands in the string, so that it can be raised: a hash with another cost is
 * made anew at the next sign-in.
 */
type Cost = { ln: number; r: number; p: number };
export const PASSWORD_COST: Cost = { ln: 15, r: 8, p: 3 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** Two hashes at a time: more would take memory and both cores from the work of the process. */
const MOST_AT_ONCE = 2;
/** Whoever comes when this many wait is sent away: a flood of sign-ins must not become a flood of memory. */
const MOST_WAITING = 100;
let running = 0;
const waiting: (() => void)[] = [];

async function derive(password: string, salt: Buffer, cost: Cost): Promise<Buffer> {
  if (waiting.length >= MOST_WAITING) refuseNow("throttled", "Too many people are signing in at this moment.", "Try again in a minute.");
  // Whoever ends hands its place to the first who waits, so that nobody slips in between.
  if (running >= MOST_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  try {
    const options: ScryptOptions = { N: 2 ** cost.ln, r: cost.r, p: cost.p, maxmem: 256 * 2 ** cost.ln * cost.r };
    return await new Promise<Buffer>((resolve, reject) => {
      // NFKC, so that the same characters typed on another keyboard give the same bytes.
      scrypt(password.normalize("NFKC"), salt, HASH_BYTES, options, (error, key) => (error ? reject(error) : resolve(key)));
    });
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}

const b64 = (bytes: Buffer) => bytes.toString("base64").replace(/=+$/, "");

function write(salt: Buffer, hash: Buffer, cost: Cost): string {
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${b64(salt)}$${b64(hash)}`;
}

function read(phc: string): { salt: Buffer; hash: Buffer; cost: Cost } | null {
  const m = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(phc);
  if (!m) return null;
  const cost = { ln: Number(m[1]), r: Number(m[2]), p: Number(m[3]) };
  if (cost.ln < 10 || cost.ln > 20 || cost.r < 1 || cost.p < 1) return null;
  return { cost, salt: Buffer.from(m[4] ?? "", "base64"), hash: Buffer.from(m[5] ?? "", "base64") };
}

/** Hash of a new password, as a PHC string. */
export async function hashPassword(password: string, cost: Cost = PASSWORD_COST): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  return write(salt, await derive(password, salt, cost), cost);
}

/** Salt and cost of a hash that nobody has the password of, so that an unknown login takes as long as a known one. */
const nobody = { salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES), cost: PASSWORD_COST };

/**
 * Whether the password is the one of the hash, and whether the hash should be made anew. Takes the same time for an
 * unknown login (`phc` null) as for a wrong password, so that answers do not tell which logins exist.
 */
export async function verifyPassword(password: string, phc: string | null): Promise<{ ok: boolean; rehash: boolean }> {
  const known = phc === null ? null : read(phc);
  const against = known ?? nobody;
  const derived = await derive(password, against.salt, against.cost);
  const same = derived.length === against.hash.length && timingSafeEqual(derived, against.hash);
  const { ln, r, p } = against.cost;
  return { ok: known !== null && same, rehash: ln !== PASSWORD_COST.ln || r !== PASSWORD_COST.r || p !== PASSWORD_COST.p };
}

/** A one-time password that can be read aloud: 5 groups of 4 characters, 99 random bits, no look-alikes. */
export function inventPassword(): string {
  const alphabet = "abcdefghjkmnpqrstuvwxyz23456789";
  const characters: string[] = [];
  while (characters.length < 20) {
    for (const byte of randomBytes(40)) {
      // Bytes above the largest multiple are thrown away: a remainder would favour the first characters.
      if (byte < Math.floor(256 / alphabet.length) * alphabet.length && characters.length < 20) characters.push(alphabet[byte % alphabet.length] ?? "a");
    }
  }
  return [0, 4, 8, 12, 16].map((i) => characters.slice(i, i + 4).join("")).join("-");
}
