"use client";

import type { ReactNode } from "react";
import { explain } from "@/app/_client/refusal";
import { Alert } from "@/components/ui/alert";
import { ErrorState } from "@/components/ui/empty-state";

type Asked = { isError: boolean; error: unknown; refetch: () => unknown };

/** Said above what is shown, when it could not be loaded anew: it is the last that is known. */
export function LastLoaded({ query, className }: { query: Asked; className?: string }) {
  if (!query.isError) return null;
  return (
    <Alert tone="silent" className={className} title="This is the last that could be loaded">
      {explain(query.error).message}
    </Alert>
  );
}

/** What stands in the place of something that could not be loaded at all. */
export function NotLoaded({ query, title }: { query: Asked; title: ReactNode }) {
  const { message, id } = explain(query.error);
  return <ErrorState title={title} message={message} id={id} onRetry={() => void query.refetch()} />;
}
