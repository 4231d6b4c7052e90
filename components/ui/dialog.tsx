"use client";

import type { ComponentProps, ReactNode } from "react";
import { X } from "lucide-react";
import { Dialog as Primitive } from "radix-ui";
import { cn } from "./cn";
import { buttonStyle } from "./button";

export const Dialog = Primitive.Root;

const overlay =
  "fixed inset-0 z-50 bg-overlay data-[state=open]:animate-in data-[state=open]:fade-in-0 data-[state=open]:duration-100";

/**
 * A modal question. The title names what will happen, the description says the consequences. On a phone it fills the
 * width and stands at the bottom, where the thumb is.
 */
export function DialogContent({
  title,
  description,
  footer,
  className,
  wide,
  children,
  ...rest
}: Omit<ComponentProps<typeof Primitive.Content>, "title"> & {
  title: ReactNode;
  description?: ReactNode;
  footer?: ReactNode;
  wide?: boolean;
}) {
  return (
    <Primitive.Portal>
      <Primitive.Overlay className={overlay} />
      <Primitive.Content
        className={cn(
          "fixed left-1/2 top-[12vh] z-50 flex max-h-[76vh] w-[min(480px,calc(100vw-32px))] -translate-x-1/2 flex-col rounded-lg bg-popover text-popover-foreground shadow-pane outline-none data-[state=open]:animate-in data-[state=open]:fade-in-0 data-[state=open]:duration-100 max-sm:inset-x-0 max-sm:bottom-0 max-sm:top-auto max-sm:max-h-[88dvh] max-sm:w-full max-sm:translate-x-0 max-sm:rounded-b-none",
          wide && "w-[min(840px,calc(100vw-32px))]",
          className,
        )}
        {...(description ? {} : { "aria-describedby": undefined })}
        {...rest}
      >
        <div className="flex items-start gap-3 border-b px-4 py-3">
          <div className="min-w-0 flex-1">
            <Primitive.Title className="text-md font-semibold">{title}</Primitive.Title>
            {description ? (
              <Primitive.Description className="mt-0.5 text-sm text-muted-foreground">{description}</Primitive.Description>
            ) : null}
          </div>
          <Primitive.Close className={cn(buttonStyle({ variant: "ghost", size: "icon-sm" }), "-mr-1")} aria-label="Close">
            <X aria-hidden />
          </Primitive.Close>
        </div>
        <div className="min-h-0 flex-1 overflow-y-auto px-4 py-3">{children}</div>
        {footer ? (
          <div className="flex flex-wrap items-center justify-end gap-2 border-t px-4 py-3">{footer}</div>
        ) : null}
      </Primitive.Content>
    </Primitive.Portal>
  );
}
