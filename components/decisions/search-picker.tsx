"use client";

import { useId, useState } from "react";
import { Search } from "lucide-react";
import { cn } from "@/components/ui/cn";

export type Pick = { name: string; note: string };

/** A field that finds one object by a part of its name: arrow keys and Enter choose, Esc closes the list. `onText` asks for other offers. */
export function SearchPicker({ label, placeholder, offers, busy, text, onText, onPick, className }: {
  label: string;
  placeholder: string;
  offers: readonly Pick[];
  busy: boolean;
  text: string;
  onText: (text: string) => void;
  onPick: (name: string) => void;
  className?: string;
}) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const chosen = Math.min(at, offers.length - 1);
  const take = (name: string) => {
    setOpen(false);
    onText("");
    onPick(name);
  };
  return (
    <div className={cn("relative min-w-0", className)}>
      <Search className="pointer-events-none absolute left-2 top-1/2 size-3.5 -translate-y-1/2 text-muted-foreground" aria-hidden />
      <input
        type="text"
        role="combobox"
        aria-label={label}
        aria-expanded={open}
        aria-controls={`${id}-list`}
        aria-activedescendant={open && offers[chosen] ? `${id}-${chosen}` : undefined}
        aria-autocomplete="list"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        placeholder={placeholder}
        value={text}
        onChange={(event) => {
          onText(event.target.value);
          setAt(0);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown" && offers.length > 0) {
            setAt(open ? (chosen + 1) % offers.length : chosen);
            setOpen(true);
          }
          else if (event.key === "ArrowUp" && offers.length > 0) setAt(chosen <= 0 ? offers.length - 1 : chosen - 1);
          else if (event.key === "Enter" && open && offers[chosen]) take(offers[chosen].name);
          else if (event.key === "Escape") {
            if (open) setOpen(false);
            else event.currentTarget.blur();
          } else return;
          event.preventDefault();
          event.stopPropagation();
        }}
        className="h-7 w-full rounded-md border border-input bg-card pl-7 pr-2 text-sm placeholder:text-muted-foreground touch:h-9 touch:text-[16px]"
      />
      <ul id={`${id}-list`} role="listbox" aria-label={label} hidden={!open} className="absolute left-0 right-0 top-full z-40 mt-1 max-h-72 min-w-64 overflow-y-auto rounded-md bg-popover p-1 shadow-pane">
        {offers.length === 0 ? (
          <li role="option" aria-selected="false" aria-disabled="true" className="px-2 py-1 text-sm text-muted-foreground">
            {busy ? "Searching" : "Nothing is called so."}
          </li>
        ) : null}
        {offers.map((offer, index) => (
          <li
            key={offer.name}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === chosen}
            // Before the field loses focus, which would close the list.
            onMouseDown={(event) => {
              event.preventDefault();
              take(offer.name);
            }}
            className={cn("flex min-h-7 items-center gap-3 rounded-sm px-2 text-sm hover:bg-accent touch:min-h-9", index === chosen && "bg-accent")}
          >
            <span className="shrink-0 font-medium">{offer.name}</span>
            <span className="min-w-0 truncate text-xs text-muted-foreground">{offer.note}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
