"use client";

import type { ReactNode } from "react";
import type { UseQueryResult } from "@tanstack/react-query";
import { refusalOf } from "@/app/_client/refusal";
import { useProject } from "@/components/shell/project-context";
import { LastLoaded, NotLoaded } from "@/components/state/query-states";
import { NoPermission } from "@/components/ui/empty-state";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import type { Permission } from "@/server/core/access/roles";

/** One query of the settings in all its states; the content is drawn only with data. */
export function Part<T>({
  query,
  what,
  permission,
  children,
}: {
  query: UseQueryResult<T, unknown>;
  what: string;
  permission: Permission;
  children: (data: T) => ReactNode;
}) {
  const { me, may } = useProject();
  if ((me !== null && !may(permission)) || refusalOf(query.error)?.code === "forbidden") return <NoPermission what={what} permission={permission} />;
  if (query.data === undefined) {
    if (query.isError) return <NotLoaded title={`The ${what} could not be loaded`} query={query} />;
    return (
      <Loading what={what}>
        <SkeletonRows rows={4} columns={5} />
      </Loading>
    );
  }
  return (
    <>
      <LastLoaded query={query} className="m-3" />
      {children(query.data)}
    </>
  );
}
