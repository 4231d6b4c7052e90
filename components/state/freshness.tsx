"use client";

import { cn } from "@/components/ui/cn";
import { Tooltip } from "@/components/ui/tooltip";
import { absoluteText, ageText } from "./time";
import { useNow } from "./now";

export type Connection = "connecting" | "live" | "reconnecting" | "polling";

/**
 * How fresh the page is: "live", "12 s old" (data comes by the slow poll) or "reconnecting" with the age of what is
 * shown.
 */
export function FreshnessChip({ connection, dataAtMs, className }: { connection: Connection; dataAtMs: number | null; className?: string }) {
  const now = useNow();
  const age = now !== null && dataAtMs !== null ? ageText(now - dataAtMs) : null;
  const live = connection === "live";
  const word =
    connection === "live"
      ? "live"
      : connection === "connecting"
        ? "connecting"
        : connection === "polling"
          ? age === null
            ? "polling"
            : `${age} old`
          : age === null
            ? "reconnecting"
            : `reconnecting, ${age} old`;
  return (
    <Tooltip
      side="bottom"
      content={
        <span className="flex flex-col gap-0.5">
          <span>{explain[connection]}</span>
          {dataAtMs !== null ? <span className="text-muted-foreground">Last word from the server {absoluteText(dataAtMs)}</span> : null}
        </span>
      }
    >
      <span
        tabIndex={0}
        role="status"
        className={cn(
          "inline-flex h-6 items-center gap-1.5 whitespace-nowrap rounded-sm px-1.5 text-xs tnum",
          live ? "text-muted-foreground" : connection === "connecting" ? "text-muted-foreground" : "hatched bg-silent-soft text-silent",
          className,
        )}
      >
        <span
          aria-hidden
          className={cn("size-1.5 rounded-full", live ? "bg-healthy" : "border border-current")}
        />
        {word}
      </span>
    </Tooltip>
  );
}

const explain: Record<Connection, string> = {
  connecting: "Opening the event stream.",
  live: "Changes arrive as they happen.",
  reconnecting: "The event stream broke. What you see is kept; it is tried again, with what was missed.",
  polling: "The event stream cannot be opened. The page asks every 15 seconds instead.",
};
