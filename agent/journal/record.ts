import { crc32 } from "node:zlib";

/**
 * One record of a journal segment: length of the payload and CRC-32 of number and payload (both 32 bits, big endian),
 * number (64 bits), payload. A record that was not written whole, or was damaged, is told by its length or sum.
 */
const HEADER_BYTES = 16;
export const MAX_RECORD_BYTES = 1_048_576;

export type JournalRecord = { number: number; payload: Buffer };

/** A record as bytes. */
export function encodeRecord(number: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  bytes.writeUInt32BE(payload.length, 0);
  bytes.writeBigUInt64BE(BigInt(number), 8);
  payload.copy(bytes, HEADER_BYTES);
  bytes.writeUInt32BE(crc32(bytes.subarray(8)), 4);
  return bytes;
}

/** The whole records at the start of `bytes`, and how many bytes they take: what follows is torn or damaged. */
export function decodeRecords(bytes: Buffer): { records: JournalRecord[]; goodBytes: number } {
  const records: JournalRecord[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const length = bytes.readUInt32BE(at);
    const end = at + HEADER_BYTES + length;
    if (length > MAX_RECORD_BYTES || end > bytes.length || crc32(bytes.subarray(at + 8, end)) !== bytes.readUInt32BE(at + 4)) break;
    records.push({ number: Number(bytes.readBigUInt64BE(at + 8)), payload: bytes.subarray(at + HEADER_BYTES, end) });
    at = end;
  }
  return { records, goodBytes: at };
}
