"use client";

import { useEffect, useEffectEvent, useState } from "react";
import dynamic from "next/dynamic";
import { CircleCheck, CircleX, LoaderCircle } from "lucide-react";
import { cn } from "@/components/ui/cn";
import { Kbd } from "@/components/ui/kbd";
import { Skeleton } from "@/components/ui/skeleton";
import type { FieldError } from "@/server/core/base/refusal";
import type { Schema } from "./schema";

const CodeMirror = dynamic(() => import("./code-mirror"), {
  ssr: false,
  loading: () => (
    <div className="flex flex-col gap-2 p-4" role="status" aria-label="Loading the editor">
      {["w-40", "w-24", "w-56", "w-32", "w-48"].map((width) => (
        <Skeleton key={width} className={width} />
      ))}
    </div>
  ),
});

/** What the server says of a text: `null` while it has not answered for this text yet. */
export type Validation = { errors: readonly FieldError[] } | null;

/**
 * Edits a manifest as YAML: completion and help from the JSON Schema, and the server's own validation while writing,
 * shown in the text and as a list below it. Ctrl/Cmd-Enter submits.
 */
export function ManifestEditor({
  value,
  onChange,
  schema,
  validate,
  errors: given,
  readOnly,
  label = "Manifest",
  onSubmit,
  onValidation,
  className,
}: {
  value: string;
  onChange?: (text: string) => void;
  schema?: Schema | null;
  /** Asked 400 ms after the last key stroke. It should pass on the abort signal. */
  validate?: (text: string, signal: AbortSignal) => Promise<readonly FieldError[]>;
  /** Errors known from elsewhere (a refused apply); shown together with those of `validate`. */
  errors?: readonly FieldError[];
  readOnly?: boolean;
  label?: string;
  onSubmit?: () => void;
  onValidation?: (validation: Validation) => void;
  className?: string;
}) {
  const [state, setState] = useState<{ text: string; errors: readonly FieldError[] } | null>(null);
  const [failed, setFailed] = useState(false);
  const [goTo, setGoTo] = useState<{ line: number; column?: number } | null>(null);
  const ask = useEffectEvent(async (text: string, signal: AbortSignal) => {
    if (!validate) return;
    try {
      const errors = await validate(text, signal);
      if (signal.aborted) return;
      setFailed(false);
      setState({ text, errors });
      onValidation?.({ errors });
    } catch {
      if (!signal.aborted) setFailed(true);
    }
  });
  const wanted = validate !== undefined && !readOnly;
  // The outside system is the server's validation: asked when the writer pauses.
  useEffect(() => {
    if (!wanted) return;
    const control = new AbortController();
    const timer = setTimeout(() => void ask(value, control.signal), 400);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [value, wanted]);

  const errors = [...(given ?? []), ...(state?.errors ?? [])];
  const checking = wanted && state?.text !== value && !failed;
  return (
    <div className={cn("flex min-h-60 flex-col overflow-hidden rounded-md border bg-card", className)}>
      <div className="min-h-0 flex-1">
        <CodeMirror value={value} onChange={onChange} readOnly={readOnly} schema={schema} errors={errors} label={label} goTo={goTo} onSubmit={onSubmit} />
      </div>
      {wanted || errors.length > 0 ? (
        <div className="max-h-40 overflow-y-auto border-t text-sm" role="region" aria-label="Validation" aria-live="polite">
          <p className="flex h-7 items-center gap-2 px-3 text-xs text-muted-foreground">
            {failed ? (
              <>
                <CircleX className="size-3.5 text-failing" aria-hidden /> The server did not answer; your text is kept.
              </>
            ) : checking ? (
              <>
                <LoaderCircle className="size-3.5 animate-spin" aria-hidden /> Checking
              </>
            ) : errors.length === 0 ? (
              <>
                <CircleCheck className="size-3.5 text-healthy" aria-hidden /> The manifest is valid
              </>
            ) : (
              <>
                <CircleX className="size-3.5 text-failing" aria-hidden /> {errors.length === 1 ? "1 error" : `${errors.length} errors`}
              </>
            )}
            <span className="ml-auto flex items-center gap-1 max-md:hidden">
              <Kbd>Ctrl</Kbd>
              <Kbd>Space</Kbd> suggests, <Kbd>Esc</Kbd> then <Kbd>Tab</Kbd> leaves
            </span>
          </p>
          {errors.length > 0 ? (
            <ul className="pb-1">
              {errors.map((error, index) => (
                <li key={`${error.path}${index}`}>
                  <button
                    type="button"
                    className="flex w-full flex-wrap items-baseline gap-x-2 px-3 py-0.5 text-left hover:bg-accent"
                    onClick={() => error.line !== undefined && setGoTo({ line: error.line, column: error.column })}
                  >
                    <code className="text-failing">
                      {error.line !== undefined ? `${error.line}:${error.column ?? 1} ` : ""}
                      {error.path || "text"}
                    </code>
                    <span>{error.message}</span>
                    <span className="text-muted-foreground">{error.remedy}</span>
                  </button>
                </li>
              ))}
            </ul>
          ) : null}
        </div>
      ) : null}
    </div>
  );
}
