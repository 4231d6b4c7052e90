"use client";

import { createContext, useContext, useEffect, useEffectEvent, useState, useSyncExternalStore, type ReactNode } from "react";
import { useQueryClient, type QueryFilters } from "@tanstack/react-query";
import { FreshnessChip } from "@/components/state";
import { EventStream, type LiveState } from "./event-stream";

const StreamContext = createContext<EventStream | null>(null);
const QUIET: LiveState = { connection: "connecting", dataAtMs: null };
const noSubscription = () => () => {};
/** The first change is asked for at once; those that follow are taken together, one round in this time at most. */
const ROUND_MS = 300;

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
  const refilter = useEffectEvent((topics: readonly string[]) => Promise.allSettled(topics.flatMap((topic) => staleOn(topic).map((filter) => queries.invalidateQueries(filter)))));
  const everything = useEffectEvent((first: boolean) => {
    void queries.invalidateQueries(first ? { predicate: (query) => query.state.fetchStatus === "idle" } : {});
  });
  const refused = useEffectEvent((status: number) => onRefused(status));

  // The outside system is the event stream of this project.
  useEffect(() => {
    const waiting = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asking = false;
    let ended = false;
    let beganMs = -ROUND_MS;
    // The next round begins when the answers of the last one are there. Asking anew cancels what is being asked: in a large
    // fleet, where something changes all the time, no answer would ever arrive.
    const soon = () => {
      if (asking || ended || waiting.size === 0) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        const topics = [...waiting];
        waiting.clear();
        asking = true;
        beganMs = performance.now();
        // A server that does not answer must not hold up the rounds after it.
        void Promise.race([refilter(topics), new Promise((resolve) => setTimeout(resolve, 15_000))]).then(() => {
          asking = false;
          soon();
        });
      }, Math.max(0, beganMs + ROUND_MS - performance.now()));
    };
    const opened = new EventStream(`/api/events?project=${encodeURIComponent(project)}`, {
      change: ({ topic }) => {
        waiting.add(topic);
        soon();
      },
      missed: (first) => everything(first),
      refused: (status) => refused(status),
    });
    const unwatch = queries.getQueryCache().subscribe((event) => {
      if (event.type === "updated" && event.action.type === "success") opened.sawData();
    });
    opened.start();
    setStream(opened);
    return () => {
      ended = true;
      clearTimeout(timer);
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
