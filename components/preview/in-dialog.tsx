"use client";

import { PreviewAge, PreviewStates } from "./preview-panel";
import { usePreview, type Change } from "./use-preview";

/** What a command would do, in the dialog that asks for it. Loaded only when one is opened. */
export default function PreviewInDialog({ change }: { change: Change }) {
  const preview = usePreview(change);
  return (
    <div className="rounded-md border bg-card" role="group" aria-label="What would happen">
      <p className="flex min-h-8 items-center justify-between gap-2 border-b px-3 text-sm font-medium">
        What would happen
        <span className="text-xs font-normal text-muted-foreground">
          <PreviewAge preview={preview} />
        </span>
      </p>
      <div className="max-h-[36vh] overflow-y-auto" tabIndex={0} role="region" aria-label="Preview">
        <PreviewStates preview={preview} hint="" />
      </div>
    </div>
  );
}
