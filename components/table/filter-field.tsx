"use client";

import { useId, useRef, useState } from "react";
import { ListFilter, X } from "lucide-react";
import { parseAsString, useQueryState } from "nuqs";
import { cn } from "@/components/ui/cn";
import { parseFilter, termText, tokenAt, type Filter } from "./filter";

export type FilterFieldSpec = {
  /** As it is written: `state`. */
  name: string;
  /** What it means, for the list of suggestions. */
  meaning: string;
  /** Values to offer. */
  values?: readonly string[];
};

/** The filter of a page's list, kept in the URL as `?q=`. */
export function useFilter(fields: readonly FilterFieldSpec[], key = "q"): { text: string; setText: (text: string) => void; filter: Filter } {
  const [text, set] = useQueryState(key, parseAsString.withDefault("").withOptions({ history: "replace", throttleMs: 120 }));
  return {
    text,
    setText: (next) => void set(next === "" ? null : next),
    filter: parseFilter(text, fields.map((field) => field.name)),
  };
}

type Suggestion = { insert: string; label: string; note: string; keepOpen: boolean };

/**
 * The field a typed filter is written in, with suggestions: first the names of fields, after the colon their values.
 * Arrow keys and Enter choose, Esc closes the suggestions and then clears.
 */
export function FilterField({
  text,
  onText,
  fields,
  placeholder,
  label,
  className,
}: {
  text: string;
  onText: (text: string) => void;
  fields: readonly FilterFieldSpec[];
  placeholder?: string;
  label: string;
  className?: string;
}) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [cursor, setCursor] = useState(text.length);
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  const offers = open ? suggestions(text, cursor, fields) : [];

  const take = (offer: Suggestion) => {
    const token = tokenAt(text, cursor);
    const before = text.slice(0, token.from);
    const after = text.slice(token.to).replace(/^\s+/, "");
    const next = `${before}${offer.insert}${offer.keepOpen ? "" : " "}${after}`;
    const at = before.length + offer.insert.length + (offer.keepOpen ? 0 : 1);
    onText(next);
    setCursor(at);
    setChosen(-1);
    setOpen(offer.keepOpen);
    requestAnimationFrame(() => input.current?.setSelectionRange(at, at));
  };

  return (
    <div className={cn("relative min-w-0", className)}>
      <ListFilter className="pointer-events-none absolute left-2 top-1/2 size-3.5 -translate-y-1/2 text-muted-foreground" aria-hidden />
      <input
        ref={input}
        type="text"
        role="combobox"
        aria-label={label}
        aria-expanded={offers.length > 0}
        aria-controls={`${id}-list`}
        aria-activedescendant={chosen >= 0 ? `${id}-${chosen}` : undefined}
        aria-autocomplete="list"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        placeholder={placeholder ?? `Filter, for example ${fields[0] ? `${fields[0].name}:${fields[0].values?.[0] ?? "…"}` : "a name"}`}
        value={text}
        onChange={(event) => {
          onText(event.target.value);
          setCursor(event.target.selectionStart ?? event.target.value.length);
          setOpen(true);
          setChosen(-1);
        }}
        onSelect={(event) => setCursor(event.currentTarget.selectionStart ?? 0)}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown" && offers.length > 0) setChosen((chosen + 1) % offers.length);
          else if (event.key === "ArrowUp" && offers.length > 0) setChosen(chosen <= 0 ? offers.length - 1 : chosen - 1);
          else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0 && offers[chosen]) take(offers[chosen]);
          else if (event.key === "Escape") {
            if (offers.length > 0 && open) setOpen(false);
            else if (text !== "") onText("");
            else event.currentTarget.blur();
          } else if (event.key === "Enter") setOpen(false);
          else return;
          if (event.key !== "Enter" || chosen >= 0) event.preventDefault();
          event.stopPropagation();
        }}
        className="h-7 w-full rounded-md border border-input bg-card pl-7 pr-7 font-mono text-xs placeholder:font-sans placeholder:text-muted-foreground touch:h-9 touch:text-[16px]"
      />
      {text !== "" ? (
        <button
          type="button"
          aria-label="Clear the filter"
          className="absolute right-1 top-1/2 grid size-6 -translate-y-1/2 place-items-center rounded-sm text-muted-foreground hover:text-foreground"
          onClick={() => onText("")}
        >
          <X className="size-3.5" aria-hidden />
        </button>
      ) : null}
      <ul
        id={`${id}-list`}
        role="listbox"
        aria-label="Suggestions"
        hidden={offers.length === 0}
        className="absolute left-0 right-0 top-full z-40 mt-1 max-h-72 min-w-64 overflow-y-auto rounded-md bg-popover p-1 shadow-pane"
      >
        {offers.map((offer, index) => (
          <li
            key={offer.insert}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === chosen}
            // Before the field loses focus, which would close the list.
            onMouseDown={(event) => {
              event.preventDefault();
              take(offer);
            }}
            className={cn("flex h-7 items-center gap-3 rounded-sm px-2 text-sm hover:bg-accent", index === chosen && "bg-accent")}
          >
            <code className="shrink-0">{offer.label}</code>
            <span className="min-w-0 truncate text-xs text-muted-foreground">{offer.note}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function suggestions(text: string, cursor: number, fields: readonly FilterFieldSpec[]): Suggestion[] {
  const token = tokenAt(text, cursor);
  const not = token.text.startsWith("-");
  const body = not ? token.text.slice(1) : token.text;
  const colon = body.indexOf(":");
  if (colon === -1) {
    return fields
      .filter((field) => field.name.startsWith(body.toLowerCase()))
      .map((field) => ({ insert: `${not ? "-" : ""}${field.name}:`, label: `${field.name}:`, note: field.meaning, keepOpen: true }));
  }
  const field = fields.find((entry) => entry.name === body.slice(0, colon).toLowerCase());
  const part = body.slice(colon + 1).replaceAll('"', "").toLowerCase();
  return (field?.values ?? [])
    .filter((value) => value.toLowerCase().includes(part) && value.toLowerCase() !== part)
    .slice(0, 40)
    .map((value) => ({ insert: termText(field?.name ?? "", value, not), label: value, note: "", keepOpen: false }));
}
