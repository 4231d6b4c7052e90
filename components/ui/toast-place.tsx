"use client";

import { Toaster as Sonner } from "sonner";
import { useTheme } from "next-themes";

/** The place of the toasts, dressed in the page's colours; use `Toaster`, which fetches it when there is one. */
export default function ToastPlace() {
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
