import { countText, shareText } from "@/components/chart";
import { Facts } from "@/components/ui/page";
import type { ApprovalView } from "@/server/core/views";
import { list } from "./words";

type Radius = ApprovalView["blastRadius"];

/** Whom a plan reaches. What nobody measured or stated has no line: an unknown share is not a small one. */
export function BlastRadius({ radius: b }: { radius: Radius }) {
  return (
    <Facts
      items={[
        { name: "Units", value: <span className="tnum">{unitsText(b)}</span> },
        { name: "Sites", value: <>{b.sites.length}: {b.sites.join(", ")}</> },
        ...(b.trafficShare === null ? [] : [{ name: "Traffic", value: <span className="tnum">{shareText(b.trafficShare)} of the last hour’s requests</span> }]),
        ...(b.peopleServed === null ? [] : [{ name: "People", value: <span className="tnum">{countText(b.peopleServed)} served there</span> }]),
        ...(b.residency.length === 0 ? [] : [{ name: "Residency", value: b.residency.join(", ") }]),
        ...(b.silent > 0 ? [{ name: "Silent", value: <span className="text-silent">{b.silent} now: what they run is not known</span> }] : []),
      ]}
    />
  );
}

export const unitsText = (b: Radius): string => `${b.units} of ${b.unitsTotal} units on ${b.nodes} node${b.nodes === 1 ? "" : "s"}`;

/** "3 sites: Frankfurt, Kiel and Bremen", with long lists shortened. */
export const sitesText = (b: Radius): string => (b.sites.length === 0 ? "No site" : `${b.sites.length} site${b.sites.length === 1 ? "" : "s"}: ${list(b.sites)}`);
