"use client";

import type { ReactNode } from "react";
import Link from "@/components/ui/link";
import { Maximize2, X } from "lucide-react";
import { Dialog as Primitive } from "radix-ui";
import { buttonStyle, Button } from "@/components/ui/button";
import { cn } from "@/components/ui/cn";
import { useMedia } from "@/components/ui/use-media";

/**
 * An object over a list without losing the list. On a wide screen it is docked at the right and the list stays usable
 * (J/K move, Enter opens whole, Esc closes); on a narrow one it covers the page.
 */
export function SidePane({
  open,
  onClose,
  title,
  mark,
  href,
  children,
}: {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  mark?: ReactNode;
  /** The whole page of the object. */
  href: string;
  children: ReactNode;
}) {
  const wide = useMedia("(min-width: 1024px)");
  if (!open) return null;
  const head = (Title: "h2" | typeof Primitive.Title) => (
    <div className="flex h-10 shrink-0 items-center gap-2 border-b pl-3 pr-1.5">
      {mark}
      <Title className="min-w-0 flex-1 truncate text-base font-semibold">{title}</Title>
      <Link href={href} className={cn(buttonStyle({ variant: "ghost", size: "icon-sm" }))} aria-label="Open whole" title="Open whole (Enter)">
        <Maximize2 aria-hidden />
      </Link>
      <Button variant="ghost" size="icon-sm" aria-label="Close the pane" title="Close (Esc)" onClick={onClose}>
        <X aria-hidden />
      </Button>
    </div>
  );
  if (wide) {
    return (
      <aside aria-label={typeof title === "string" ? title : "Details"} className="flex w-[min(480px,42vw)] shrink-0 flex-col border-l bg-background">
        {head("h2")}
        <div className="min-h-0 flex-1 overflow-y-auto">{children}</div>
      </aside>
    );
  }
  return (
    <Primitive.Root open onOpenChange={(next) => !next && onClose()}>
      <Primitive.Portal>
        <Primitive.Overlay className="fixed inset-0 z-40 bg-overlay" />
        <Primitive.Content
          aria-describedby={undefined}
          className="fixed inset-y-0 right-0 z-40 flex w-[min(520px,100vw)] flex-col bg-background shadow-pane outline-none"
        >
          {head(Primitive.Title)}
          <div className="min-h-0 flex-1 overflow-y-auto">{children}</div>
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
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
