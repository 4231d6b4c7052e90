import type { LinkShape } from "../relay/shape";
import type { PilotObject } from "./manifests";

/** One node of the pilot: an agent process with its slice of this machine. */
export type PilotNode = { readonly name: string; readonly site: string; readonly slice: string };

/**
 * The nine nodes. The slices add up to two cores and 3.4 GiB, so that the fleet is no larger on screen than a
 * small machine is; an agent offers its slice and no more.
 */
export const NODES: readonly PilotNode[] = [
  ...["cloud-frankfurt", "cloud-virginia", "onprem-lyon"].flatMap((site) => [1, 2].map((number) => ({ name: `${site}-${number}`, site, slice: "cpu=200m,memory=384Mi,disk=1Gi" }))),
  ...["edge-hamburg", "edge-tromso", "edge-nairobi"].map((site) => ({ name: `${site}-1`, site, slice: "cpu=250m,memory=384Mi,disk=1Gi" })),
];

/** Every site of the pilot, in the order in which a person would name them. */
export const SITES: readonly string[] = [...new Set(NODES.map((node) => node.site))];

/** How unsteady a link of a class is, in ms either way; the manifest language has no word for it. */
const JITTER_MS: Record<string, number> = { fiber: 0.2, broadband: 2, lte: 12, satellite: 20 };

/** The site where the control plane is thought to stand; its own nodes reach it at once. */
const AT_GATEWAY: Omit<LinkShape, "jitterMs"> = { latencyMs: 0.5, lossPercent: 0, bandwidthMbps: 1_000 };

/** The shape of a site's relay, from the site's own manifest, so that what is shown and what is simulated agree. */
export function linkShape(site: PilotObject): LinkShape {
  const spec = site.document["spec"] as { uplink: { class: string }; links?: readonly { latencyMs: number; lossPercent?: number; bandwidthMbps: number }[] };
  const link = spec.links?.[0] ?? AT_GATEWAY;
  return { latencyMs: link.latencyMs, lossPercent: link.lossPercent ?? 0, bandwidthMbps: link.bandwidthMbps, jitterMs: JITTER_MS[spec.uplink.class] ?? 0 };
}
