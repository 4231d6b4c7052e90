"use client";

import { useEffect } from "react";
import { routes } from "@/components/routes";

/** Leaves for the sign-in page and remembers the whole address, so that a deep link survives signing in. */
export function ToSignIn({ changePassword }: { changePassword?: boolean }) {
  // The outside system is the browser's location.
  useEffect(() => {
    const here = window.location.pathname + window.location.search;
    window.location.replace(changePassword ? routes.changePassword(here) : routes.signIn(here));
  }, [changePassword]);
  return <p className="p-4 text-muted-foreground">Going to the sign-in page</p>;
}
