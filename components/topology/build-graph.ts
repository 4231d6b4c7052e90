import type { TopologyView } from "@/server/core/views";

export type SiteBox = {
  id: string;
  site: TopologyView["sites"][number];
  control: TopologyView["control"][number] | null;
  row: number;
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
export const BOX_H = 128;
const GAP_X = 72;
const GAP_Y = 112;
const rowOf: Record<TopologyView["sites"][number]["kind"], number> = { "cloud-region": 0, "on-prem": 1, grid: 1, edge: 2 };

/**
 * Places the sites: cloud regions above, clusters and grids in the middle, edge sites below; in each row from west to
 * east where the longitude is known, then by name. The place of a site depends on the set of sites alone, never on
 * their states, so nothing moves when something fails. `perRow` is 6 on a wide screen and 2 on a phone.
 */
export function buildTopology(view: Pick<TopologyView, "sites" | "links" | "control">, perRow = 6): Graph {
  const rows: TopologyView["sites"][] = [];
  for (const band of [0, 1, 2]) {
    const members = view.sites
      .filter((site) => rowOf[site.kind] === band)
      .sort((a, b) => (a.longitude ?? 1_000) - (b.longitude ?? 1_000) || (a.name < b.name ? -1 : 1));
    for (let at = 0; at < members.length; at += perRow) rows.push(members.slice(at, at + perRow));
  }
  const widest = Math.max(1, ...rows.map((row) => row.length));
  const width = widest * BOX_W + (widest - 1) * GAP_X;
  const boxes: SiteBox[] = rows.flatMap((row, y) => {
    const rowWidth = row.length * BOX_W + (row.length - 1) * GAP_X;
    return row.map((site, x) => ({
      id: site.name,
      site,
      control: view.control.find((one) => one.site === site.name) ?? null,
      row: y,
      x: (width - rowWidth) / 2 + x * (BOX_W + GAP_X),
      y: y * (BOX_H + GAP_Y),
    }));
  });
  return { boxes, links: routeLinks(view.links, boxes), width, height: Math.max(BOX_H, rows.length * (BOX_H + GAP_Y) - GAP_Y) };
}

type End = { link: number; box: SiteBox; side: "top" | "bottom"; towards: number };

/**
 * Draws the links: each leaves its box at a place of its own, in the order of where it goes, and passes rows that lie
 * between through a gap of theirs, so that no line runs behind a box and labels stay in the open.
 */
function routeLinks(all: TopologyView["links"], boxes: readonly SiteBox[]): LinkPath[] {
  const byName = new Map(boxes.map((box) => [box.id, box]));
  const links = all.flatMap((link) => {
    const a = byName.get(link.siteA);
    const b = byName.get(link.siteB);
    if (!a || !b || a === b) return [];
    const [from, to] = a.row < b.row || (a.row === b.row && a.x < b.x) ? [a, b] : [b, a];
    return [{ link, from, to, beside: from.row === to.row && to.x - from.x <= BOX_W + GAP_X }];
  });
  const ends: End[] = links.flatMap(({ from, to, beside }, index): End[] =>
    beside
      ? []
      : [
          { link: index, box: from, side: "bottom", towards: to.x },
          { link: index, box: to, side: from.row === to.row ? "bottom" : "top", towards: from.x },
        ],
  );
  const portX = (index: number, box: SiteBox, side: End["side"]) => {
    const here = ends.filter((end) => end.box === box && end.side === side).sort((p, q) => p.towards - q.towards || p.link - q.link);
    const at = here.findIndex((end) => end.link === index);
    return box.x + (BOX_W * (at + 1)) / (here.length + 1);
  };
  const inGap = new Map<string, number>();
  return links.map(({ link, from, to, beside }, index) => {
    const base = { id: `${link.siteA}~${link.siteB}`, source: from.id, target: to.id, link };
    if (beside) {
      const y = from.y + BOX_H / 2;
      return { ...base, path: `M ${from.x + BOX_W} ${y} L ${to.x} ${y}`, labelX: (from.x + BOX_W + to.x) / 2, labelY: y - 10, angle: 0 };
    }
    const startX = portX(index, from, "bottom");
    const startY = from.y + BOX_H;
    if (from.row === to.row) {
      const endX = portX(index, to, "bottom");
      const lift = Math.min(GAP_Y * 0.8, 36 + (to.x - from.x) * 0.05);
      return { ...base, path: `M ${startX} ${startY} C ${startX} ${startY + lift}, ${endX} ${startY + lift}, ${endX} ${startY}`, labelX: (startX + endX) / 2, labelY: startY + lift * 0.75, angle: 0 };
    }
    const endX = portX(index, to, "top");
    // Points the line goes through: the start, a gap in each row between, the end.
    const points: { x: number; y: number }[] = [{ x: startX, y: startY }];
    for (let row = from.row + 1; row < to.row; row += 1) {
      const share = (row - from.row) / (to.row - from.row);
      const x = gapNear(startX + (endX - startX) * share, boxes.filter((box) => box.row === row));
      const key = `${row}/${x}`;
      const lane = inGap.get(key) ?? 0;
      inGap.set(key, lane + 1);
      const offset = (lane % 2 === 0 ? 1 : -1) * Math.ceil(lane / 2) * 12;
      const top = row * (BOX_H + GAP_Y);
      points.push({ x: x + offset, y: top }, { x: x + offset, y: top + BOX_H });
    }
    points.push({ x: endX, y: to.y });
    let path = `M ${startX} ${startY}`;
    for (let at = 1; at < points.length; at += 1) {
      const p = points[at - 1] ?? { x: 0, y: 0 };
      const q = points[at] ?? p;
      const half = (q.y - p.y) / 2;
      path += p.x === q.x ? ` L ${q.x} ${q.y}` : ` C ${p.x} ${p.y + half}, ${q.x} ${q.y - half}, ${q.x} ${q.y}`;
    }
    // The label stands in the last gap, where lines to one box have parted; neighbours stand at two heights.
    const before = points.at(-2) ?? { x: startX, y: startY };
    const share = index % 2 === 0 ? 0.42 : 0.62;
    const curve = cubic(before, { x: endX, y: to.y }, share);
    return { ...base, path, labelX: curve.x, labelY: curve.y, angle: curve.angle };
  });
}

/** The middle of the gap of a row that is nearest to `x`: between two boxes, or beside the first or last. */
function gapNear(x: number, row: readonly SiteBox[]): number {
  const edges = [...row].sort((a, b) => a.x - b.x);
  const first = edges[0];
  const last = edges.at(-1);
  if (!first || !last) return x;
  if (edges.every((box) => x < box.x - 8 || x > box.x + BOX_W + 8)) return x;
  const gaps = [first.x - GAP_X / 2, ...edges.map((box) => box.x + BOX_W + GAP_X / 2)];
  return gaps.reduce((best, gap) => (Math.abs(gap - x) < Math.abs(best - x) ? gap : best));
}

/** A point of the curve between two points with vertical ends, and its direction there in degrees. */
function cubic(p: { x: number; y: number }, q: { x: number; y: number }, t: number): { x: number; y: number; angle: number } {
  const half = (q.y - p.y) / 2;
  const u = 1 - t;
  const at = (a: number, b: number, c: number, d: number) => u ** 3 * a + 3 * u * u * t * b + 3 * u * t * t * c + t ** 3 * d;
  const slope = (a: number, b: number, c: number, d: number) => 3 * u * u * (b - a) + 6 * u * t * (c - b) + 3 * t * t * (d - c);
  const y = [p.y, p.y + half, q.y - half, q.y] as const;
  const x = [p.x, p.x, q.x, q.x] as const;
  return { x: at(...x), y: at(...y), angle: (Math.atan2(slope(...y), slope(...x)) * 180) / Math.PI };
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
