import type { TopologyView } from "@/server/core/views";

export type SiteBox = {
  id: string;
  site: TopologyView["sites"][number];
  control: TopologyView["control"][number] | null;
  x: number;
  y: number;
};
export type LinkPath = {
  id: string;
  source: string;
  target: string;
  link: TopologyView["links"][number];
  /** An SVG path between the borders of both boxes, and the point for its label. */
  path: string;
  labelX: number;
  labelY: number;
  /** Direction of the path at the label, in degrees: the fault mark stands across it. */
  angle: number;
};
export type Graph = { boxes: SiteBox[]; links: LinkPath[]; width: number; height: number };

export const BOX_W = 264;
export const BOX_H = 132;
const GAP_X = 64;
const GAP_Y = 104;
const PER_ROW = 6;
const rowOf: Record<TopologyView["sites"][number]["kind"], number> = { "cloud-region": 0, "on-prem": 1, grid: 1, edge: 2 };

/**
 * Places the sites: cloud regions above, clusters and grids in the middle, edge sites below; in each row from west to
 * east where the longitude is known, then by name. The place of a site depends on the set of sites alone, never on
 * their states, so nothing moves when something fails.
 */
export function buildTopology(view: Pick<TopologyView, "sites" | "links" | "control">): Graph {
  const rows: TopologyView["sites"][] = [];
  for (const band of [0, 1, 2]) {
    const members = view.sites
      .filter((site) => rowOf[site.kind] === band)
      .sort((a, b) => (a.longitude ?? 1_000) - (b.longitude ?? 1_000) || (a.name < b.name ? -1 : 1));
    for (let at = 0; at < members.length; at += PER_ROW) rows.push(members.slice(at, at + PER_ROW));
  }
  const widest = Math.max(1, ...rows.map((row) => row.length));
  const width = widest * BOX_W + (widest - 1) * GAP_X;
  const boxes: SiteBox[] = rows.flatMap((row, y) => {
    const rowWidth = row.length * BOX_W + (row.length - 1) * GAP_X;
    return row.map((site, x) => ({
      id: site.name,
      site,
      control: view.control.find((one) => one.site === site.name) ?? null,
      x: (width - rowWidth) / 2 + x * (BOX_W + GAP_X),
      y: y * (BOX_H + GAP_Y),
    }));
  });
  const byName = new Map(boxes.map((box) => [box.id, box]));
  const links = view.links.flatMap((link): LinkPath[] => {
    const a = byName.get(link.siteA);
    const b = byName.get(link.siteB);
    return a && b && a !== b ? [{ id: `${link.siteA}~${link.siteB}`, source: a.id, target: b.id, link, ...route(a, b) }] : [];
  });
  return { boxes, links, width, height: Math.max(BOX_H, rows.length * (BOX_H + GAP_Y) - GAP_Y) };
}

/** Straight between rows and neighbours; in a row with a box between, an arc above it. */
function route(a: SiteBox, b: SiteBox): Pick<LinkPath, "path" | "labelX" | "labelY" | "angle"> {
  const [from, to] = a.y < b.y || (a.y === b.y && a.x < b.x) ? [a, b] : [b, a];
  const fromX = from.x + BOX_W / 2;
  const toX = to.x + BOX_W / 2;
  if (from.y === to.y) {
    if (to.x - from.x <= BOX_W + GAP_X) {
      const y = from.y + BOX_H / 2;
      return { path: `M ${from.x + BOX_W} ${y} L ${to.x} ${y}`, labelX: (from.x + BOX_W + to.x) / 2, labelY: y, angle: 0 };
    }
    const y = from.y + BOX_H;
    const lift = Math.min(GAP_Y * 1.1, 40 + (to.x - from.x) * 0.06);
    return { path: `M ${fromX} ${y} C ${fromX} ${y + lift}, ${toX} ${y + lift}, ${toX} ${y}`, labelX: (fromX + toX) / 2, labelY: y + lift * 0.75, angle: 0 };
  }
  const startY = from.y + BOX_H;
  // Several links of one box leave it side by side, in the direction of where they go.
  const lean = Math.max(-BOX_W / 3, Math.min(BOX_W / 3, (toX - fromX) / 6));
  const startX = fromX + lean;
  const endX = toX - lean;
  const endY = to.y;
  const bend = Math.min(70, (endY - startY) / 2);
  return {
    path: `M ${startX} ${startY} C ${startX} ${startY + bend}, ${endX} ${endY - bend}, ${endX} ${endY}`,
    labelX: (startX + endX) / 2,
    labelY: (startY + endY) / 2,
    angle: (Math.atan2(endY - startY - bend, endX - startX || 0.001) * 180) / Math.PI,
  };
}

/** The sites next to one, itself included: what is kept bright while it is pointed at. */
export function peersOf(graph: Graph, id: string): ReadonlySet<string> {
  const peers = new Set([id]);
  for (const link of graph.links) {
    if (link.source === id) peers.add(link.target);
    if (link.target === id) peers.add(link.source);
  }
  return peers;
}
