import { z } from "zod";
import { dnsLabel } from "../base/ids";

/** Version of the manifest language. */
export const API_VERSION = "holdfast.dev/v1" as const;

export const labels = z
  .record(z.string().regex(/^[a-zA-Z0-9]([a-zA-Z0-9._/-]{0,61}[a-zA-Z0-9])?$/, "a label key: letters, digits and . _ / -"), z.string().max(253))
  .describe("Free key-value pairs to find and select by.");

export const metadata = z.strictObject({
  name: dnsLabel.describe("Name, unique for its kind in the project."),
  project: dnsLabel.default("default").describe("Project it belongs to."),
  labels: labels.optional(),
  title: z.string().max(120).optional().describe("What people call it, if not by its name."),
  description: z.string().max(2_000).optional(),
});

/**
 * A CEL expression over `site` and `node`, such as
 * `site.kind == "edge" && node.memoryMiB >= 512`. Type-checked at admission (core/selector).
 */
export const celSelector = z.string().min(1).max(2_000).describe('CEL over typed attributes, e.g. site.kind == "edge" && site.jurisdiction == "DE"');

/** A quantity of memory or disk: "512Mi", "2Gi", "750M" or plain bytes. */
export const byteSize = z.string().regex(/^\d+(\.\d+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$/, "write a size such as 256Mi or 2Gi");

const byteUnit: Record<string, number> = { "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };
/** Bytes of a size that `byteSize` accepted; NaN otherwise. */
export function parseBytes(text: string): number {
  const m = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T)?$/.exec(text);
  return m ? Math.round(Number(m[1]) * (byteUnit[m[2] ?? ""] ?? NaN)) : NaN;
}
