"use client";

import type { ComponentProps, MouseEvent } from "react";
import type { VariantProps } from "class-variance-authority";
import { LoaderCircle } from "lucide-react";
import { Slot } from "radix-ui";
import { buttonStyle } from "./button-style";
import { cn } from "./cn";
import { Tooltip } from "./tooltip";

export { buttonStyle };

export type ButtonProps = ComponentProps<"button"> &
  VariantProps<typeof buttonStyle> & {
    /** Render the child element (a link) with the looks of a button. */
    asChild?: boolean;
    /** Shows a spinner and ignores presses; the label stays, so that nothing jumps. */
    busy?: boolean;
    /** Why the button cannot be pressed now. It stays focusable and says so on hover and focus. */
    disabledReason?: string | null | false;
  };

/**
 * A button. Its label says the verb and the object ("Drain node"). A button that cannot be pressed says why:
 * pass `disabledReason` instead of `disabled`.
 */
export function Button({
  className,
  variant,
  size,
  asChild,
  busy,
  disabledReason,
  onClick,
  children,
  type,
  ...rest
}: ButtonProps) {
  const blocked = Boolean(disabledReason) || Boolean(busy);
  const classes = cn(buttonStyle({ variant, size }), className);
  if (asChild) {
    return (
      <Slot.Root className={classes} {...rest}>
        {children}
      </Slot.Root>
    );
  }
  const button = (
    <button
      type={type ?? "button"}
      className={classes}
      aria-disabled={blocked || undefined}
      aria-busy={busy || undefined}
      onClick={(event: MouseEvent<HTMLButtonElement>) => {
        if (blocked) {
          event.preventDefault();
          return;
        }
        onClick?.(event);
      }}
      {...rest}
    >
      {busy ? <LoaderCircle className="animate-spin" aria-hidden /> : null}
      {children}
    </button>
  );
  if (!disabledReason) return button;
  return <Tooltip content={disabledReason}>{button}</Tooltip>;
}
