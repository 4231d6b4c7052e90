import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** Looks of every editor and diff: the page's own colours, so that both themes come from one place. */
export const editorTheme: Extension = [
  EditorView.theme({
    "&": { fontSize: "12.5px", backgroundColor: "var(--card)", color: "var(--foreground)", height: "100%" },
    "&.cm-focused": { outline: "none" },
    ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "19px", overflow: "auto" },
    ".cm-gutters": { backgroundColor: "var(--card)", color: "var(--muted-foreground)", border: "none" },
    ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in oklch, var(--accent) 55%, transparent)" },
    ".cm-cursor": { borderLeftColor: "var(--foreground)" },
    "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
      backgroundColor: "color-mix(in oklch, var(--primary) 26%, transparent)",
    },
    ".cm-tooltip": { backgroundColor: "var(--popover)", color: "var(--popover-foreground)", border: "1px solid var(--border-strong)", borderRadius: "5px" },
    ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--font-mono)", maxHeight: "220px" },
    ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--accent-foreground)" },
    ".cm-completionDetail": { color: "var(--muted-foreground)", fontStyle: "normal" },
    ".cm-completionInfo": { padding: "6px 8px", maxWidth: "320px", whiteSpace: "pre-line", fontFamily: "var(--font-sans)" },
    ".cm-diagnostic": { fontFamily: "var(--font-sans)", padding: "4px 8px" },
    ".cm-diagnostic-error": { borderLeft: "3px solid var(--failing)" },
    ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--failing) 1px", textUnderlineOffset: "3px" },
    ".cm-panels": { backgroundColor: "var(--muted)", color: "var(--foreground)" },
    ".cm-searchMatch": { backgroundColor: "var(--degraded-soft)" },
    ".cm-foldPlaceholder": { backgroundColor: "var(--accent)", border: "none", color: "var(--muted-foreground)" },
    ".cm-deletedChunk": { backgroundColor: "var(--failing-soft)", paddingLeft: "6px" },
    ".cm-deletedChunk .cm-deletedText": { background: "color-mix(in oklch, var(--failing) 24%, transparent)" },
    ".cm-changedLine": { backgroundColor: "var(--healthy-soft) !important" },
    ".cm-changedText": { background: "color-mix(in oklch, var(--healthy) 24%, transparent) !important" },
    ".cm-collapsedLines": { background: "var(--muted)", color: "var(--muted-foreground)", padding: "3px 8px" },
    // The package's sign (U+299A) is missing in most fonts.
    ".cm-collapsedLines:before, .cm-collapsedLines:after": { content: '"…"' },
  }),
  syntaxHighlighting(
    HighlightStyle.define([
      { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--link)" },
      { tag: [tags.string, tags.special(tags.string)], color: "var(--healthy)" },
      { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--pending)" },
      { tag: tags.comment, color: "var(--muted-foreground)", fontStyle: "italic" },
      { tag: [tags.punctuation, tags.separator, tags.meta], color: "var(--muted-foreground)" },
      { tag: tags.invalid, color: "var(--failing)" },
    ]),
  ),
];
