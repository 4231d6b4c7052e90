"use client";

import type { ReactNode } from "react";
import { Dialog as Primitive } from "radix-ui";

/** The menu on a phone: a drawer from the left. */
export default function MenuDrawer({ open, onOpenChange, children }: { open: boolean; onOpenChange: (open: boolean) => void; children: ReactNode }) {
  return (
    <Primitive.Root open={open} onOpenChange={onOpenChange}>
      <Primitive.Portal>
        <Primitive.Overlay className="fixed inset-0 z-50 bg-overlay data-[state=open]:animate-in data-[state=open]:fade-in-0 data-[state=open]:duration-100" />
        <Primitive.Content
          aria-describedby={undefined}
          className="fixed inset-y-0 left-0 z-50 flex w-[min(300px,86vw)] flex-col bg-popover shadow-pane outline-none data-[state=open]:animate-in data-[state=open]:slide-in-from-left data-[state=open]:duration-150"
        >
          <Primitive.Title className="sr-only">Menu</Primitive.Title>
          {children}
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
