"use client";

import { memo } from "react";
import { EdgeLabelRenderer, useStore, type Edge, type EdgeProps } from "@xyflow/react";
import { StateShape } from "@/components/state";
import { latencyText } from "@/components/chart/units";
import { cn } from "@/components/ui/cn";
import type { LinkPath } from "./build-graph";

export type LinkEdgeData = { route: LinkPath; dimmed: boolean; bright: boolean };
export type LinkEdgeType = Edge<LinkEdgeData, "link">;

const ink: Record<LinkPath["link"]["state"], string> = {
  healthy: "var(--border-strong)",
  degraded: "var(--degraded)",
  failing: "var(--failing)",
  silent: "var(--silent)",
  pending: "var(--pending)",
};

/** A link between two sites: its state by line and mark, its latency as a label. A cut one is broken by a fault mark. */
export const LinkEdge = memo(function LinkEdge({ data }: EdgeProps<LinkEdgeType>) {
  // Labels are enlarged against the zoom in steps, as the text in the boxes is; from far away they are left out.
  const magnify = useStore(({ transform: [, , zoom] }) => (zoom < 0.5 ? 0 : zoom < 0.68 ? 1.5 : zoom < 0.86 ? 1.22 : 1));
  if (!data) return null;
  const { route, dimmed, bright } = data;
  const { link } = route;
  const cut = link.state === "failing" || link.state === "silent";
  return (
    <>
      <g opacity={dimmed ? 0.25 : 1}>
        <path
          d={route.path}
          fill="none"
          stroke={bright && !cut ? "var(--primary)" : ink[link.state]}
          strokeWidth={bright ? 2.5 : link.state === "healthy" ? 1.4 : 2}
          strokeDasharray={cut ? "2 5" : link.state === "degraded" ? "8 3" : undefined}
        />
        {cut ? (
          <g transform={`translate(${route.labelX} ${route.labelY}) rotate(${route.angle + 90})`}>
            <path d="M -18 -3 L -10 4 L -3 -4 L 4 4 L 11 -4 L 18 3" fill="none" stroke={ink[link.state]} strokeWidth="2.2" />
          </g>
        ) : null}
      </g>
      {magnify === 0 ? null : (
        <EdgeLabelRenderer>
          <div
            className={cn(
              "pointer-events-auto absolute flex items-center gap-1 whitespace-nowrap rounded-sm bg-background px-1 text-2xs text-muted-foreground",
              dimmed && "opacity-25",
            )}
            style={{ transform: `translate(-50%, -50%) translate(${route.labelX}px, ${route.labelY + (cut ? 16 : 0)}px) scale(${magnify})` }}
            title={`${link.siteA} to ${link.siteB}${link.simulated ? " (simulated)" : ""}: ${link.because}`}
          >
            {link.state !== "healthy" ? <StateShape state={link.state} size={9} label={link.state} /> : null}
            {cut ? (
              // What was declared for a link says nothing while it is cut.
              <span>{link.state}</span>
            ) : (
              <>
                <span className="tnum">{latencyText(link.latencyMs)}</span>
                {link.lossPercent > 0 ? <span className="tnum">{link.lossPercent} % loss</span> : null}
              </>
            )}
          </div>
        </EdgeLabelRenderer>
      )}
    </>
  );
});
