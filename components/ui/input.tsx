import type { ComponentProps } from "react";
import { cn } from "./cn";

const field =
  "w-full min-w-0 rounded-md border border-input bg-card px-2 text-base text-foreground placeholder:text-muted-foreground aria-invalid:border-failing aria-invalid:ring-1 aria-invalid:ring-failing disabled:cursor-not-allowed disabled:opacity-60 read-only:bg-muted touch:text-[16px]";

/** A one-line text field. Give it an id and a `Label`, or use `Field`. */
export function Input({ className, type, ...rest }: ComponentProps<"input">) {
  return <input type={type ?? "text"} className={cn(field, "h-7 touch:h-9", className)} {...rest} />;
}

/** A text field of several lines. */
export function Textarea({ className, ...rest }: ComponentProps<"textarea">) {
  return <textarea className={cn(field, "min-h-16 py-1.5", className)} {...rest} />;
}

/**
 * The platform's own select. Short closed lists in forms use it: it is right on every phone and with every screen reader.
 * Where options need marks or descriptions use `Select`.
 */
export function NativeSelect({ className, children, ...rest }: ComponentProps<"select">) {
  return (
    <select className={cn(field, "h-7 pr-6 touch:h-9", className)} {...rest}>
      {children}
    </select>
  );
}
