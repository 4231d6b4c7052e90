"use client";

import { useEffect, useEffectEvent } from "react";

/** True if a key press belongs to something else: a field that is being written in, a dialog, a menu. */
export function isTyping(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return true;
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    target.matches("input, textarea, select") ||
    target.closest("[role=dialog][aria-modal=true], [role=alertdialog], [role=menu], [role=listbox], .cm-editor") !== null
  );
}

/** The keys of a list: J and K move, Enter opens whole, Space opens the pane, X selects, Esc closes. */
export function useListKeys(
  enabled: boolean,
  on: { move: (by: number) => void; open: () => void; peek: () => void; select: () => void; close: () => boolean },
): void {
  const handle = useEffectEvent((event: KeyboardEvent) => {
    if (isTyping(event)) return;
    const onControl =
      event.target instanceof HTMLElement && event.target.closest("a, button, summary, [role=tab], [role=checkbox]") !== null;
    switch (event.key) {
      case "j":
      case "J":
      case "ArrowDown":
        if (event.key === "ArrowDown" && onControl) return;
        on.move(1);
        break;
      case "k":
      case "K":
      case "ArrowUp":
        if (event.key === "ArrowUp" && onControl) return;
        on.move(-1);
        break;
      case "Enter":
        if (onControl) return;
        on.open();
        break;
      case " ":
        if (onControl) return;
        on.peek();
        break;
      case "x":
        on.select();
        break;
      case "Escape":
        if (!on.close()) return;
        break;
      default:
        return;
    }
    event.preventDefault();
  });
  // The outside system is the document's keyboard.
  useEffect(() => {
    if (!enabled) return;
    const listener = (event: KeyboardEvent) => handle(event);
    document.addEventListener("keydown", listener);
    return () => document.removeEventListener("keydown", listener);
  }, [enabled]);
}
