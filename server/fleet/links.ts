import { ageText } from "../core/fleet";
import type { linkView as linkSchema } from "../core/views/fleet";
import type { z } from "zod";
import type { fleetDetail, sites } from "../store";
import type { At } from "./views";

type Control = Awaited<ReturnType<typeof fleetDetail.controlLinks>>[number];

/**
 * A declared link with a state. Nobody measures it end to end in this version: a link is called silent when one of its
 * sites is out of reach, and otherwise only as good as declared, which the sentence says.
 */
export function linkView(l: sites.StoredLink, controlOf: (site: string) => Control | undefined, at: At): z.infer<typeof linkSchema> {
  const ends = [l.siteA, l.siteB].map((name) => ({ name, control: controlOf(name) }));
  const dark = ends.find((e) => e.control && e.control.total > 0 && e.control.connected === 0);
  const empty = ends.find((e) => !e.control || e.control.total === 0);
  const state = dark ? ("silent" as const) : empty ? ("pending" as const) : ("healthy" as const);
  const because = dark
    ? `${dark.name} is out of reach${dark.control?.lastContactMs ? ` for ${ageText(at.nowMs - dark.control.lastContactMs)}` : ""}: nothing is known of the link.`
    : empty
      ? `${empty.name} has no node yet.`
      : `Both ends are in contact. Latency and bandwidth are ${l.simulated ? "simulated as declared" : "as declared, not measured"}.`;
  return { siteA: l.siteA, siteB: l.siteB, latencyMs: l.latencyMs, lossPercent: l.lossPercent, bandwidthMbps: l.bandwidthMbps, pricePerGib: l.pricePerGib, simulated: l.simulated, state, because };
}
