"use client";

import type { ReactNode } from "react";
import { Tooltip as Primitive } from "radix-ui";
import { cn } from "./cn";

/** Wrap the application once: all tooltips share one delay. */
export function TooltipProvider({ children }: { children: ReactNode }) {
  return (
    <Primitive.Provider delayDuration={300} skipDelayDuration={200}>
      {children}
    </Primitive.Provider>
  );
}

/** A short text on hover and on focus. Never the only place where something important is said. */
export function Tooltip({
  content,
  side = "top",
  align = "center",
  className,
  children,
}: {
  content: ReactNode;
  side?: "top" | "right" | "bottom" | "left";
  align?: "start" | "center" | "end";
  className?: string;
  children: ReactNode;
}) {
  if (content === null || content === undefined || content === false || content === "") return <>{children}</>;
  return (
    <Primitive.Root>
      <Primitive.Trigger asChild>{children}</Primitive.Trigger>
      <Primitive.Portal>
        <Primitive.Content
          side={side}
          align={align}
          sideOffset={5}
          collisionPadding={8}
          className={cn(
            "z-60 max-w-80 rounded-md bg-popover px-2 py-1.5 text-xs text-popover-foreground shadow-pane",
            className,
          )}
        >
          {content}
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
