"use client";

import type { ComponentProps } from "react";
import { Popover as Primitive } from "radix-ui";
import { cn } from "./cn";

export const Popover = Primitive.Root;
export const PopoverTrigger = Primitive.Trigger;

/** A small panel at its trigger. */
export function PopoverContent({ className, ...rest }: ComponentProps<typeof Primitive.Content>) {
  return (
    <Primitive.Portal>
      <Primitive.Content
        sideOffset={4}
        align="start"
        collisionPadding={8}
        className={cn("z-50 w-72 rounded-md bg-popover p-3 text-popover-foreground shadow-pane outline-none", className)}
        {...rest}
      />
    </Primitive.Portal>
  );
}
