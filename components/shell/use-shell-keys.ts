"use client";

import { useEffect, useEffectEvent, useRef } from "react";
import { useRouter } from "next/navigation";
import { isTyping } from "@/components/table/use-list-keys";
import { navEntries } from "./nav";

/** Keys that work on every page: Ctrl/Cmd-K, G and a letter, / for the filter, ? for the list of keys. */
export function useShellKeys(project: string, on: { palette: () => void; help: () => void }): void {
  const router = useRouter();
  const awaiting = useRef(0);
  const handle = useEffectEvent((event: KeyboardEvent) => {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      on.palette();
      return;
    }
    if (isTyping(event)) return;
    if (Date.now() - awaiting.current < 1_200) {
      awaiting.current = 0;
      const entry = navEntries.find((one) => one.key === event.key.toLowerCase());
      if (entry) {
        event.preventDefault();
        router.push(entry.href(project));
      }
      return;
    }
    if (event.key === "g") awaiting.current = Date.now();
    else if (event.key === "?") on.help();
    else if (event.key === "/") {
      const filter = document.querySelector<HTMLInputElement>("main input[role=combobox], main input[type=search]");
      if (filter) {
        event.preventDefault();
        filter.focus();
        filter.select();
      }
    }
  });
  // The outside system is the document's keyboard. It is heard before the lists on the page.
  useEffect(() => {
    const listener = (event: KeyboardEvent) => handle(event);
    document.addEventListener("keydown", listener, { capture: true });
    return () => document.removeEventListener("keydown", listener, { capture: true });
  }, []);
}
