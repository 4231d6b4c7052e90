"use client";

import { useSyncExternalStore } from "react";

/** Follows a media query; false while rendering on the server. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const list = window.matchMedia(query);
      list.addEventListener("change", listener);
      return () => list.removeEventListener("change", listener);
    },
    () => window.matchMedia(query).matches,
    () => false,
  );
}

/** True on a phone's width, where tables become cards and panes cover the page. */
export const useNarrow = () => useMedia("(max-width: 639px)");
