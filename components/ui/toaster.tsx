"use client";

import { useSyncExternalStore } from "react";
import dynamic from "next/dynamic";

type Kind = "success" | "error" | "message";
type Options = { description?: string; duration?: number };

let wanted = false;
const listeners = new Set<() => void>();

// The library is fetched with the first toast: most pages never show one.
async function show(kind: Kind, text: string, options?: Options): Promise<void> {
  wanted = true;
  for (const listener of listeners) listener();
  const { toast: sonner } = await import("sonner");
  sonner[kind](text, options);
}

/** Short reports of what was just done: `toast.success(done.message)`. */
export const toast = {
  success: (text: string, options?: Options) => void show("success", text, options),
  error: (text: string, options?: Options) => void show("error", text, options),
  message: (text: string, options?: Options) => void show("message", text, options),
};

const Place = dynamic(() => import("./toast-place"), { ssr: false });

/** Where they appear. Failures that need an answer are shown where they belong, not here. */
export function Toaster() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => wanted,
    () => false,
  );
  return shown ? <Place /> : null;
}
