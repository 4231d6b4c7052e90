"use client";

import dynamic from "next/dynamic";
import { useQueryClient } from "@tanstack/react-query";
import { useTRPC } from "@/app/_client/trpc";
import { useProject } from "@/components/shell/project-context";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import { followedKey, type Saved } from "./saved";
import type { Change } from "./use-preview";

/** The preview of a command in its dialog. Its code comes with the dialog, so that pages stay light that only may ask. */
export const LazyPreview = dynamic(() => import("./in-dialog"), {
  ssr: false,
  loading: () => (
    <Loading what="the preview" className="rounded-md border">
      <SkeletonRows rows={5} columns={2} />
    </Loading>
  ),
});

/** Remembers what the preview of a command said when it was carried out, so that the page of its object follows it. */
export function useFollowNext(): (object: string, change: Change) => void {
  const { project } = useProject();
  const trpc = useTRPC();
  const queries = useQueryClient();
  return (object, change) => {
    const view = queries.getQueryData(trpc.placement.preview.queryKey({ project, ...change }));
    queries.setQueryData(followedKey(project, object), view ? ({ view, change } satisfies Saved) : null);
  };
}
