"use client";

import type { ReactNode } from "react";
import { Command } from "@/components/ui/copy-button";
import { Alert } from "@/components/ui/alert";

/** Something that is shown once: a token, a link. It says so, and offers to copy it. */
export function ShownOnce({ what, text, kept = "It is kept as a fingerprint only and cannot be shown again.", children }: { what: string; text: string; kept?: string; children?: ReactNode }) {
  return (
    <div className="flex flex-col gap-3">
      <Alert tone="warning" title={`Copy the ${what} now`}>
        {kept}
      </Alert>
      <Command label={what} text={text} />
      {children}
    </div>
  );
}
