"use client";

import { cloneElement, useId, type ComponentProps, type ReactElement, type ReactNode } from "react";
import { cn } from "./cn";

/** The name of a form field. */
export function Label({ className, ...rest }: ComponentProps<"label">) {
  // The association comes from htmlFor, which every caller passes.
  return <label className={cn("text-sm font-medium", className)} {...rest} />;
}

/**
 * One field of a form: name, control, help or error. It connects the three for screen readers.
 * The child is the control; it receives `id`, `aria-describedby` and `aria-invalid`.
 */
export function Field({
  label,
  help,
  error,
  optional,
  className,
  children,
}: {
  label: ReactNode;
  help?: ReactNode;
  error?: ReactNode;
  optional?: boolean;
  className?: string;
  children: ReactElement<{ id?: string; "aria-describedby"?: string; "aria-invalid"?: boolean }>;
}) {
  const made = useId();
  const id = children.props.id ?? made;
  const hint = error ?? help;
  return (
    <div className={cn("flex flex-col gap-1", className)}>
      <Label htmlFor={id}>
        {label}
        {optional ? <span className="ml-1 font-normal text-muted-foreground">(optional)</span> : null}
      </Label>
      {cloneElement(children, {
        id,
        ...(hint ? { "aria-describedby": `${id}-hint` } : {}),
        ...(error ? { "aria-invalid": true } : {}),
      })}
      {hint ? (
        <p id={`${id}-hint`} className={cn("text-xs", error ? "text-failing" : "text-muted-foreground")} role={error ? "alert" : undefined}>
          {hint}
        </p>
      ) : null}
    </div>
  );
}
