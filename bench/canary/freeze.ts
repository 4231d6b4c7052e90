/** Traces as files, so that a run can be judged again, byte by byte the same, by whatever engine. */
import fs from "node:fs";
import path from "node:path";
import { type Trace } from "./trace";

const arrays = ["share", "requests", "errors", "offsets", "latencies", "reported", "dark"] as const;

/** The file of one run in a folder of traces. */
export const traceFile = (folder: string, scenario: string, seed: number): string => path.join(folder, `${scenario}-${seed}.trace`);

/** Writes a trace: length of the header (4 bytes), header in JSON with the arrays' types and lengths, the arrays. */
export function writeTrace(file: string, trace: Trace): void {
  const rest: Record<string, unknown> = { ...trace };
  const parts = arrays.map((name) => {
    const array = trace[name];
    rest[name] = array.length;
    return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  });
  const header = Buffer.from(JSON.stringify(rest));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const making = `${file}.${process.pid}`;
  fs.writeFileSync(making, Buffer.concat([length, header, ...parts]));
  fs.renameSync(making, file);
}

/** Reads what `writeTrace` wrote. */
export function readTrace(file: string): Trace {
  const bytes = fs.readFileSync(file);
  const headerLength = bytes.readUInt32LE(0);
  const header = JSON.parse(bytes.subarray(4, 4 + headerLength).toString()) as Omit<Trace, (typeof arrays)[number]> & Record<(typeof arrays)[number], number>;
  let at = 4 + headerLength;
  const take = <T>(make: new (buffer: ArrayBuffer) => T, size: number, length: number): T => {
    const array = new make(new Uint8Array(bytes.subarray(at, at + size * length)).buffer);
    at += size * length;
    return array;
  };
  return {
    ...header,
    share: take(Float64Array, 8, header.share),
    requests: take(Int32Array, 4, header.requests),
    errors: take(Int32Array, 4, header.errors),
    offsets: take(Int32Array, 4, header.offsets),
    latencies: take(Float32Array, 4, header.latencies),
    reported: take(Uint8Array, 1, header.reported),
    dark: take(Uint8Array, 1, header.dark),
  };
}
