"use client";

import type { ComponentProps } from "react";
import { Check, Minus } from "lucide-react";
import { Checkbox as Primitive, Switch as SwitchPrimitive } from "radix-ui";
import { cn } from "./cn";

/** A box that can be ticked, empty or, for a group, in between. */
export function Checkbox({ className, ...rest }: ComponentProps<typeof Primitive.Root>) {
  return (
    <Primitive.Root
      className={cn(
        "peer inline-flex size-4 shrink-0 items-center justify-center rounded-sm border border-input bg-card text-primary-foreground data-[state=checked]:border-primary data-[state=checked]:bg-primary data-[state=indeterminate]:border-primary data-[state=indeterminate]:bg-primary disabled:opacity-50",
        className,
      )}
      {...rest}
    >
      <Primitive.Indicator className="group">
        <Check className="size-3 group-data-[state=indeterminate]:hidden" strokeWidth={3} aria-hidden />
        <Minus className="hidden size-3 group-data-[state=indeterminate]:block" strokeWidth={3} aria-hidden />
      </Primitive.Indicator>
    </Primitive.Root>
  );
}

/** An on/off setting that takes effect at once. */
export function Switch({ className, ...rest }: ComponentProps<typeof SwitchPrimitive.Root>) {
  return (
    <SwitchPrimitive.Root
      className={cn(
        "inline-flex h-4 w-7 shrink-0 items-center rounded-full border border-input bg-muted p-px data-[state=checked]:border-primary data-[state=checked]:bg-primary disabled:opacity-50",
        className,
      )}
      {...rest}
    >
      <SwitchPrimitive.Thumb className="size-3 rounded-full bg-muted-foreground transition-transform duration-75 data-[state=checked]:translate-x-3 data-[state=checked]:bg-primary-foreground" />
    </SwitchPrimitive.Root>
  );
}
