/** Where the bytes of artifacts are kept. A backend knows digests and bytes; projects, names and rights are the feature's. */
export interface ArtifactBackend {
  /** Kept with each artifact, so that one stored before the setting changed is still found. */
  readonly kind: "postgres" | "directory" | "s3";
  /** Largest artifact it takes, in bytes; null for no limit of its own. */
  readonly maxBytes: number | null;
  /** Begins an upload of bytes that are said to have this digest; nobody can see it until it is committed. */
  begin(digest: string): Promise<ArtifactUpload>;
  /** Bytes from..to (half open) of a committed artifact, in pieces; throws when they are not there. */
  read(digest: string, from: number, to: number): AsyncIterable<Uint8Array>;
  /** Deletes a committed artifact; nothing happens when there is none. */
  remove(digest: string): Promise<void>;
  /** Deletes what uploads that never ended left behind before a time; gives how many there were. */
  sweep(beforeMs: number): Promise<number>;
}

/** One upload. Either `commit` or `abort` ends it; after an abort nothing is left. */
export interface ArtifactUpload {
  write(bytes: Uint8Array): Promise<void>;
  /** Makes it readable under its digest, which the caller has verified. */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** Gathers bytes into pieces of one size. */
export class Pieces {
  private parts: Uint8Array[] = [];
  private bytes = 0;

  constructor(private readonly size: number) {}

  /** Adds bytes; gives the whole pieces that are full now. */
  add(bytes: Uint8Array): Uint8Array[] {
    const full: Uint8Array[] = [];
    let rest = bytes;
    while (this.bytes + rest.length >= this.size) {
      const take = this.size - this.bytes;
      full.push(Buffer.concat([...this.parts, rest.subarray(0, take)]));
      this.parts = [];
      this.bytes = 0;
      rest = rest.subarray(take);
    }
    if (rest.length > 0) {
      // A copy: the caller's buffer may be reused.
      this.parts.push(Buffer.from(rest));
      this.bytes += rest.length;
    }
    return full;
  }

  /** What is left. */
  rest(): Uint8Array {
    const left = Buffer.concat(this.parts);
    this.parts = [];
    this.bytes = 0;
    return left;
  }
}
