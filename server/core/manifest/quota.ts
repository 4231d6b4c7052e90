import { z } from "zod";
import { dnsLabel } from "../base/ids";
import { byteSize, metadata, API_VERSION } from "./common";

/** Amounts of what is limited; what no quota of a tree names is not limited in it. */
const amounts = z
  .strictObject({
    cpuMillis: z.int().min(0).optional().describe("Thousandths of a core."),
    memory: byteSize.optional(),
    disk: byteSize.optional(),
    devices: z.int().min(0).optional().describe("Accelerators of any model."),
    models: z.record(z.string().min(1).max(120), z.int().min(0)).optional().describe("Accelerators by model."),
  })
  .describe("How much of each resource.");

export const quotaSpec = z.strictObject({
  parent: dnsLabel.optional().describe("Another Quota that this one is part of. Quotas with one parent lend each other what they do not use."),
  nominal: amounts.prefault({}).describe("What is its own: nobody else keeps it when it is needed here."),
  borrowingLimit: amounts.optional().describe("At most so much above nominal; what is not named: whatever the others leave."),
  lendingLimit: amounts.optional().describe("At most so much of nominal may be used by others; what is not named: all of it."),
  weight: z.number().positive().max(1_000).optional().describe("Of two that borrow, one with weight 2 is due twice as much; 1 by default."),
  reclaim: z.enum(["never", "lowerPriority", "any"]).optional().describe("Whose units stop when others borrow what is needed here: none, those of lower priority (the default), or any."),
});

export const quotaManifest = z.strictObject({ apiVersion: z.literal(API_VERSION), kind: z.literal("Quota"), metadata, spec: quotaSpec });
export type QuotaManifest = z.infer<typeof quotaManifest>;
export type QuotaSpec = z.infer<typeof quotaSpec>;
export type QuotaAmounts = z.infer<typeof amounts>;
