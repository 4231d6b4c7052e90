"use client";

import type { ReactNode } from "react";
import dynamic from "next/dynamic";
import { useMedia } from "@/components/ui/use-media";
import { PaneHead } from "./pane-head";

// On a wide screen the covering pane and what it needs are never fetched.
const CoverPane = dynamic(() => import("./cover-pane"), { ssr: false });

export type PaneProps = {
  onClose: () => void;
  title: ReactNode;
  mark?: ReactNode;
  /** The whole page of the object. */
  href: string;
  children: ReactNode;
};

/**
 * An object over a list without losing the list. On a wide screen it is docked at the right and the list stays usable
 * (J/K move, Enter opens whole, Esc closes); on a narrow one it covers the page.
 */
export function SidePane({ open, ...pane }: PaneProps & { open: boolean }) {
  const wide = useMedia("(min-width: 1024px)");
  if (!open) return null;
  if (!wide) return <CoverPane {...pane} />;
  return (
    <aside aria-label={typeof pane.title === "string" ? pane.title : "Details"} className="flex w-[min(480px,42vw)] shrink-0 flex-col border-l bg-background">
      <PaneHead {...pane} Title="h2" />
      <div className="min-h-0 flex-1 overflow-y-auto">{pane.children}</div>
    </aside>
  );
}

/** A page that is a list with a pane: the head above both, list and pane side by side below. */
export function ListWithPane({ head, pane, children }: { head: ReactNode; pane: ReactNode; children: ReactNode }) {
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      {head}
      <div className="flex min-h-0 flex-1">
        <div className="flex min-h-0 min-w-0 flex-1 flex-col">{children}</div>
        {pane}
      </div>
    </div>
  );
}
