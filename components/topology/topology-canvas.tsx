"use client";

import { useMemo, useState } from "react";
import { Background, BackgroundVariant, Panel, ReactFlow, ReactFlowProvider, useReactFlow, type EdgeTypes, type FitViewOptions, type NodeTypes } from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import { Maximize, Minus, Plus } from "lucide-react";
import { stateVar, StateLegend } from "@/components/state";
import { Button } from "@/components/ui/button";
import { useNarrow } from "@/components/ui/use-media";
import type { TopologyView } from "@/server/core/views";
import { BOX_H, BOX_W, buildTopology, peersOf } from "./build-graph";
import { LinkEdge, type LinkEdgeType } from "./link-edge";
import { SiteNode, type SiteNodeType } from "./site-node";

const nodeTypes: NodeTypes = { site: SiteNode };
const edgeTypes: EdgeTypes = { link: LinkEdge };

export type ColorBy = "state" | "jurisdiction";

/** The picture of the fleet. One box a site whatever its size, so some two hundred boxes are the most it ever mounts. */
export default function TopologyCanvas({
  view,
  workload,
  colorBy,
  openSite,
  onOpen,
}: {
  view: TopologyView;
  workload: string | null;
  colorBy: ColorBy;
  openSite: string | null;
  onOpen: (name: string | null) => void;
}) {
  const [hovered, setHovered] = useState<string | null>(null);
  const narrow = useNarrow();
  const graph = useMemo(() => buildTopology(view, narrow ? 2 : 6), [view, narrow]);
  const simulated = view.links.filter((link) => link.simulated).length;
  const peers = useMemo(() => (hovered ? peersOf(graph, hovered) : null), [graph, hovered]);
  const jurisdictions = useMemo(() => [...new Set(view.sites.map((site) => site.jurisdiction))].sort(), [view.sites]);
  const nodes = graph.boxes.map(
    (box): SiteNodeType => ({
      id: box.id,
      type: "site",
      position: { x: box.x, y: box.y },
      width: BOX_W,
      height: BOX_H,
      initialWidth: BOX_W,
      initialHeight: BOX_H,
      focusable: false,
      data: {
        box,
        dimmed: peers !== null && !peers.has(box.id),
        open: box.id === openSite,
        strip: colorBy === "state" ? stateVar[box.site.state.state] : `var(--chart-${(jurisdictions.indexOf(box.site.jurisdiction) % 8) + 1})`,
        overlay: workload === null || box.site.overlay === null ? undefined : box.site.overlay.length === 0 ? null : box.site.overlay,
        onOpen,
      },
    }),
  );
  const edges = graph.links.map(
    (route): LinkEdgeType => ({
      id: route.id,
      type: "link",
      source: route.source,
      target: route.target,
      focusable: false,
      data: {
        route,
        dimmed: hovered !== null && route.source !== hovered && route.target !== hovered,
        bright: workload !== null && route.link.workloads.includes(workload),
      },
    }),
  );
  return (
    <ReactFlowProvider>
      <ReactFlow<SiteNodeType, LinkEdgeType>
        key={narrow ? "narrow" : "wide"}
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        fitView
        fitViewOptions={fitting(narrow)}
        minZoom={0.15}
        maxZoom={2.5}
        nodesDraggable={false}
        nodesConnectable={false}
        elementsSelectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        onlyRenderVisibleElements
        zoomOnDoubleClick={false}
        onNodeMouseEnter={(_, node) => setHovered(node.id)}
        onNodeMouseLeave={() => setHovered(null)}
        onPaneClick={() => onOpen(null)}
        proOptions={{ hideAttribution: true }}
        aria-label="Sites and links"
      >
        <Background variant={BackgroundVariant.Dots} gap={24} size={1} color="var(--border)" />
        <Panel position="bottom-left" className="m-3! flex max-w-[calc(100%-24px)] flex-wrap items-center gap-x-4 gap-y-1 rounded-md border bg-card/95 px-2.5 py-1.5 max-sm:mb-2!">
          {colorBy === "state" ? <StateLegend /> : <JurisdictionLegend jurisdictions={jurisdictions} />}
          {simulated > 0 ? (
            <span className="text-xs text-muted-foreground">
              {simulated === view.links.length ? "All links are simulated" : `${simulated} of ${view.links.length} links are simulated`}
            </span>
          ) : null}
        </Panel>
        <Panel position={narrow ? "top-right" : "bottom-right"} className="m-3!">
          <ZoomButtons narrow={narrow} />
        </Panel>
      </ReactFlow>
    </ReactFlowProvider>
  );
}

/** Room around the picture for what stands over it: the legend below, on a phone the buttons above. */
function fitting(narrow: boolean): FitViewOptions {
  return { maxZoom: 1.1, padding: narrow ? { top: "60px", bottom: "96px", x: "14px" } : { top: "36px", bottom: "72px", x: "5%" } };
}

function JurisdictionLegend({ jurisdictions }: { jurisdictions: readonly string[] }) {
  return (
    <ul className="flex flex-wrap gap-x-3 gap-y-1 text-xs">
      {jurisdictions.map((name, index) => (
        <li key={name} className="flex items-center gap-1.5">
          <span aria-hidden className="h-3 w-1 rounded-full" style={{ background: `var(--chart-${(index % 8) + 1})` }} />
          {name}
        </li>
      ))}
    </ul>
  );
}

function ZoomButtons({ narrow }: { narrow: boolean }) {
  const flow = useReactFlow();
  return (
    <div className="flex gap-1">
      <Button size="icon" aria-label="Zoom out" title="Zoom out" onClick={() => void flow.zoomOut()}>
        <Minus aria-hidden />
      </Button>
      <Button size="icon" aria-label="Zoom in" title="Zoom in" onClick={() => void flow.zoomIn()}>
        <Plus aria-hidden />
      </Button>
      <Button size="icon" aria-label="Show all" title="Show all" onClick={() => void flow.fitView(fitting(narrow))}>
        <Maximize aria-hidden />
      </Button>
    </div>
  );
}
