"use client";

import { createContext, useContext, useEffect, useEffectEvent, useState, useSyncExternalStore, type ReactNode } from "react";
import { useQueryClient, type QueryFilters } from "@tanstack/react-query";
import { FreshnessChip } from "@/components/state";
import { EventStream, type LiveState } from "./event-stream";
import { createRounds } from "./rounds";

const StreamContext = createContext<EventStream | null>(null);
const QUIET: LiveState = { connection: "connecting", dataAtMs: null };
const noSubscription = () => () => {};

/**
 * Keeps a project's screens fresh: the stream says what changed, `staleOn` says which queries show it, and those are
 * asked again through the normal, authorised way. Changes that come close together, or while answers are awaited, are taken together.
 */
export function LiveProvider({
  project,
  staleOn,
  onRefused,
  children,
}: {
  project: string;
  staleOn: (topic: string) => readonly QueryFilters[];
  onRefused: (status: number) => void;
  children: ReactNode;
}) {
  const queries = useQueryClient();
  const [stream, setStream] = useState<EventStream | null>(null);
  const ask = useEffectEvent(async (topics: readonly string[]) => {
    const filters = topics.map((topic) => ({ topic, filters: staleOn(topic) }));
    // What is being asked already is not asked anew, but once more afterwards: its answer may be from before the change.
    const again = filters.filter((one) => one.filters.some((filter) => queries.isFetching(filter) > 0)).map((one) => one.topic);
    await Promise.allSettled(filters.flatMap((one) => one.filters.map((filter) => queries.invalidateQueries(filter, { cancelRefetch: false }))));
    return again;
  });
  const everything = useEffectEvent((first: boolean) => {
    void queries.invalidateQueries(first ? { predicate: (query) => query.state.fetchStatus === "idle" } : {});
  });
  const refused = useEffectEvent((status: number) => onRefused(status));

  // The outside system is the event stream of this project.
  useEffect(() => {
    const rounds = createRounds((topics) => ask(topics));
    const opened = new EventStream(`/api/events?project=${encodeURIComponent(project)}`, {
      change: ({ topic }) => rounds.add(topic),
      missed: (first) => everything(first),
      refused: (status) => refused(status),
    });
    const unwatch = queries.getQueryCache().subscribe((event) => {
      if (event.type === "updated" && event.action.type === "success") opened.sawData();
    });
    opened.start();
    setStream(opened);
    return () => {
      rounds.end();
      unwatch();
      opened.stop();
      setStream(null);
    };
  }, [project, queries]);

  return <StreamContext value={stream}>{children}</StreamContext>;
}

/** How the page is connected, and how old what it shows is. */
export function useLive(): LiveState {
  const stream = useContext(StreamContext);
  return useSyncExternalStore(
    stream?.subscribe ?? noSubscription,
    () => stream?.getState() ?? QUIET,
    () => QUIET,
  );
}

/** The chip of the top bar. */
export function LiveFreshness({ className }: { className?: string }) {
  const { connection, dataAtMs } = useLive();
  return <FreshnessChip connection={connection} dataAtMs={dataAtMs} className={className} />;
}
