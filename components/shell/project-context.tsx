"use client";

import { createContext, useContext, type ReactNode } from "react";
import { whoMay, type Permission } from "@/server/core/access/roles";
import type { MeView } from "@/server/core/views";

type ProjectContextValue = { project: string; me: MeView | null };
const Context = createContext<ProjectContextValue | null>(null);

export function ProjectProvider({ project, me, children }: { project: string; me: MeView | null; children: ReactNode }) {
  return <Context value={{ project, me }}>{children}</Context>;
}

/**
 * The project of the page, the person who reads it, and what they may do there. `why(permission)` is the sentence for
 * a disabled control, or null if it may be used; it decides nothing, every procedure checks for itself.
 */
export function useProject(): {
  project: string;
  me: MeView | null;
  may: (permission: Permission) => boolean;
  why: (permission: Permission) => string | null;
} {
  const value = useContext(Context);
  if (!value) throw new Error("useProject is for pages below /p/[project].");
  const mine = value.me?.projects.find((one) => one.name === value.project);
  const may = (permission: Permission) => mine?.permissions.includes(permission) ?? false;
  return {
    ...value,
    may,
    why: (permission) => (value.me === null || may(permission) ? null : whoMay(permission)),
  };
}
