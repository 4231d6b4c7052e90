"use client";

import { useEffect, useState } from "react";
import { Check, Copy } from "lucide-react";
import { Button } from "./button";
import { cn } from "./cn";

/** Copies a text. Says for a moment that it did; where the browser refuses, says that too. */
export function CopyButton({ text, what, className, withLabel }: { text: string; what: string; className?: string; withLabel?: boolean }) {
  const [outcome, setOutcome] = useState<"none" | "done" | "refused">("none");
  useEffect(() => {
    if (outcome === "none") return;
    const timer = setTimeout(() => setOutcome("none"), 1600);
    return () => clearTimeout(timer);
  }, [outcome]);
  const label = outcome === "done" ? "Copied" : outcome === "refused" ? "The browser refused: select the text and copy it" : `Copy ${what}`;
  return (
    <Button
      variant="ghost"
      size={withLabel ? "sm" : "icon-sm"}
      className={className}
      aria-label={label}
      title={label}
      onClick={() => {
        copy(text).then(
          () => setOutcome("done"),
          () => setOutcome("refused"),
        );
      }}
    >
      {outcome === "done" ? <Check className="text-healthy" aria-hidden /> : <Copy aria-hidden />}
      {withLabel ? (outcome === "done" ? "Copied" : "Copy") : null}
      <span className="sr-only" aria-live="polite">
        {outcome === "none" ? "" : label}
      </span>
    </Button>
  );
}

// The clipboard API exists only on https and localhost; consoles are also opened over plain http inside a network.
async function copy(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  area.style.opacity = "0";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("copy refused");
}

/** A command line to copy: the equivalent of what a button does, or what to run on a machine. */
export function Command({ text, label, className }: { text: string; label?: string; className?: string }) {
  return (
    <div className={cn("min-w-0", className)}>
      {label ? <p className="mb-1 text-xs text-muted-foreground">{label}</p> : null}
      <div className="flex items-start gap-1 rounded-md border bg-muted py-1 pl-2 pr-1">
        <pre className="min-w-0 flex-1 overflow-x-auto whitespace-pre-wrap py-0.5 text-xs leading-4.5 [overflow-wrap:anywhere]" tabIndex={0} aria-label={label ?? "Command"}>
          {text}
        </pre>
        <CopyButton text={text} what={label ?? "command"} />
      </div>
    </div>
  );
}
