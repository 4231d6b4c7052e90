"use client";

import type { ComponentProps, ReactNode } from "react";
import { DropdownMenu as Primitive } from "radix-ui";
import { cn } from "./cn";

/** A menu at its trigger. It is not modal: what stands around it can still be read and reached. */
export function DropdownMenu(props: ComponentProps<typeof Primitive.Root>) {
  return <Primitive.Root modal={false} {...props} />;
}
export const DropdownMenuTrigger = Primitive.Trigger;

export function DropdownMenuContent({ className, ...rest }: ComponentProps<typeof Primitive.Content>) {
  return (
    <Primitive.Portal>
      <Primitive.Content
        sideOffset={4}
        align="end"
        collisionPadding={8}
        className={cn(
          "z-50 max-h-(--radix-dropdown-menu-content-available-height) min-w-44 overflow-y-auto rounded-md bg-popover p-1 text-popover-foreground shadow-pane",
          className,
        )}
        {...rest}
      />
    </Primitive.Portal>
  );
}

const item =
  "relative flex min-h-7 cursor-default select-none items-center gap-2 rounded-sm px-2 py-1 text-sm outline-none data-[highlighted]:bg-accent data-[disabled]:opacity-60 touch:min-h-9 [&_svg]:size-3.5 [&_svg]:shrink-0 [&_svg]:text-muted-foreground";

/** One entry of a menu. An entry that cannot be chosen says why under its label. */
export function DropdownMenuItem({
  className,
  destructive,
  disabledReason,
  children,
  ...rest
}: ComponentProps<typeof Primitive.Item> & { destructive?: boolean; disabledReason?: string | null | false }) {
  return (
    <Primitive.Item
      className={cn(item, destructive && "text-failing [&_svg]:text-failing", className)}
      disabled={Boolean(disabledReason) || rest.disabled}
      {...rest}
    >
      {disabledReason ? (
        <span className="flex max-w-64 flex-col">
          <span className="flex items-center gap-2">{children}</span>
          <span className="text-xs text-muted-foreground">{disabledReason}</span>
        </span>
      ) : (
        children
      )}
    </Primitive.Item>
  );
}

export function DropdownMenuLabel({ children }: { children: ReactNode }) {
  return <Primitive.Label className="px-2 py-1 text-xs text-muted-foreground">{children}</Primitive.Label>;
}

export function DropdownMenuSeparator() {
  return <Primitive.Separator className="-mx-1 my-1 h-px bg-border" />;
}
