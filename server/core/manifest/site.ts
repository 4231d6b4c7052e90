import { z } from "zod";
import { dnsLabel } from "../base/ids";
import { metadata, API_VERSION } from "./common";

export const siteKinds = ["cloud-region", "on-prem", "grid", "edge"] as const;
export const uplinkClasses = ["fiber", "broadband", "lte", "satellite", "none"] as const;

export const siteSpec = z.strictObject({
  kind: z.enum(siteKinds),
  location: z.strictObject({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180), place: z.string().max(120) }).optional(),
  jurisdiction: z.string().regex(/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/, "an ISO 3166 code such as DE or US-CA"),
  timeZone: z.string().default("UTC").describe("IANA name such as Europe/Berlin."),
  uplink: z.strictObject({ class: z.enum(uplinkClasses), metered: z.boolean().default(false) }),
  rates: z
    .strictObject({ currency: z.string().length(3).default("EUR"), cpuHour: z.number().min(0).default(0), memoryGiBHour: z.number().min(0).default(0), egressGiB: z.number().min(0).default(0) })
    .prefault({}),
  links: z
    .array(
      z.strictObject({
        to: dnsLabel.describe("The other site."),
        latencyMs: z.number().min(0),
        lossPercent: z.number().min(0).max(100).default(0),
        bandwidthMbps: z.number().positive(),
        pricePerGiB: z.number().min(0).default(0),
        simulated: z.boolean().default(false),
      }),
    )
    .max(200)
    .default([]),
});

export const siteManifest = z.strictObject({ apiVersion: z.literal(API_VERSION), kind: z.literal("Site"), metadata, spec: siteSpec });
export type SiteManifest = z.infer<typeof siteManifest>;
export type SiteSpec = z.infer<typeof siteSpec>;
