"use client";

import { useSyncExternalStore } from "react";

const never = () => () => {};

/** The address under which the reader sees the console; empty while rendering on the server. */
export function useOrigin(): string {
  return useSyncExternalStore(
    never,
    () => window.location.origin,
    () => "",
  );
}
