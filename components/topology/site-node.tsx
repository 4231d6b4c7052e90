"use client";

import { memo } from "react";
import { Handle, Position, useStore, type Node, type NodeProps } from "@xyflow/react";
import { ageText, IntervalCount, StateShape, stateVar, states, useNow, type State } from "@/components/state";
import { latencyText } from "@/components/chart/units";
import { cn } from "@/components/ui/cn";
import { siteKindWords } from "@/components/fleet/words";
import { BOX_H, BOX_W, type SiteBox } from "./build-graph";

type Revisions = readonly { generation: number; state: State; units: number }[];

export type SiteNodeData = {
  box: SiteBox;
  dimmed: boolean;
  open: boolean;
  /** The colour of the strip at the left: of the state, or of the jurisdiction. */
  strip: string;
  /** With a workload chosen: its units here by revision and state, or null if it is not here. */
  overlay: Revisions | null | undefined;
  onOpen: (name: string) => void;
};
export type SiteNodeType = Node<SiteNodeData, "site">;

/**
 * How much is drawn, and how large: only what can be read at the present zoom. Between the levels the text is enlarged
 * against the zoom, so that it stays near its own size on the screen.
 */
function useDetail(): { level: "far" | "normal" | "near"; magnify: number } {
  const step = useStore(({ transform: [, , zoom] }) => (zoom < 0.5 ? 0 : zoom < 0.68 ? 1 : zoom < 0.86 ? 2 : zoom <= 1.35 ? 3 : 4));
  return { level: step === 0 ? "far" : step === 4 ? "near" : "normal", magnify: step === 1 ? 1.5 : step === 2 ? 1.22 : 1 };
}

/** A site as a capsule: its state, its contact with the control plane, and its nodes, closer up by name. */
export const SiteNode = memo(function SiteNode({ data }: NodeProps<SiteNodeType>) {
  const { box, dimmed, open, strip, overlay } = data;
  const { site, control } = box;
  const detail = useDetail();
  const silent = site.state.state === "silent";
  const absent = overlay === null;
  return (
    <div
      style={{ width: BOX_W, height: BOX_H }}
      className={cn("relative transition-opacity duration-100", (dimmed || absent) && "opacity-35")}
      data-site={site.name}
      data-state={site.state.state}
    >
      <Handle type="target" position={Position.Top} isConnectable={false} className="invisible!" />
      <Handle type="source" position={Position.Bottom} isConnectable={false} className="invisible!" />
      <FaultLine cut={silent} sinceMs={control?.sinceMs ?? site.lastContactMs} />
      <button
        type="button"
        onClick={() => data.onOpen(site.name)}
        aria-label={`${site.title}: ${site.state.state}. ${site.state.because}`}
        className={cn(
          "relative flex size-full flex-col overflow-hidden rounded-lg border bg-card text-left hover:border-ring",
          silent ? "hatched border-dashed border-silent" : "border-border-strong",
          open && "border-primary ring-1 ring-primary",
        )}
      >
        <span aria-hidden className="absolute inset-y-0 left-0 w-1" style={{ background: strip }} />
        {detail.level === "far" ? (
          <Far site={site} />
        ) : (
          <Near site={site} control={control} near={detail.level === "near"} magnify={detail.magnify} overlay={overlay} />
        )}
      </button>
    </div>
  );
});

function Far({ site }: { site: SiteBox["site"] }) {
  return (
    <span className="flex size-full flex-col justify-center gap-2 pl-5 pr-3">
      <span className="flex items-center gap-3">
        <StateShape state={site.state.state} size={26} />
        <span className="truncate text-[26px] font-semibold leading-8">{site.title}</span>
      </span>
      <span className="tnum text-[20px] leading-6 text-muted-foreground">
        {site.nodes.min === site.nodes.max ? site.nodes.min : `${site.nodes.min} to ${site.nodes.max}`} of {site.nodes.total} nodes
      </span>
    </span>
  );
}

function Near({
  site,
  control,
  near,
  magnify,
  overlay,
}: {
  site: SiteBox["site"];
  control: SiteBox["control"];
  near: boolean;
  magnify: number;
  overlay: SiteNodeData["overlay"];
}) {
  const now = useNow();
  const silent = site.state.state === "silent";
  return (
    <span className="flex size-full flex-col py-2 pl-4 pr-3" style={magnify === 1 ? undefined : { zoom: magnify }}>
      <span className="flex items-center gap-2">
        <StateShape state={site.state.state} />
        <span className="min-w-0 flex-1 truncate text-base font-semibold">{site.title}</span>
        <span className={cn("tnum shrink-0 text-xs", silent ? "text-silent" : "text-muted-foreground")}>
          {site.lastContactMs === null ? "never heard" : now === null ? "" : `${silent ? "silent " : ""}${ageText(now - site.lastContactMs)}`}
        </span>
      </span>
      <span className={cn("truncate text-xs text-muted-foreground", magnify > 1.3 && "hidden")}>
        {siteKindWords[site.kind]}, {site.jurisdiction}, {site.uplink}
        {control?.rttMs != null ? <span className="tnum">, {latencyText(control.rttMs)}</span> : null}
      </span>
      <span className="mt-1.5 min-h-0 flex-1 overflow-hidden">
        {overlay ? (
          <Overlay units={overlay} />
        ) : near ? (
          <Names site={site} most={10} className="text-[9px] leading-3" />
        ) : site.nodes.total <= (magnify === 1 ? 6 : 0) ? (
          <Names site={site} most={6} className="text-2xs leading-4" />
        ) : (
          <Dots site={site} />
        )}
      </span>
      <span className={cn("flex gap-3 whitespace-nowrap text-muted-foreground", site.units.total > 999 ? "gap-2 text-2xs" : "text-xs", overlay && magnify > 1 && "hidden")}>
        <IntervalCount atLeast={site.nodes.min} atMost={site.nodes.max} of={site.nodes.total} word="nodes" />
        <IntervalCount atLeast={site.units.min} atMost={site.units.max} of={site.units.total} word="units" />
      </span>
    </span>
  );
}

const DOTS = 60;
/** Units of a revision drawn as shapes; their number stands beside them. */
const SHAPES = 16;

/** Each node as its shape; beyond sixty, or where not every node was named, they are counted by state instead. */
function Dots({ site }: { site: SiteBox["site"] }) {
  if (site.nodesHere.length === 0) return <span className="text-xs text-muted-foreground">No machine has joined.</span>;
  if (site.nodes.total > Math.min(DOTS, site.nodesHere.length)) {
    const counts = states.map((state) => [state, site.nodeStates[state]] as const).filter(([, count]) => count > 0);
    return (
      <span className="flex flex-wrap gap-x-3 gap-y-1 text-sm">
        {counts.map(([state, count]) => (
          <span key={state} className="tnum flex items-center gap-1.5" style={{ color: stateVar[state] }}>
            <StateShape state={state} /> {count}
          </span>
        ))}
      </span>
    );
  }
  return (
    <span className="flex flex-wrap gap-1">
      {site.nodesHere.map((node) => (
        <span key={node.name} title={`${node.name}: ${node.state.because}`} className="grid size-3.5 place-items-center">
          <StateShape state={node.state.state} size={11} />
        </span>
      ))}
    </span>
  );
}

/** The nodes by name with their units: where they are few, and close up, where the picture is magnified. */
function Names({ site, most, className }: { site: SiteBox["site"]; most: number; className: string }) {
  if (site.nodesHere.length === 0) return <span className="text-xs text-muted-foreground">No machine has joined.</span>;
  const shown = site.nodesHere.slice(0, most);
  return (
    <span className={cn("grid gap-x-3", shown.length > 3 && "grid-cols-2", className)}>
      {shown.map((node) => (
        <span key={node.name} className="flex min-w-0 items-center gap-1" title={`${node.name}: ${node.state.because}`}>
          <StateShape state={node.state.state} size={8} />
          <span className="min-w-0 flex-1 truncate">{node.name}</span>
          <span className="flex shrink-0 gap-0.5">
            {node.units.slice(0, 5).map((unit) => (
              <StateShape key={unit.unit} state={unit.state} size={6} />
            ))}
          </span>
        </span>
      ))}
      {site.nodes.total > shown.length ? <span className="text-muted-foreground">and {site.nodes.total - shown.length} more</span> : null}
    </span>
  );
}

/** The chosen workload's units here: which revisions run, and how they are. */
function Overlay({ units }: { units: Revisions }) {
  const byRevision = new Map<number, { shapes: State[]; total: number }>();
  for (const { generation, state, units: count } of units) {
    const there = byRevision.get(generation) ?? { shapes: [], total: 0 };
    byRevision.set(generation, { shapes: [...there.shapes, ...Array.from({ length: Math.min(count, SHAPES) }, () => state)], total: there.total + count });
  }
  return (
    <span className="flex flex-col gap-1 text-sm">
      {[...byRevision]
        .sort(([a], [b]) => b - a)
        .map(([generation, { shapes, total }]) => (
          <span key={generation} className="flex items-center gap-2">
            <span className="tnum w-8 font-medium">r{generation}</span>
            <span className="flex flex-wrap gap-1">
              {shapes.slice(0, SHAPES).map((state, index) => (
                <StateShape key={index} state={state} size={11} label={state} />
              ))}
            </span>
            <span className="tnum text-xs text-muted-foreground">{total}</span>
          </span>
        ))}
    </span>
  );
}

/** Above a site that is cut off: a fault across its way to the control plane, with the time it opened. */
function FaultLine({ cut, sinceMs }: { cut: boolean; sinceMs: number | null }) {
  const now = useNow();
  if (!cut) return null;
  return (
    <span className="pointer-events-none absolute inset-x-0 -top-5 flex items-center text-silent">
      <svg aria-hidden width={BOX_W} height="14" viewBox={`0 0 ${BOX_W} 14`} className="absolute inset-x-0">
        <path d={zigzag(BOX_W)} fill="none" stroke="currentColor" strokeWidth="1.6" />
      </svg>
      <span className="tnum relative mx-auto whitespace-nowrap bg-background px-1.5 text-2xs font-medium">
        out of reach{sinceMs !== null && now !== null ? ` for ${ageText(now - sinceMs)}` : ""}
      </span>
    </span>
  );
}

function zigzag(width: number): string {
  let path = "M 0 7";
  for (let x = 8; x <= width; x += 8) path += ` L ${x} ${(x / 8) % 2 === 0 ? 11 : 3}`;
  return path;
}
