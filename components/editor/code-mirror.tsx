"use client";

import { useEffect, useEffectEvent, useRef } from "react";
import { autocompletion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, hoverTooltip, keymap } from "@codemirror/view";
import { basicSetup } from "codemirror";
import type { FieldError } from "@/server/core/base/refusal";
import { locate } from "./locate";
import { explainKey, offersAt, type Schema } from "./schema";
import { editorTheme } from "./theme";
import { contextAt } from "./yaml-context";

export type CodeMirrorProps = {
  value: string;
  onChange?: (text: string) => void;
  readOnly?: boolean;
  schema?: Schema | null;
  errors?: readonly FieldError[];
  label: string;
  /** Position (1-based line) to move the cursor to; a new object moves again. */
  goTo?: { line: number; column?: number } | null;
  onSubmit?: () => void;
};

/** The editor itself. Use `ManifestEditor`, which loads it when it is needed and lists the errors below it. */
export default function CodeMirror({ value, onChange, readOnly, schema, errors, label, goTo, onSubmit }: CodeMirrorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const editable = useRef(new Compartment());
  const changed = useEffectEvent((text: string) => onChange?.(text));
  const submitted = useEffectEvent(() => onSubmit?.());
  const complete = useEffectEvent((context: CompletionContext) => completions(context, schema ?? null));
  const hover = useEffectEvent((editor: EditorView, pos: number) => hoverHelp(editor, pos, schema ?? null));
  const initial = useEffectEvent(() => value);

  // The outside system is CodeMirror: one editor for the life of the component.
  useEffect(() => {
    if (!host.current) return;
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: initial(),
        extensions: [
          basicSetup,
          yaml(),
          editorTheme,
          keymap.of([
            {
              key: "Mod-Enter",
              run: () => {
                submitted();
                return true;
              },
            },
            indentWithTab,
          ]),
          autocompletion({ override: [(context) => complete(context)], icons: false }),
          hoverTooltip((current, pos) => hover(current, pos)),
          editable.current.of([]),
          EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0", spellcheck: "false", autocapitalize: "off" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => {
      view.current = null;
      editor.destroy();
    };
  }, [label]);

  // A value that came from outside replaces the text; one that came from typing is there already.
  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => {
    view.current?.dispatch({ effects: editable.current.reconfigure(readOnly ? [EditorState.readOnly.of(true)] : []) });
  }, [readOnly]);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const text = editor.state.doc.toString();
    editor.dispatch(
      setDiagnostics(
        editor.state,
        (errors ?? []).map((error) => ({ ...locate(text, error), severity: "error" as const, message: `${error.message}\n${error.remedy}` })),
      ),
    );
  }, [errors]);

  useEffect(() => {
    const editor = view.current;
    if (!editor || !goTo) return;
    const line = editor.state.doc.line(Math.min(Math.max(1, goTo.line), editor.state.doc.lines));
    editor.dispatch({ selection: { anchor: Math.min(line.to, line.from + (goTo.column ?? 1) - 1) }, scrollIntoView: true });
    editor.focus();
  }, [goTo]);

  return <div ref={host} className="h-full min-h-0 overflow-hidden" />;
}

function completions(context: CompletionContext, schema: Schema | null): CompletionResult | null {
  if (!schema) return null;
  const at = contextAt(context.state.doc.toString(), context.pos);
  if (!at) return null;
  if (!context.explicit && at.at.kind === "key" && at.at.prefix === "") return null;
  const offers = offersAt(schema, at);
  if (offers.length === 0) return null;
  return {
    from: context.pos - at.at.prefix.length,
    options: offers.map((offer) => ({
      label: offer.label,
      detail: offer.required ? `${offer.detail}, required` : offer.detail,
      info: offer.info || undefined,
      apply: offer.insert,
      boost: offer.required ? 10 : 0,
      type: at.at.kind === "key" ? "property" : "enum",
    })),
    validFor: /^[\w.$/-]*$/,
  };
}

function hoverHelp(editor: EditorView, pos: number, schema: Schema | null) {
  if (!schema) return null;
  const line = editor.state.doc.lineAt(pos);
  const match = /^(\s*(?:-\s+)*)([\w.$/-]+):/.exec(line.text);
  const key = match?.[2];
  if (!match || !key) return null;
  const from = line.from + (match[1]?.length ?? 0);
  if (pos < from || pos > from + key.length) return null;
  const context = contextAt(editor.state.doc.toString(), from);
  const help = context && explainKey(schema, context, key);
  if (!help || (help.info === "" && help.detail === "")) return null;
  return {
    pos: from,
    end: from + key.length,
    above: true,
    create: () => {
      const dom = document.createElement("div");
      dom.style.cssText = "padding:6px 8px;max-width:340px;white-space:pre-line;font-family:var(--font-sans);font-size:12px";
      const head = document.createElement("div");
      head.textContent = help.detail;
      head.style.color = "var(--muted-foreground)";
      dom.append(head, help.info);
      return { dom };
    },
  };
}
