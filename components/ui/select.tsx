"use client";

import type { ReactNode } from "react";
import { Check, ChevronDown } from "lucide-react";
import { Select as Primitive } from "radix-ui";
import { cn } from "./cn";

export type SelectOption<V extends string> = { value: V; label: ReactNode; hint?: ReactNode; disabled?: boolean };

/** A list to choose one from, where options carry a mark or a second line. */
export function Select<V extends string>({
  value,
  onValueChange,
  options,
  placeholder,
  label,
  className,
  id,
}: {
  value: V | undefined;
  onValueChange: (value: V) => void;
  options: readonly SelectOption<V>[];
  placeholder?: string;
  /** Read aloud; visible labels come from `Field`. */
  label?: string;
  className?: string;
  id?: string;
}) {
  return (
    <Primitive.Root value={value ?? ""} onValueChange={(next) => onValueChange(next as V)}>
      <Primitive.Trigger
        id={id}
        aria-label={label}
        className={cn(
          "inline-flex h-7 min-w-0 items-center justify-between gap-2 rounded-md border border-input bg-card px-2 text-sm data-[placeholder]:text-muted-foreground hover:bg-accent touch:h-9",
          className,
        )}
      >
        <span className="min-w-0 truncate">
          <Primitive.Value placeholder={placeholder} />
        </span>
        <ChevronDown className="size-3.5 shrink-0 text-muted-foreground" aria-hidden />
      </Primitive.Trigger>
      <Primitive.Portal>
        <Primitive.Content
          position="popper"
          sideOffset={4}
          collisionPadding={8}
          className="z-60 max-h-(--radix-select-content-available-height) min-w-(--radix-select-trigger-width) overflow-hidden rounded-md bg-popover text-popover-foreground shadow-pane"
        >
          <Primitive.Viewport className="p-1">
            {options.map((option) => (
              <Primitive.Item
                key={option.value}
                value={option.value}
                disabled={option.disabled}
                className="relative flex min-h-7 cursor-default select-none flex-col justify-center rounded-sm py-1 pl-7 pr-3 text-sm outline-none data-[highlighted]:bg-accent data-[disabled]:opacity-55 touch:min-h-9"
              >
                <Primitive.ItemIndicator className="absolute left-2 top-2">
                  <Check className="size-3.5" aria-hidden />
                </Primitive.ItemIndicator>
                <Primitive.ItemText>{option.label}</Primitive.ItemText>
                {option.hint ? <span className="text-xs text-muted-foreground">{option.hint}</span> : null}
              </Primitive.Item>
            ))}
          </Primitive.Viewport>
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
