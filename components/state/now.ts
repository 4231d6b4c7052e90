"use client";

import { useSyncExternalStore } from "react";

/*
 * One clock for the page. Ages tick together, once a second, and only while the page is visible. The clock is the
 * server's: `setClockOffset` keeps the difference that the event stream reports, so that a wrong wall clock on the
 * reader's machine does not make everything look old.
 */
let nowMs = 0;
let offsetMs = 0;
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function tick() {
  nowMs = Math.floor((Date.now() + offsetMs) / 1000) * 1000;
  for (const listener of listeners) listener();
}

function onVisible() {
  if (document.visibilityState === "visible") {
    tick();
    timer ??= setInterval(tick, 1000);
  } else {
    clearInterval(timer);
    timer = undefined;
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (listeners.size === 1) {
    nowMs = Math.floor((Date.now() + offsetMs) / 1000) * 1000;
    timer = setInterval(tick, 1000);
    document.addEventListener("visibilitychange", onVisible);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
      document.removeEventListener("visibilitychange", onVisible);
    }
  };
}

/** Tells the page clock how far the server's clock is ahead of this machine's (milliseconds). */
export function setClockOffset(ms: number): void {
  offsetMs = ms;
}

/** The server's time now, to a second; `null` while rendering on the server, where no reader's clock exists. */
export function useNow(): number | null {
  return useSyncExternalStore<number | null>(subscribe, snapshot, () => null);
}

function snapshot(): number {
  if (nowMs === 0) nowMs = Math.floor((Date.now() + offsetMs) / 1000) * 1000;
  return nowMs;
}
