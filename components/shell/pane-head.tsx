"use client";

import type { ElementType } from "react";
import { Maximize2, X } from "lucide-react";
import { Button } from "@/components/ui/button";
import { buttonStyle } from "@/components/ui/button-style";
import Link from "@/components/ui/link";
import type { PaneProps } from "./side-pane";

/** The head of a pane: state, title, the way to the whole page, the way out. */
export function PaneHead({ title, mark, href, onClose, Title }: Omit<PaneProps, "children"> & { Title: ElementType }) {
  return (
    <div className="flex h-10 shrink-0 items-center gap-2 border-b pl-3 pr-1.5">
      {mark}
      <Title className="min-w-0 flex-1 truncate text-base font-semibold">{title}</Title>
      <Link href={href} className={buttonStyle({ variant: "ghost", size: "icon-sm" })} aria-label="Open whole" title="Open whole (Enter)">
        <Maximize2 aria-hidden />
      </Link>
      <Button variant="ghost" size="icon-sm" aria-label="Close the pane" title="Close (Esc)" onClick={onClose}>
        <X aria-hidden />
      </Button>
    </div>
  );
}
