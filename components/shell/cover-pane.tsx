"use client";

import { Dialog as Primitive } from "radix-ui";
import { PaneHead } from "./pane-head";
import type { PaneProps } from "./side-pane";

/** The pane on a narrow screen: it covers the page; use `SidePane`. */
export default function CoverPane(pane: PaneProps) {
  return (
    <Primitive.Root open onOpenChange={(next) => !next && pane.onClose()}>
      <Primitive.Portal>
        <Primitive.Overlay className="fixed inset-0 z-40 bg-overlay" />
        <Primitive.Content
          aria-describedby={undefined}
          className="fixed inset-y-0 right-0 z-40 flex w-[min(520px,100vw)] flex-col bg-background shadow-pane outline-none"
        >
          <PaneHead {...pane} Title={Primitive.Title} />
          <div className="min-h-0 flex-1 overflow-y-auto">{pane.children}</div>
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
