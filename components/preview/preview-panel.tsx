"use client";

import { LoaderCircle } from "lucide-react";
import { explain } from "@/app/_client/refusal";
import { Age } from "@/components/state";
import { Alert } from "@/components/ui/alert";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Section } from "@/components/ui/page";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import { PreviewBody } from "./preview-body";
import { usePreview, type Change, type Preview } from "./use-preview";

/** The preview of a change as a part of a page. */
export function PreviewPanel({ change, hint, title = "What would happen", className }: { change: Change | null; hint: string; title?: string; className?: string }) {
  return <PreviewSection preview={usePreview(change)} hint={hint} title={title} className={className} />;
}

/** The same for a preview that somebody else asks for. `hint` stands there before anything could be asked. */
export function PreviewSection({ preview, hint, title = "What would happen", className }: { preview: Preview; hint: string; title?: string; className?: string }) {
  return (
    <Section title={title} aside={<PreviewAge preview={preview} />} flush className={className}>
      <PreviewStates preview={preview} hint={hint} />
    </Section>
  );
}

/** How old an answer is, and whether it is one to the question that stands there now. */
export function PreviewAge({ preview: p }: { preview: Preview }) {
  return (
    <span className="flex items-center gap-2" aria-live="polite">
      {p.busy && p.view ? <LoaderCircle className="size-3.5 animate-spin" aria-label="Asking" /> : null}
      {p.view && p.stale ? <Badge tone="outline">of an earlier text</Badge> : null}
      {p.view ? <Age at={p.view.asOfMs} suffix="ago" className="text-right" /> : null}
    </span>
  );
}

/** Loading, empty, refused, failed, and the answer. What is known stays in view, and is marked when it is of an older question. */
export function PreviewStates({ preview: p, hint }: { preview: Preview; hint: string }) {
  const trouble = p.refused ? (
    <Alert tone="error" title="It cannot be previewed" className="m-3 mb-0">
      {p.refused.message} {p.refused.remedy}
    </Alert>
  ) : p.failed ? (
    <Alert tone="silent" title="The preview could not be made" className="m-3 mb-0" action={<Button size="sm" onClick={p.retry}>Try again</Button>}>
      {explain(p.failed).message}
    </Alert>
  ) : null;
  return (
    <>
      {trouble}
      {p.view ? (
        <PreviewBody view={p.view} stale={p.stale} />
      ) : p.busy && !trouble ? (
        <Loading what="the preview">
          <SkeletonRows rows={6} columns={2} />
        </Loading>
      ) : trouble ? (
        <div className="h-3" />
      ) : (
        <p className="p-3 text-sm text-muted-foreground">{hint}</p>
      )}
    </>
  );
}
