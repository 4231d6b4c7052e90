import { AwsClient } from "aws4fetch";
import { Pieces } from "./backend";
import type { ArtifactBackend } from "./backend";

/** Part size of a multipart upload: S3 asks for 5 MiB at least and 10,000 parts at most, so artifacts reach 80 GB. */
const PART_BYTES = 8_388_608;
/** One request to S3 may take this long. */
const TIMEOUT_MS = 120_000;

/**
 * Bytes in an S3-compatible store. Uploads are multipart, so that nothing is visible before the bytes were found to have
 * the digest they were announced with; an aborted upload leaves nothing. Signature version 4 (aws4fetch); path-style addresses, which every such store accepts.
 */
export function s3Backend(o: { endpoint: string; bucket: string; region: string; accessKeyId: string; secretAccessKey: string; prefix?: string }): ArtifactBackend {
  const aws = new AwsClient({ accessKeyId: o.accessKeyId, secretAccessKey: o.secretAccessKey, region: o.region, service: "s3", retries: 3 });
  const base = `${o.endpoint.replace(/\/$/, "")}/${o.bucket}`;
  const prefix = o.prefix ?? "holdfast/";
  const urlOf = (digest: string, query = "") => `${base}/${prefix}${digest.replace(":", "-")}${query}`;

  async function call(method: string, url: string, body?: Uint8Array | string, headers: Record<string, string> = {}): Promise<Response> {
    const response = await aws.fetch(url, { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS), ...(body === undefined ? {} : { body: body as BodyInit }) });
    if (response.ok) return response;
    const text = (await response.text()).slice(0, 500);
    throw new Error(`the S3 store answered ${response.status} to ${method}: ${/<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? text}`);
  }
  const textIn = (xml: string, tag: string) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1];
  /** Deletes a pending multipart upload. */
  const abandon = (url: string, uploadId: string) => call("DELETE", `${url}?uploadId=${encodeURIComponent(uploadId)}`).then(() => undefined);

  return {
    kind: "s3",
    maxBytes: null,
    async begin(digest) {
      const pieces = new Pieces(PART_BYTES);
      const url = urlOf(digest);
      let uploadId: string | undefined;
      const etags: string[] = [];
      const part = async (bytes: Uint8Array) => {
        uploadId ??= textIn(await (await call("POST", `${url}?uploads`)).text(), "UploadId");
        if (!uploadId) throw new Error("the S3 store began no upload");
        const response = await call("PUT", `${url}?partNumber=${etags.length + 1}&uploadId=${encodeURIComponent(uploadId)}`, bytes);
        etags.push(response.headers.get("etag") ?? "");
      };
      return {
        async write(bytes) {
          for (const piece of pieces.add(bytes)) await part(piece);
        },
        async commit() {
          const last = pieces.rest();
          // One that fits a single part needs no multipart upload.
          if (!uploadId) return void (await call("PUT", url, last));
          if (last.length > 0) await part(last);
          const list = etags.map((etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag.replaceAll("&", "&amp;")}</ETag></Part>`).join("");
          await call("POST", `${url}?uploadId=${encodeURIComponent(uploadId)}`, `<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`, { "content-type": "application/xml" });
          uploadId = undefined;
        },
        async abort() {
          pieces.rest();
          if (uploadId) await abandon(url, uploadId);
          uploadId = undefined;
        },
      };
    },
    async *read(digest, from, to) {
      if (to <= from) return;
      const response = await aws.fetch(urlOf(digest), { headers: { range: `bytes=${from}-${to - 1}` } });
      if (!response.ok || !response.body) throw new Error(`the S3 store answered ${response.status} for ${digest}`);
      // A store that ignores the range sends the whole: skip what was not asked for.
      let skip = response.status === 206 ? 0 : from;
      let left = to - from;
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        const useful = chunk.subarray(Math.min(skip, chunk.length), Math.min(chunk.length, skip + left));
        skip -= Math.min(skip, chunk.length);
        left -= useful.length;
        if (useful.length > 0) yield useful;
        if (left === 0) return;
      }
      if (left > 0) throw new Error(`the S3 store cut ${digest} short`);
    },
    remove: (digest) => call("DELETE", urlOf(digest)).then(() => undefined),
    async sweep(beforeMs) {
      const listed = await (await call("GET", `${base}?uploads&prefix=${encodeURIComponent(prefix)}`)).text();
      let count = 0;
      for (const [, upload] of listed.matchAll(/<Upload>([^]*?)<\/Upload>/g)) {
        const key = textIn(upload ?? "", "Key");
        const uploadId = textIn(upload ?? "", "UploadId");
        if (!key || !uploadId || Date.parse(textIn(upload ?? "", "Initiated") ?? "") >= beforeMs) continue;
        await abandon(`${base}/${key}`, uploadId);
        count++;
      }
      return count;
    },
  };
}
