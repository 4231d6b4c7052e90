import type { SiteManifest } from "../core/manifest";
import { siteSpec } from "../core/manifest/site";
import { newId } from "../platform";
import { objects, sites } from "../store";
import type { Tx } from "../store";

const pairOf = (a: string, b: string): [string, string] => (a < b ? [a, b] : [b, a]);

/**
 * Writes the runtime rows of a Site: the site's own, and the links it declares. A link may be declared by either of its
 * ends; one that this site no longer declares goes, unless the other end declares it.
 */
export async function writeSiteRows(tx: Tx, projectId: string, id: string, m: SiteManifest): Promise<void> {
  const name = m.metadata.name;
  await sites.upsert(tx.client, { id, projectId, name, title: m.metadata.title ?? name, kind: m.spec.kind, jurisdiction: m.spec.jurisdiction, timeZone: m.spec.timeZone, spec: m.spec });
  const existing = await sites.links(tx.client, projectId);
  for (const l of m.spec.links) {
    const [siteA, siteB] = pairOf(name, l.to);
    const known = existing.find((x) => x.siteA === siteA && x.siteB === siteB);
    await sites.upsertLink(tx.client, { id: known?.id ?? newId("link"), projectId, siteA, siteB, latencyMs: l.latencyMs, lossPercent: l.lossPercent, bandwidthMbps: l.bandwidthMbps, pricePerGib: l.pricePerGiB, simulated: l.simulated });
  }
  for (const l of existing) {
    const other = l.siteA === name ? l.siteB : l.siteB === name ? l.siteA : null;
    if (other === null || m.spec.links.some((x) => x.to === other)) continue;
    const declared = siteSpec.safeParse((await objects.byName(tx.client, projectId, "Site", other))?.spec);
    if (!declared.success || !declared.data.links.some((x) => x.to === name)) await sites.removeLink(tx.client, l.id);
  }
}

/** Takes a removed site's rows away: links with it go, its own row is kept for what is remembered of its nodes. */
export async function removeSiteRows(tx: Tx, projectId: string, id: string, name: string): Promise<void> {
  await sites.markRemoved(tx.client, id);
  for (const l of await sites.links(tx.client, projectId)) if (l.siteA === name || l.siteB === name) await sites.removeLink(tx.client, l.id);
}
