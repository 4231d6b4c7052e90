/**
 * The few DER (ITU-T X.690) encodings that a certificate request needs. Written by hand because a whole ASN.1
 * library would be several times the size of everything else in the agent.
 */

/** Tag, definite length, content. */
export function der(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const body = Buffer.concat(parts);
  if (body.length < 128) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length: number[] = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
  return Buffer.concat([Buffer.from([tag, 0x80 + length.length, ...length]), body]);
}

export const sequence = (...parts: Uint8Array[]): Uint8Array => der(0x30, ...parts);
export const setOf = (...parts: Uint8Array[]): Uint8Array => der(0x31, ...parts);
export const utf8String = (text: string): Uint8Array => der(0x0c, Buffer.from(text, "utf8"));
/** A small non-negative INTEGER (below 128). */
export const smallInteger = (n: number): Uint8Array => der(0x02, Buffer.from([n]));
/** A BIT STRING of whole bytes. */
export const bitString = (bytes: Uint8Array): Uint8Array => der(0x03, Buffer.from([0]), bytes);

/** An OBJECT IDENTIFIER such as "2.5.4.3". */
export function objectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left % 128) + 128);
    bytes.push(...digits);
  }
  return der(0x06, Buffer.from(bytes));
}

/** PEM armour around DER. */
export function pem(label: string, bytes: Uint8Array): string {
  const lines = Buffer.from(bytes).toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
