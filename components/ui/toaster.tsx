"use client";

import { Toaster as Sonner } from "sonner";
import { useTheme } from "next-themes";

export { toast } from "sonner";

/** Where short reports of what was just done appear. Failures that need an answer are shown where they belong, not here. */
export function Toaster() {
  const { resolvedTheme } = useTheme();
  return (
    <Sonner
      theme={resolvedTheme === "dark" ? "dark" : "light"}
      position="bottom-right"
      closeButton
      toastOptions={{
        style: {
          fontFamily: "var(--font-sans)",
          fontSize: "13px",
          background: "var(--popover)",
          color: "var(--popover-foreground)",
          border: "1px solid var(--border-strong)",
          borderRadius: "6px",
          padding: "10px 12px",
        },
        classNames: { description: "text-muted-foreground!" },
      }}
    />
  );
}
